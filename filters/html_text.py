"""HTML fragments (StackExchange bodies and the like) to plain text.

A fragment is read by its tags alone and no tree is built: text needs none, every step is one pass, and so neither ten
megabytes nor a million nested elements can make it slow. Whole pages of the web are not for this room: there the main
text must be told from the rest.
"""

from __future__ import annotations

import re

from filters.page_roles import is_hidden, is_hidden_inside
from filters.text import decode_entities, plain

# A quote protects ">" only after "=", as in the HTML standard; a tag or quote that never ends runs to the end of the
# text. So no pattern can fail after it has begun a tag, which keeps the search linear.
_REST_OF_TAG = r"""(?:[^>=]+|=\s*(?:"[^"]*(?:"|\Z)|'[^']*(?:'|\Z))?)*(?:>|\Z)"""
_UNSEEN = r"(script|style|template|iframe|object|svg|math|select|noscript)"
_BLOCKS = (
    "address|article|aside|blockquote|br|caption|center|dd|details|dialog|dir|div|dl|dt|fieldset|figcaption|figure|"
    "footer|form|h[1-6]|header|hgroup|hr|li|main|menu|nav|ol|p|pre|section|summary|table|tbody|td|tfoot|th|thead|tr|ul"
)

_COMMENT = re.compile(r"<!--(?:>|->|.*?(?:--!?>|\Z))|<[!?][^>]*(?:>|\Z)", re.DOTALL)
_UNSEEN_ELEMENT = re.compile(
    rf"<{_UNSEEN}(?=[\s/>]){_REST_OF_TAG}.*?(?:</\1(?=[\s/>]){_REST_OF_TAG}|\Z)", re.DOTALL | re.I
)
_BLOCK_TAG = re.compile(rf"</?(?:{_BLOCKS})(?:>|(?=[\s/]){_REST_OF_TAG})", re.I)
_TAG = re.compile(rf"</?[a-zA-Z](?:[^>=]*>|{_REST_OF_TAG})|</[^>]*(?:>|\Z)")
# 10<sup>6</sup> is not 106.
_EXPONENT = re.compile(r"(?<=\d)<sup>(?=[-+\u2212]?\d)")

_MAY_HIDE = re.compile("hidden|none|sr-?only|reader|for-sr", re.I)
_NAMED_TAG = re.compile(rf"<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?=[\s/>]){_REST_OF_TAG})")
_ATTRIBUTE = re.compile(r"""([^\s=/>"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?""")
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)


def fragment_to_text(html: str) -> str:
    """The plain text of an HTML fragment: block elements end in a space, code stays, scripts and comments go."""
    if "<" in html:
        if "<!" in html or "<?" in html:
            html = _COMMENT.sub("", html)
        html = _UNSEEN_ELEMENT.sub(" ", html)
        if _MAY_HIDE.search(html):
            html = _without_hidden(html)
        if "<sup>" in html:
            html = _EXPONENT.sub("^", html)
        html = _TAG.sub("", _BLOCK_TAG.sub(" ", html))
    return plain(decode_entities(html))


_PROSE_TABLE = """
a abbr acronym address article aside b big blockquote body br caption center cite code col colgroup dd del
details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 head header hr html i img ins kbd li
main mark nav nobr ol p pre q s samp section small span strike strong sub summary sup table tbody td tfoot th
thead time title tr tt u ul var wbr
"""
_PROSE = frozenset(_PROSE_TABLE.split())
_CARRIERS = frozenset(("script", "style", "meta", "link", "iframe", "svg"))
"""What pages hold beside text; alone they are code that somebody shows."""
_END_OPTIONAL = frozenset(
    ("p", "li", "dd", "dt", "tr", "td", "th", "thead", "tbody", "tfoot", "html", "head", "body", "colgroup", "caption")
)
_ANY_TAG = re.compile(
    r"""<(?P<end>/?)(?P<name>[a-zA-Z][\w:.-]*)(?P<rest>(?:\s+[\w:-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>=][^\s"'<>]*))?)*\s*/?)>|<!--.*?(?:-->|\Z)|<!(?i:doctype)[^>]*>""",
    re.DOTALL,
)
_NO_TAG = re.compile(r"<(?=[a-zA-Z/!?%@$])")
# A string of a program holds a tag between its quotes; a sentence about HTML calls one a tag (an end tag before that
# word closes an element of the text, unless the element is empty); templates of programs have attributes of their own.
_SHOWN = re.compile(
    r"""['"`]\s*</?[a-zA-Z][^<>]*>|</?[a-zA-Z][^<>]*>\s*['"`]\s*[+.;,)]
    |<(?:[a-zA-Z][^<>]*>|([a-zA-Z]\w*)>\s*</\1>)\s*(?:tags?|elements?|attributes?)\b
    |(?:(?:[{;\n]|\A)\s{0,20}return\s*\(?|=>\s*\(?|\b(?:var|let|const)\s+\w+\s*=)\s*<[a-zA-Z]
    |<[a-zA-Z][^<>]*\s(?:className|v-[a-z]+|ng-[a-z]+|th:[a-z]+)\s*=
    """,
    re.VERBOSE,
)
# "What does <br> do?", "<br> is a tag", "How do I use <p> and </p>?", in a text with few tags.
_BLOCK = r"<(?:br|hr|p|h[1-6]|title|head|body|html|table|div|ul|ol|li)\s*/?>"
_NAMED_IN_A_SENTENCE = re.compile(
    rf"""\b(?:does|do|use|using|add|insert|put|set|write|type|called|closing|opening|the|an?)\s+{_BLOCK}
    |\A\s*{_BLOCK}\s+(?:is|are|was|does|means|makes)\b
    |<([a-z]\w*)>(?:\s+(?:and|or|und|et|y)\s+|\s*\.\.\.\s*)</\1>
    """,
    re.VERBOSE | re.IGNORECASE,
)
_FEW_TAGS = 2
_OPERATORS = ("&&", "<?", "<%", "{@")


def is_html(text: str) -> bool:
    """Tell whether a text as a whole is HTML: balanced tags of known elements, and nothing else like a tag.

    Code that holds a tag in a string, generic types, XML of other kinds and words about tags are none.
    """
    if "<" not in text or any(sign in text for sign in _OPERATORS):
        return False
    open_tags: list[str] = []
    names: set[str] = set()
    rest: list[str] = []
    position = 0
    for tag in _ANY_TAG.finditer(text):
        rest.append(text[position : tag.start()])
        position = tag.end()
        name = (tag["name"] or "").lower()
        if not name:
            continue
        if name not in _PROSE and name not in _CARRIERS:
            return False
        names.add(name)
        if tag["end"]:
            while open_tags and open_tags[-1] != name and open_tags[-1] in _END_OPTIONAL:
                open_tags.pop()
            if open_tags and open_tags[-1] == name:
                open_tags.pop()
            elif name not in ("p", "br"):  # browsers take </p> and </br> for an empty element
                return False
        elif name not in _VOID and not (tag["rest"] or "").endswith("/"):
            open_tags.append(name)
    rest.append(text[position:])
    if not names - _CARRIERS or any(name not in _END_OPTIONAL for name in open_tags):
        return False
    if _NO_TAG.search("\0".join(rest)) is not None or _SHOWN.search(text) is not None:
        return False
    return len(rest) > 1 + _FEW_TAGS or _NAMED_IN_A_SENTENCE.search(text) is None


def _without_hidden(html: str) -> str:
    """The markup without elements that are not shown, or only to screen readers; one without an end tag stays."""
    kept: list[str] = []
    start, open_tags, hidden = 0, 0, None
    for tag in _NAMED_TAG.finditer(html):
        name = tag[2].lower()
        if hidden is None:
            if not tag[1] and name not in _VOID and _hides(name, tag[3]):
                hidden, open_tags = tag, 1
        elif name == hidden[2].lower():
            open_tags += -1 if tag[1] else 1
            if open_tags == 0:
                kept.append(html[start : hidden.start()])
                start, hidden = tag.end(), None
    return "".join(kept) + html[start:]


def _hides(name: str, attributes: str) -> bool:
    if _MAY_HIDE.search(attributes) is None:
        return False
    found = {
        key.lower(): decode_entities(one or other or bare) for key, one, other, bare in _ATTRIBUTE.findall(attributes)
    }
    return is_hidden(found) or is_hidden_inside(name, found)
