"""A month of Reddit: posts that ask what people want to know, and comments that answer them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from pipelines.samples.containers import joined, long_window_zstd, write_file
from pipelines.samples.facts import Entity, Fact
from pipelines.samples.noise import damaged_json, json_line, keyboard_mash, word_salad
from pipelines.samples.other_languages import FOREIGN
from pipelines.samples.report import JOIN, PAIRS, SampleFile
from pipelines.samples.wording import Voice, deck

JANUARY_2020 = 1_577_836_800
SECONDS = 31 * 86_400
FIRST_POST, FIRST_COMMENT = int("ei0000", 36), int("fcg0000", 36)
POSTS = 600

SUBREDDITS = {
    "geography": "geography",
    "animals": "zoology",
    "gardening": "gardening",
    "health": "askdoctors",
    "chemistry": "chemistry",
    "astronomy": "astronomy",
    "science": "askscience",
    "history": "askhistory",
    "cooking": "cookingquestions",
    "programming": "learnprogramming",
    "everyday life": "lifehacks",
}

NAMES = (
    *("quietriver", "marblecat", "old_oak_tree", "thirdcup", "northwind42", "paperboat", "tin_whistle", "lateshift"),
    *("sandglass", "bluefern", "copperkettle", "mountain_goat_7", "halfmoonbay", "inkstain", "greenhouse_gal"),
    *("ploughman", "seventh_wave", "lanternfish", "dusty_atlas", "rainy_tuesday", "kiteflyer", "mossy_stone"),
)

WHY_I_ASK = (
    "My daughter asked me this at breakfast and I had no answer.",
    "This came up in a pub quiz last night and our table could not agree.",
    "I have searched a bit, but most pages just copy each other.",
    "I'm preparing a short talk for school and want to get it right.",
    "A colleague and I have a bet running, so please be precise :)",
    "I read something about it years ago and forgot the details.",
    "Sorry if this is a silly question, I'm new to the subject.",
    "It has been on my mind since a documentary on the weekend.",
)
KNOWN_SO_FAR = (
    "What I do know is this: ",
    "So far I only found out one thing. ",
    "My book merely says the following.\n\n&gt; ",
    "I already know that much: ",
)
THANKS = ("Thanks in advance!", "Any help is welcome.", "Links to further reading would be nice too.", "")
OPENERS = (
    "",
    "",
    "",
    "Good question! ",
    "I can help here. ",
    "Short answer: ",
    "I teach this, so here goes. ",
    "As far as I remember from university: ",
    "I looked it up for you. ",
    "Easy one. ",
)
CLOSERS = (
    "",
    "",
    "",
    " Hope that helps.",
    " Happy to explain more if you like.",
    " There is a good book about it in most libraries.",
    " At least that's how I learned it.",
    " Edit: fixed a typo.",
)
CHATTER = (
    "I came here to ask the very same thing, following this thread.",
    "Great question, I have wondered about that as well.",
    "My grandfather used to tell me about this when I was little.",
    "Please post the answer here once you have found out.",
    "Not an expert, so take what others write here with more weight than mine.",
)


@dataclass
class Month:
    """The records of a month while they are being made."""

    voice: Voice
    posts_file: SampleFile
    comments_file: SampleFile
    posts: list[bytes] = field(default_factory=list)
    comments: list[bytes] = field(default_factory=list)

    def post(self, title: str, selftext: str = "", subreddit: str = "askscience", **fields: Any) -> dict[str, Any]:
        number = len(self.posts)
        id = _base36(FIRST_POST + 7 * number)
        # Months differ in small ways: some have no names, some write the time as a string.
        created: int | str = JANUARY_2020 + SECONDS * number // 800
        record = {
            "id": id,
            **({"name": f"t3_{id}"} if number % 5 else {}),
            "title": title.replace("&", "&amp;"),
            "selftext": selftext,
            "author": self.voice.pick(NAMES),
            "subreddit": subreddit,
            "score": self.voice.random.randint(1, 900),
            "over_18": False,
            "is_self": True,
            "stickied": False,
            "distinguished": None,
            "created_utc": created if number % 9 else str(created),
            "url": f"https://www.reddit.com/r/{subreddit}/comments/{id}/",
            "num_comments": self.voice.random.randint(1, 40),
        }
        record.update(fields)
        self.posts.append(json_line(record))
        return record

    def comment(self, post: dict[str, Any], body: str, score: int | None, **fields: Any) -> dict[str, Any]:
        number = len(self.comments)
        id = _base36(FIRST_COMMENT + 3 * number)
        link = f"t3_{post['id']}"
        record = {
            "id": id,
            "link_id": link,
            "parent_id": link,
            "body": body,
            "author": self.voice.pick(NAMES),
            "subreddit": post["subreddit"],
            "score": score,
            **({"stickied": False} if number % 11 else {}),
            "distinguished": None,
            "controversiality": 0,
            "created_utc": int(post["created_utc"]) + self.voice.random.randint(60, 86_400),
        }
        record.update(fields)
        self.comments.append(json_line(record))
        return record


def write(folder: str, voice: Voice) -> list[SampleFile]:
    """Write ``reddit/RS_2020-01.zst`` and ``RC_2020-01.zst``."""
    posts = SampleFile("reddit", "reddit/RS_2020-01.zst", "posts")
    comments = SampleFile("reddit", "reddit/RC_2020-01.zst", "comments")
    month = Month(voice, posts, comments)
    facts = deck(voice)
    for _ in range(POSTS):
        _thread(month, *next(facts))
    _swapped(month, [next(facts) for _ in range(16)])
    _later_dirt(month, [next(facts) for _ in range(22)])
    _pair_dirt(month, [next(facts) for _ in range(24)])
    _post_dirt(month, [next(facts) for _ in range(60)])
    _comment_dirt(month, [next(facts) for _ in range(24)])
    write_file(os.path.join(folder, posts.path), long_window_zstd(joined(month.posts)))
    write_file(os.path.join(folder, comments.path), long_window_zstd(joined(month.comments)))
    return [comments, posts]


# --- threads


def _thread(month: Month, entity: Entity, fact: Fact) -> None:
    """A post, its best comment, comments that are worse, and comments that no filter lets pass."""
    voice = month.voice
    post = _ask(month, entity, fact)
    best = voice.random.randint(8, 400)
    _clean_comment(month, post, answer(voice, entity, fact), best)
    for place in range(voice.random.choice((0, 0, 1, 1, 2, 3))):
        body = voice.pick(CHATTER) if place == 2 else answer(voice, entity, fact)
        _clean_comment(month, post, body, voice.random.randint(1, best - 1))
        month.comments_file.note("worse comment", "not_best_comment", stage=JOIN)
    if voice.chance(0.25):
        month.comment(post, voice.pick(CHATTER), voice.random.randint(-12, 0))
        month.comments_file.dirty("low-score comment", "low_score")
    if voice.chance(0.2):
        reply = f"Thanks, that makes sense! {voice.say(entity, voice.pick(entity.facts))}"
        month.comment(post, reply, voice.random.randint(1, 60), parent_id=f"t1_{_base36(FIRST_COMMENT + 1)}")
        month.comments_file.dirty("reply to a comment", "not_top_level")
    if voice.chance(0.08):
        month.comment(post, voice.pick(("[deleted]", "[removed]")), voice.random.randint(1, 9), author="[deleted]")
        month.comments_file.dirty("deleted comment", "removed_text")


def _ask(month: Month, entity: Entity, fact: Fact, **fields: Any) -> dict[str, Any]:
    """A post that is kept, with or without text below its title."""
    voice = month.voice
    month.posts_file.clean()
    return month.post(voice.question(fact), _selftext(voice, entity, fact), SUBREDDITS[entity.field], **fields)


def _selftext(voice: Voice, entity: Entity, fact: Fact) -> str:
    if voice.chance(0.55):
        return ""
    parts = [voice.pick(WHY_I_ASK)]
    others = voice.others(entity, fact, 1)
    if others and voice.chance(0.6):
        parts.append(voice.lead(KNOWN_SO_FAR, voice.say(entity, others[0])))
    return "\n\n".join([*parts, voice.pick(THANKS)]).strip()


def _clean_comment(month: Month, post: dict[str, Any], body: str, score: int) -> dict[str, Any]:
    month.comments_file.clean()
    return month.comment(post, body, score)


def answer(voice: Voice, entity: Entity, fact: Fact) -> str:
    """A comment in markdown that answers the question about a fact."""
    main = voice.say(entity, fact)
    extra = [voice.add(entity, other) for other in voice.extras(entity, fact)]
    style = voice.random.randrange(6)
    if style == 0:
        main = f"**{main}**"
    if entity.code and voice.chance(0.7):
        code = "\n".join("    " + line for line in entity.code.split("\n"))
        return "\n\n".join([voice.lead(OPENERS, main), code, *extra])
    if style == 1 and len(extra) == 2:
        return f"{main}\n\nTwo more things:\n\n* {extra[0]}\n* {extra[1]}"
    if style == 2 and extra:
        topic = entity.name.replace(" ", "_").replace("(", "").replace(")", "")
        return f"{main}\n\n{' '.join(extra)}\n\n[More about it](https://encyclopedia.example/wiki/{topic})"
    return voice.lead(OPENERS, " ".join([main, *extra])) + voice.pick(CLOSERS)


# --- dirt


def _swapped(month: Month, facts: list[tuple[Entity, Fact]]) -> None:
    """Posts whose comments answer each other's question: nothing but their meaning tells that they are wrong."""
    for one, other in zip(facts[::2], facts[1::2], strict=True):
        for asked, answered in ((one, other), (other, one)):
            post = _ask(month, *asked)
            comment = _clean_comment(month, post, answer(month.voice, *answered), 50)
            month.comments_file.note("swapped pair", None, f"t1_{comment['id']}")


def _later_dirt(month: Month, facts: list[tuple[Entity, Fact]]) -> None:
    voice = month.voice
    for each in voice.sample(FOREIGN, 10):
        month.posts_file.clean()
        post = month.post(each.question)
        comment = _clean_comment(month, post, each.answer, 12)
        month.comments_file.note("other language", None, f"t1_{comment['id']}")
    for number, (entity, fact) in enumerate(facts):
        post = _ask(month, entity, fact)
        salad = word_salad(voice, " ".join(answer(voice, entity, fact) for _ in range(2)))
        comment = _clean_comment(month, post, salad if number % 2 else keyboard_mash(voice, 18), 9)
        month.comments_file.note("gibberish", None, f"t1_{comment['id']}")


def _pair_dirt(month: Month, facts: list[tuple[Entity, Fact]]) -> None:
    """Threads that are paired up, and only then turn out to be copies or to say nothing."""
    voice = month.voice
    kinds = (
        ("reposted thread", "duplicate_pair", ""),
        ("one-word comment", "passage_too_short", "This."),
        ("bare link", "url_only", "https://encyclopedia.example/wiki/Main_Page"),
        ("figures only", "no_letters", "100 % 100 % 100 % 100 % 100 % +1 +1 +1 +1"),
        ("comment repeats the post", "passage_repeats_query", ""),
    )
    for number, (entity, fact) in enumerate(facts):
        kind, reason, body = kinds[0 if number < 10 else 1 + number % 4]
        title, subreddit = max(fact.questions, key=len), SUBREDDITS[entity.field]  # long enough to be repeated
        month.posts_file.clean()
        post = month.post(title, "", subreddit)
        if reason == "duplicate_pair":
            body = answer(voice, entity, fact)
            _clean_comment(month, post, body, 30)
            month.posts_file.clean()
            post = month.post(title, "", subreddit)
        elif reason == "passage_repeats_query":
            body = title
        _clean_comment(month, post, body, 20)
        month.comments_file.note(kind, reason, stage=PAIRS)


def _post_dirt(month: Month, facts: list[tuple[Entity, Fact]]) -> None:
    """Posts that must go; some have a comment that then has no post."""
    voice, file = month.voice, month.posts_file
    kinds: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("removed post", "removed_text", {"selftext": "[removed]"}),
        ("deleted post", "removed_text", {"selftext": "[deleted]", "author": "[deleted]"}),
        ("post removed by staff", "removed_text", {"removed_by_category": "moderator"}),
        ("pinned post", "stickied", {"stickied": True}),
        ("advertisement", "promoted", {"promoted": True}),
        ("post for adults", "over_18", {"over_18": True}),
        ("post of a moderator", "moderator", {"distinguished": "moderator"}),
        ("post of a program", "bot", {"author": "DailyFactBot"}),
        ("post without title", "no_title", {"title": "  "}),
    )
    for number, (entity, fact) in enumerate(facts):
        if number >= 45:
            break
        kind, reason, fields = kinds[number % len(kinds)]
        given = {"title": voice.question(fact), "subreddit": SUBREDDITS[entity.field], **fields}
        post = month.post(**given)
        file.dirty(kind, reason)
        if number % 3 == 0:
            _clean_comment(month, post, answer(voice, entity, fact), 5)
            month.comments_file.note("comment of a dropped post", "post_missing", stage=JOIN)
    for entity, fact in facts[45:54]:
        _ask(month, entity, fact)
        file.note("post without comments", "no_comment", stage=JOIN)
    for entity, fact in facts[54:]:
        _thread(month, entity, fact)
        month.posts.append(month.posts[-1])
        file.clean()
        file.note("post that comes twice", "repeated_post", stage=JOIN)
    for _ in range(8):
        record = month.post("What did this post ask?")
        month.posts[-1] = damaged_json(voice, record, "title")
        file.dirty("damaged line", "malformed_record")


def _comment_dirt(month: Month, facts: list[tuple[Entity, Fact]]) -> None:
    voice, file = month.voice, month.comments_file
    kinds: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("pinned comment", "stickied", {"stickied": True}),
        ("comment of a moderator", "moderator", {"distinguished": "moderator"}),
        ("comment of a program", "bot", {"author": "AutoModerator"}),
        (
            "comment that calls itself a program",
            "bot_text",
            {"body": "Beep boop. I am a bot, and nobody has read this."},
        ),
        ("comment without score", "low_score", {"score": None}),
        ("empty comment", "empty_passage", {"body": " \n"}),
    )
    for number, (entity, fact) in enumerate(facts):
        post = _ask(month, entity, fact)
        first = _clean_comment(month, post, answer(voice, entity, fact), 40)
        kind, reason, fields = kinds[number % len(kinds)]
        month.comment(**{"post": post, "body": answer(voice, entity, fact), "score": 60, **fields})
        file.dirty(kind, reason)
        if number < 4:
            month.comment(post, " ".join(voice.shuffled([answer(voice, entity, fact) for _ in range(60)])) * 3, 90)
            file.dirty("endless comment", "comment_too_long")
        elif number < 12:
            month.comments.append(json_line(first))
            file.clean()
            file.note("comment that comes twice", "not_best_comment", stage=JOIN)
        else:
            record = month.comment(post, answer(voice, entity, fact), 70)
            month.comments[-1] = damaged_json(voice, record, "body")
            file.dirty("damaged line", "malformed_record")
    elsewhere = {"id": "zzzz00", "subreddit": "askscience", "created_utc": JANUARY_2020}
    for _ in range(6):
        _clean_comment(month, elsewhere, answer(voice, *facts[0]), 3)
        file.note("comment of a post that is elsewhere", "post_missing", stage=JOIN)


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + text
    return text
