"""The records of Reddit dumps: what a line of posts or of comments becomes, or why it is left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from filters.bots import is_bot_name, is_bot_text
from filters.removal import REMOVED, is_removal_notice, may_be_notice
from filters.text import lower_ends
from filters.user_names import MENTION_SIGN, hide_name, hide_user_names
from pipelines.json_records import BAD_RECORD, DECODE_ERRORS, decode_any, record_decoder, record_mender
from pipelines.opt_out import OptOut
from pipelines.source import MALFORMED, OPTED_OUT, Outcome, Reject

Number: TypeAlias = int | float | str | None

STAFF = frozenset({"moderator", "admin", "special"})
REMOVAL_MARKS = ("removal_type", "was_deleted_later", "was_initially_deleted")
"""Fields of Arctic Shift's ``_meta`` (dumps since 2023-11) that mark a text as removed or deleted."""
PROFILE = re.compile(r"/?(?:u_|u/|user/)(.+)", re.IGNORECASE | re.DOTALL)
"""The "subreddit" of what is posted to a user's own profile."""
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
    removal_reason: Any = None
    meta: Any = msgspec.field(default=None, name="_meta")
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
    removal_reason: Any = None
    meta: Any = msgspec.field(default=None, name="_meta")
    score: Number = None
    created_utc: Number = None


def post_reader(over_18: bool, opt_out: OptOut) -> Callable[[bytes], Outcome]:
    """A function from a line of posts to its outcome; ``over_18`` lets posts pass that are marked so."""
    decode = record_decoder(Post, with_text_ids)
    anyone_opted_out = bool(opt_out)

    def outcome(line: bytes) -> Outcome:
        try:
            post = decode(line)
            number = id_number(post.id)
            votes, created = whole(post.score), moment(post.created_utc)
        except BAD_RECORD as error:
            return Reject(MALFORMED, detail=str(error))
        if anyone_opted_out and (
            opt_out.doc(f"t3_{post.id}")
            or opt_out.subreddit(post.subreddit)
            or opt_out.author(post.author)
            or opt_out.url(post.url)
        ):
            return Reject(OPTED_OUT)
        if post.meta is not None and (mark := removal_mark(post.meta)):
            return Reject("removed_text", detail=mark)
        if post.removal_reason:
            return Reject("removed_text", detail="removal_reason")
        subreddit = post.subreddit
        title, selftext = hide_user_names(post.title), post.selftext or None
        if selftext:
            selftext = hide_user_names(selftext)
        if subreddit and (profile := profile_name(subreddit)):
            subreddit, title = None, hide_name(profile, title)
            selftext = hide_name(profile, selftext) if selftext else None
        # Nobody can edit a title; what a dump writes in place of one stands in brackets.
        if ("[" in title[:3] and is_removal_notice(title)) or (selftext and is_removal_notice(selftext)):
            return Reject("removed_text", title)
        if post.removed_by_category:
            return Reject("removed_text", title, detail=post.removed_by_category)
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
        if is_bot_name(post.author):
            return Reject("bot", title)
        if selftext and is_bot_text(selftext):
            return Reject("bot_text", title)
        return ((number, "post", number, title, selftext, subreddit, votes or 0, created, 0),)

    return outcome


def comment_reader(lowest: int, longest: int, nested: bool, opt_out: OptOut) -> Callable[[bytes], Outcome]:
    """A function from a line of comments to its outcome; the cheapest and most selective tests come first.

    Comments need a score of ``lowest`` and may have ``longest`` characters; ``nested`` takes answers to comments too.
    """
    decode, decode_again = msgspec.json.Decoder(Comment).decode, record_mender(Comment, with_text_ids)
    anyone_opted_out = bool(opt_out)

    def outcome(line: bytes) -> Outcome:
        try:
            try:
                comment = decode(line)
            except DECODE_ERRORS as error:
                comment = decode_again(line, error)
            link = comment.link_id
            key, number = id_number(link[3:] if link[:3] == "t3_" else link), id_number(comment.id)
            votes, created = comment.score, comment.created_utc
            if type(votes) is not int or votes > MAX_NUMBER or votes < -MAX_NUMBER:
                votes = whole(votes)
            if type(created) is not int or created > MAX_TIME or created < 0:
                created = moment(created)
        except BAD_RECORD as error:
            return Reject(MALFORMED, detail=str(error))
        if anyone_opted_out and (
            opt_out.doc(f"t1_{comment.id}")
            or opt_out.doc(link)
            or opt_out.subreddit(comment.subreddit)
            or opt_out.author(comment.author)
        ):
            return Reject(OPTED_OUT)
        if comment.meta is not None and (mark := removal_mark(comment.meta)):
            return Reject("removed_text", detail=mark)
        if comment.removal_reason:
            return Reject("removed_text", detail="removal_reason")
        body, subreddit = comment.body, comment.subreddit
        if len(body) < 32 and body.strip().lower() in REMOVED:
            return Reject("removed_text")
        if subreddit and subreddit[0] in "uU/" and (profile := profile_name(subreddit)):
            subreddit, body = None, hide_name(profile, body)
        if not nested and comment.parent_id is not None and comment.parent_id != link:
            return Reject("not_top_level", None, body)
        if votes is None or votes < lowest:
            return Reject("low_score", None, body)
        if len(body) > longest:
            return Reject("comment_too_long", None, body)
        if not body or body.isspace():
            return Reject("empty_passage")
        ends = lower_ends(body)
        if may_be_notice(ends) and is_removal_notice(body, ends):
            return Reject("removed_text")
        if comment.stickied:
            return Reject("stickied", None, body)
        if comment.distinguished in STAFF:
            return Reject("moderator", None, body)
        if is_bot_name(comment.author):
            return Reject("bot", None, body)
        if is_bot_text(body, ends):
            return Reject("bot_text", None, body)
        if "/" in body and MENTION_SIGN.search(body):
            body = hide_user_names(body)
        return ((key, "comment", number, body, None, subreddit, votes, created, 0),)

    return outcome


def without_names(reject: Reject) -> Reject:
    """A reject whose texts name no user."""
    query, passage = (hide_user_names(text) if text else text for text in (reject.query, reject.passage))
    return reject._replace(query=query, passage=passage)


def role_of(record: Any) -> str | None:
    """What a decoded record is, ``posts`` or ``comments``; None where it is neither."""
    keys = record.keys() if isinstance(record, dict) else ()
    if "body" in keys and "link_id" in keys:
        return "comments"
    return "posts" if "title" in keys and "id" in keys else None


def role_of_line(line: bytes) -> tuple[str | None, bool]:
    """The role of a line's record, and whether the line is JSON at all."""
    try:
        return role_of(decode_any(line)), True
    except BAD_RECORD:
        return None, False


def removal_mark(meta: Any) -> str | None:
    """What Arctic Shift's ``_meta`` says of a removal, None where it says nothing of one."""
    if not isinstance(meta, dict):
        return None
    mark = next((meta[name] for name in REMOVAL_MARKS if meta.get(name)), None)
    return None if mark is None else mark if isinstance(mark, str) else "deleted"


def profile_name(subreddit: str) -> str | None:
    """The user whose profile a "subreddit" is (``u_NAME``), None for a community."""
    found = PROFILE.fullmatch(subreddit)
    return found[1] if found else None


def with_text_ids(record: Any) -> Any:
    """A record whose ids are numbers (as exports of APIs hold them) with the texts that dumps have.

    A parent with the post's own number is the post, any other a comment.
    """
    if not isinstance(record, dict):
        return record
    link, parent = whole_id(record.get("link_id")), whole_id(record.get("parent_id"))
    texts: dict[str, str | None] = {}
    if (own := whole_id(record.get("id"))) is not None:
        texts["id"] = base36(own)
    if link is not None:
        texts["link_id"] = f"t3_{base36(link)}"
    if parent is not None:
        above = texts.get("link_id") or record.get("link_id")
        name = base36(parent)
        texts["parent_id"] = above if isinstance(above, str) and above.removeprefix("t3_") == name else f"t1_{name}"
    return {**record, **texts}


def whole_id(value: Any) -> int | None:
    """An id that is a number, None for any other value."""
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and value >= 0 else None


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
