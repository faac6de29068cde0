"""Programming: questions that programmers ask, with an example in code."""

from __future__ import annotations

from pipelines.samples.facts import Entity, topics

PROGRAMMING = r"""
# Mutable default arguments
? Why does my Python function remember the list from the last call? | What is wrong with an empty list as default argument? | Why is a default list shared between calls in Python?
= A default value is created once, when the function is defined, so every call that leaves the argument out gets the very same list. | Python evaluates defaults at definition time and not at call time, which is why all calls share one list.
- The usual cure is None as default and a fresh list inside of the function body.
- Numbers and strings cause no trouble, because nobody can change them in place. | Immutable defaults such as integers or tuples are safe.
+ Linters warn about it, so let one run over the code before each commit.
` def add(item, basket=None):
`     basket = [] if basket is None else basket
`     basket.append(item)
`     return basket

# Floating point numbers
? Why is 0.1 + 0.2 not equal to 0.3? | Why do my sums of decimals come out with strange digits? | How should I compare two floats? | Which type should I use for amounts of money?
= A float stores binary fractions, and one tenth has no finite binary expansion, so a tiny rounding error remains. | Decimal fractions such as a tenth can't be written exactly in base two; the nearest double is stored instead, and the error shows in the last digit.
- The format is laid down in the standard IEEE 754 and gives about sixteen significant digits.
- Order matters: adding small numbers first loses less. | Summing from the smallest to the largest term keeps more digits.
+ Compare with a tolerance instead of the equality operator.
+ Keep money in whole cents or in a decimal type. | Banks count in integers of cents, and so should your program.
` from math import isclose
` assert 0.1 + 0.2 != 0.3
` assert isclose(0.1 + 0.2, 0.3)

# Merging and rebasing in Git
? What is the difference between git merge and git rebase? | When should I rebase a branch rather than merge it? | Why should nobody rebase a shared branch?
= Merging ties two histories together with a commit that has two parents; rebasing writes your commits anew on top of the other branch. | A rebase replays your changes one by one on a new base and gives a straight line, whereas a merge keeps both lines and joins them.
- Rebased commits get new hashes, so colleagues who have the old ones end up with duplicates.
- Both ways lead to the same files in the end. | The content of the work tree is equal after either; only the history differs.
+ Rebase what only you have, merge what others have already fetched.
` git fetch origin
` git rebase origin/main
` git push --force-with-lease

# Undoing the last commit
? How do I undo my last Git commit without losing the changes? | What does git reset --soft do? | How can I take back a commit that I have already pushed?
= A soft reset moves the branch back by one commit and leaves the changes staged. | With a soft reset the commit vanishes from the branch while its changes stay in the index, ready to be committed again.
- For a commit that is already public, revert is the polite choice: it adds a commit that does the opposite.
- The reflog remembers where a branch has been for weeks. | Nothing is lost at once, for the reflog lists the old positions of every branch.
+ A typo in the message only needs an amended commit.
` git reset --soft HEAD~1
` git revert 3f2a1c9

# SQL injection
? How does an SQL injection work? | Why are prepared statements safer than string concatenation? | How do I pass user input to a database query safely?
= Text of a user that is glued into a query can close the quotes and add commands of its own, which the database then runs. | If input becomes part of the statement's text, an attacker can write SQL in a form field; placeholders keep data and code apart.
- Placeholders send the values beside the statement, so they are never parsed as SQL.
- Escaping by hand tends to forget a case. | Home-made escaping fails sooner or later, for instance on another character set.
+ Give the account of the web application no right to drop tables.
` cursor.execute("SELECT name FROM users WHERE mail = ?", (mail,))

# Database indexes
? Why does an index make a query faster? | When does a database ignore my index? | Does every column need an index?
= An index keeps the values of a column sorted in a tree, so the rows are found in a few steps instead of by reading the whole table. | Like the index of a book it lists sorted keys with the places of their rows; a lookup walks down a tree of a handful of levels.
- Each index must be updated with every insert, which makes writing slower.
- A condition on a function of the column can't use a plain index. | Wrap the column into a function and the sorted order is of no help.
+ Ask the planner with EXPLAIN before you guess.
` CREATE INDEX orders_by_customer ON orders (customer_id, created_at);
` EXPLAIN SELECT * FROM orders WHERE customer_id = 42;

# UTF-8
? How does UTF-8 store characters? | Why do umlauts turn into two strange characters? | What is the difference between Unicode and UTF-8? | How many bytes does a character take in UTF-8?
= UTF-8 writes each code point in one to four bytes: ASCII stays as it is, and the first byte of longer ones tells how many follow. | In this encoding plain ASCII text is unchanged, while all other characters become sequences of two to four bytes with the high bit set.
- Unicode numbers the characters, whereas an encoding says which bytes stand for a number.
- Ken Thompson and Rob Pike designed it in 1992. | The design was sketched in a diner in New Jersey one evening in 1992.
+ An ä that shows up as two odd letters was decoded as Latin-1 by mistake.
` "ä".encode("utf-8")  # b'\xc3\xa4', two bytes

# Greedy regular expressions
? Why does my regular expression match too much? | What does greedy mean in a regex? | How do I match the shortest string between two tags?
= Quantifiers are greedy: the star takes as many characters as it can and only gives some back if the rest would fail. | By default a repetition grabs all it can get, so the match reaches to the last closing sign rather than to the first.
- A question mark behind the quantifier makes it lazy.
- A negated character class is often faster than a lazy dot. | Excluding the closing sign from the repeated class avoids backtracking.
+ Nested repetitions can take exponential time on hostile input.
` re.findall(r"<b>(.*?)</b>", "<b>one</b> and <b>two</b>")  # ['one', 'two']

# Binary search
? How does binary search work? | Why must a list be sorted for a binary search? | How many steps does a binary search need for a million items?
= Binary search looks at the middle element and drops the half that can't hold the target, again and again. | Each comparison halves the range that is left, so a million sorted items need about twenty steps.
- The running time grows with the logarithm of the length.
- Many early versions had a bug in the middle index, which overflowed for huge arrays. | Adding both borders before halving can overflow a fixed-width integer; the mistake went unnoticed for decades.
+ The standard library has it already, in Python as the module bisect.
` from bisect import bisect_left
` place = bisect_left(sorted_names, "Lovelace")

# Hash tables
? How does a hash table find a key so fast? | What happens when two keys have the same hash? | Why must the keys of a dictionary be immutable?
= A hash function turns the key into a number that says in which slot to look, so no search is needed. | The slot of a key is computed from the key itself, which is why the time of a lookup doesn't grow with the table.
- Two keys in one slot are called a collision; they are chained or sent to another slot.
- When the table fills up it is rebuilt with more slots. | Beyond a certain load everything moves to a larger array.
+ A key that changes after it was stored can't be found any more.
` ages = {"Ada": 36, "Alan": 41}
` ages["Ada"]  # one step, however large the table

# Race conditions
? What is a race condition? | Why does my counter lose increments with two threads? | How does a lock protect shared data?
= Two threads read the same old value, both add one, and one of the increments is lost; the result depends on who comes first. | A race means that the outcome hangs on the timing of threads: read, add and write are three steps, and another thread may slip in between.
- A lock lets only one thread at a time into the critical section.
- Tests seldom catch it, because the window is a few nanoseconds wide. | Such bugs appear once in a million runs, usually on the customer's machine.
+ Passing messages through a queue avoids shared data altogether.
` with lock:
`     counter += 1

# Recursion
? What is recursion in programming? | Why does my recursive function end in a stack overflow? | When is a loop better than recursion?
= A recursive function solves a problem by calling itself on a smaller piece until it reaches a case that is trivial. | The function hands a smaller version of the task to itself, and a base case ends the chain.
- Every call needs a frame on the stack, and without a base case the stack runs out.
- Trees and nested folders are natural cases for it. | Whatever is built like a tree is easily walked that way.
+ Caching results keeps a naive Fibonacci function from doing the same work over and over.
` def depth(tree):
`     return 1 + max((depth(child) for child in tree.children), default=0)

# HTTP status codes
? What do HTTP status codes mean? | What is the difference between 301 and 302? | Should an API answer with 401 or with 403?
= The first digit gives the class: 2 stands for success, 3 for redirection, 4 for an error of the client and 5 for one of the server. | Codes from 200 mean that all went well, from 300 that you should look elsewhere, from 400 that the request was wrong, from 500 that the server failed.
- A 401 says that nobody is logged in, a 403 that this user is not allowed.
- A 301 is permanent and browsers remember it; a 302 is temporary. | Search engines move their entry on a 301 and leave it on a 302.
+ Code 418 began as an April Fools' joke about a teapot.
` curl -s -o /dev/null -w "%{http_code}\n" https://example.org/

# TCP and UDP
? What is the difference between TCP and UDP? | Why do video calls use UDP? | How does TCP notice a lost packet?
= TCP numbers its bytes, confirms them and sends lost ones again; UDP just sends packets and hopes for the best. | With TCP data arrive complete and in order at the price of waiting, with UDP they arrive fast or not at all.
- A connection begins with a handshake of three packets.
- For speech a lost syllable is better than a late one. | In a call nobody wants to hear a packet that comes a second late.
+ The protocol QUIC builds reliable streams on top of UDP.
` sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # UDP

# Centring with CSS
? How do I center a div vertically? | What is the easiest way to centre an element in CSS? | How does flexbox align its children?
= Make the parent a grid or flex container and let it centre its child on both axes. | Two declarations on the parent are enough: display as grid and place its items in the centre.
- Margins set to auto only centre in the horizontal direction in normal flow.
- The parent needs a height, or there is nothing to centre in. | Without a height the container is just as tall as its child.
+ Browsers have understood flexbox without prefixes since about 2015.
` .parent { display: grid; place-items: center; min-height: 100vh; }

# Quoting in the shell
? Why does my shell script break on file names with spaces? | What is the difference between single and double quotes in bash? | Should I quote variables in a shell script?
= The shell splits an unquoted variable at spaces and expands its stars, so one name becomes several words. | Without double quotes the value is cut at white space, and each piece is taken for a file of its own.
- Double quotes still replace variables, single quotes leave every character alone.
- An array keeps arguments apart even if they hold blanks. | Collect file names in an array rather than in one long string.
+ The tool shellcheck finds nearly all forgotten quotes.
` for file in *.txt; do
`     mv -- "$file" "archive/$file"
` done

# Integer overflow
? What happens when an integer overflows? | Why did my counter turn negative? | Why is the year 2038 a problem for computers?
= A fixed number of bits can't hold the next value, so the result wraps around, for signed numbers usually to the negative end. | After the largest value the bit pattern starts over; two billion plus one turns into minus two billion in 32 bits.
- Clocks that count seconds since 1970 in 32 signed bits run out in January 2038.
- Python integers grow as needed and never wrap. | Some languages switch to big integers by themselves.
+ Compilers can be told to trap instead of wrapping.
` int32_t most = INT32_MAX;
` most + 1;  /* undefined in C, wraps on most machines */

# Virtual environments
? Why should I use a virtual environment in Python? | How do I keep the packages of two projects apart? | Where does pip install packages in a virtual environment?
= A virtual environment is a folder with its own interpreter link and packages, so each project keeps the versions it was tested with. | It gives every project a private set of packages, and an upgrade for one can't break another.
- Activating it only puts its folder at the front of the search path.
- The folder is cheap to make and belongs into the ignore file of Git. | Delete and recreate it freely, and never commit it.
+ On many Linux systems pip refuses to touch the packages of the system.
` python3 -m venv .venv
` . .venv/bin/activate
` pip install -r requirements.txt
"""


def entities() -> list[Entity]:
    return topics("programming", PROGRAMMING)
