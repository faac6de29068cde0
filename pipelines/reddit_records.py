"""The records of Reddit dumps: what a line of posts or of comments becomes, or why it is left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from ccpairs.errors import WrongSource
from pipelines.opt_out import OptOut
from pipelines.source import MALFORMED, OPTED_OUT, Outcome, Reject

Number: TypeAlias = int | float | str | None

REMOVED = frozenset({"[deleted]", "[removed]", "[deleted by user]", "[ removed by reddit ]"})
STAFF = frozenset({"moderator", "admin", "special"})
BOT_NAME = re.compile(r"(?<!ro)bot[_-]?\d*$|^auto(moderator|tldr)$", re.IGNORECASE)
BOT_SPEECH = re.compile(
    r"\b(i am|i'm|i’m|im|this is) a bot\b|\bbeep,? boop\b|\bbleep,? bloop\b|performed automatically|\bbot by\b"
    r"|contact the moderators of this subreddit"
)
BOT_SIGNS = (" a bot", "bot by", " boop", " bloop", "performed automatically", "contact the moderators")
"""One of these is in whatever ``BOT_SPEECH`` matches; looking for them first is many times as fast."""
BAD_RECORD = (msgspec.DecodeError, ValueError, OverflowError, RecursionError)
"""What decoding a damaged record raises; ``RecursionError`` where it nests without end."""
MAX_NUMBER = 1 << 53
MAX_TIME = 253_402_300_799
"""The end of the year 9999 in Unix seconds: what lies beyond is no time."""
MAX_ID_LENGTH = 12
"""Ids are base-36 numbers; so many digits fit a signed 64-bit integer."""


class Post(msgspec.Struct, gc=False):
    id: str
    title: str
    selftext: str | None = None
    subreddit: str | None = None
    author: str | None = None
    url: str | None = None
    stickied: bool | None = None
    over_18: bool | None = None
    promoted: bool | None = None
    distinguished: str | None = None
    removed_by_category: str | None = None
    score: Number = None
    created_utc: Number = None


class Comment(msgspec.Struct, gc=False):
    id: str
    link_id: str
    body: str
    parent_id: str | None = None
    subreddit: str | None = None
    author: str | None = None
    stickied: bool | None = None
    distinguished: str | None = None
    score: Number = None
    created_utc: Number = None


def post_reader(over_18: bool, opt_out: OptOut) -> Callable[[bytes], Outcome]:
    """A function from a line of posts to its outcome; ``over_18`` lets posts pass that are marked so."""
    decoder = msgspec.json.Decoder(Post)
    anyone_opted_out = bool(opt_out)

    def outcome(line: bytes) -> Outcome:
        try:
            post = decoder.decode(line)
            number = id_number(post.id)
            votes, created = whole(post.score), moment(post.created_utc)
        except BAD_RECORD as error:
            return Reject(MALFORMED, detail=str(error))
        title, selftext = post.title, post.selftext or None
        if title.strip().lower() in REMOVED or (selftext and selftext.strip().lower() in REMOVED):
            return Reject("removed_text", title)
        if post.removed_by_category:
            return Reject("removed_text", title, detail=post.removed_by_category)
        if anyone_opted_out and (
            opt_out.doc(f"t3_{post.id}")
            or opt_out.subreddit(post.subreddit)
            or opt_out.author(post.author)
            or opt_out.url(post.url)
        ):
            return Reject(OPTED_OUT)
        if not title or title.isspace():
            return Reject("no_title")
        if post.promoted:
            return Reject("promoted", title)
        if post.stickied:
            return Reject("stickied", title)
        if post.distinguished in STAFF:
            return Reject("moderator", title)
        if post.over_18 and not over_18:
            return Reject("over_18", title)
        if is_bot(post.author, selftext or ""):
            return Reject("bot", title)
        return ((number, "post", number, title, selftext, post.subreddit, votes or 0, created, 0),)

    return outcome


def comment_reader(lowest: int, longest: int, nested: bool, opt_out: OptOut) -> Callable[[bytes], Outcome]:
    """A function from a line of comments to its outcome; the cheapest and most selective tests come first.

    Comments need a score of ``lowest`` and may have ``longest`` characters; ``nested`` takes answers to comments too.
    """
    decoder = msgspec.json.Decoder(Comment)
    anyone_opted_out = bool(opt_out)

    def outcome(line: bytes) -> Outcome:
        try:
            comment = decoder.decode(line)
            link = comment.link_id
            key, number = id_number(link[3:] if link[:3] == "t3_" else link), id_number(comment.id)
            votes, created = comment.score, comment.created_utc
            if type(votes) is not int or votes > MAX_NUMBER or votes < -MAX_NUMBER:
                votes = whole(votes)
            if type(created) is not int or created > MAX_TIME or created < 0:
                created = moment(created)
        except BAD_RECORD as error:
            return Reject(MALFORMED, detail=str(error))
        body = comment.body
        if len(body) < 32 and body.strip().lower() in REMOVED:
            return Reject("removed_text")
        if anyone_opted_out and (
            opt_out.doc(f"t1_{comment.id}")
            or opt_out.doc(link)
            or opt_out.subreddit(comment.subreddit)
            or opt_out.author(comment.author)
        ):
            return Reject(OPTED_OUT)
        if not nested and comment.parent_id is not None and comment.parent_id != link:
            return Reject("not_top_level", None, body)
        if votes is None or votes < lowest:
            return Reject("low_score", None, body)
        if len(body) > longest:
            return Reject("comment_too_long", None, body)
        if not body or body.isspace():
            return Reject("empty_passage")
        if comment.stickied:
            return Reject("stickied", None, body)
        if comment.distinguished in STAFF:
            return Reject("moderator", None, body)
        if is_bot(comment.author, body):
            return Reject("bot", None, body)
        return ((key, "comment", number, body, None, comment.subreddit, votes, created, 0),)

    return outcome


def role_of(name: str, line: bytes) -> str | None:
    """What a record is, posts or comments; None where it is damaged. Raises ``WrongSource`` where it is neither."""
    try:
        record = msgspec.json.decode(line)
    except BAD_RECORD:
        return None
    keys = record.keys() if isinstance(record, dict) else ()
    if "body" in keys and "link_id" in keys:
        return "comments"
    if "title" in keys and "id" in keys:
        return "posts"
    raise WrongSource(
        f"{name}: its first record has neither link_id and body (a comment) nor id and title (a post); "
        "is it a Reddit dump? Give the right --source"
    )


def is_bot(author: str | None, text: str) -> bool:
    """Does the author's name or the text say that a program wrote it?"""
    if author and ("bot" in author.lower() or author[:4].lower() == "auto") and BOT_NAME.search(author):
        return True
    # Bots say so in their first or last words.
    ends = (text if len(text) < 600 else text[:200] + text[-400:]).lower()
    for sign in BOT_SIGNS:
        if sign in ends:
            return BOT_SPEECH.search(ends) is not None
    return False


def whole(value: Number) -> int | None:
    """A number that a dump may hold as a number or as a string; raises ``ValueError``."""
    if value is None or value == "":
        return None
    number = int(float(value))
    if abs(number) > MAX_NUMBER:
        raise ValueError(f"the number {value!r}")
    return number


def moment(value: Number) -> int | None:
    """Unix seconds that a dump may hold as a number or as a string; raises ``ValueError``."""
    number = whole(value)
    if number is not None and not 0 <= number <= MAX_TIME:
        raise ValueError(f"the time {value!r}")
    return number


def id_number(text: str) -> int:
    """The number that a base-36 id stands for; raises ``ValueError``."""
    if not (text.isalnum() and text.isascii() and len(text) <= MAX_ID_LENGTH):
        raise ValueError(f"the id {text!r}")
    return int(text, 36)


def base36(number: int) -> str:
    """The lower-case base-36 text of a number >= 0, as Reddit writes ids."""
    text = ""
    while True:
        number, digit = divmod(number, 36)
        text = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + text
        if not number:
            return text
