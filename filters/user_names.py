"""Names of Reddit users inside texts: a neutral word takes their place."""

from __future__ import annotations

import re

SOMEONE = "someone"
"""What stands where a text named a user."""

_NAME = r"(?:[A-Za-z0-9_-]|\\[_-]){3,26}(?![A-Za-z0-9_])"
_REST = r"[^\s<>\[\]()\"'*]*"
_SITE = (
    r"(?:https?://|//)?(?:[a-z]{1,8}\.){0,2}(?:[Rr]eddit|reveddit|removeddit|ceddit|unddit|redditmetis|snoopsnoo)\.com"
)
_OTHER_SITE = r"https?://|www\.|(?<![\w.-])(?:[\w-]{1,40}\.){1,4}(?:com|org|net|io|edu|gov|info|co|me|tv|ly|gg|be|uk|de|fr|ru|ca|au)/"
_MENTION = re.compile(
    rf"""(?<![\w.-]){_SITE}/(?P<address>(?:u|user)/{_REST} | r/u_{_REST}
      | message/compose/?\?(?:{_REST}&)?to=(?!/?r/|%2F|\#){_REST})
    | (?:{_OTHER_SITE}){_REST}
    | (?<![A-Za-z0-9À-ɏ/])(?<!\.\.)(?!(?<=~)\\?/)(?:
        (?:\\?/)?[uU]\\?/(?P<name>{_NAME})(?:/[uU]/{_NAME})*(?:/(?:comments|submitted|posts|overview|m|t)\b{_REST}|/(?!\w))?
      | (?:\\?/)?[rR]\\?/[uU]\\?_(?P<profile>{_NAME})(?:/(?:comments)\b{_REST}|/(?!\w))?
      | \\?/user\\?/(?P<user>{_NAME})(?:/(?:comments|submitted|posts|overview|m)\b{_REST}|/(?!\w)|(?!/))
      | /message/compose/?\?(?P<message>(?:{_REST}&)?to=(?!/?r/|%2F|\#){_REST})
    )""",
    re.VERBOSE,
)
"""Addresses of other sites match too, without a group, so that nothing inside them is taken for a name."""
MENTION_SIGN = re.compile(r"/(?:(?<=[uU]/)(?<![A-Za-z0-9][uU]/)|u(?:ser)?[/_\\]|(?<=u\\/)|(?<=r\\/)u|message/compose)")
"""Every text with a mention has this; it begins with a plain character, for which the search skips ahead."""
# [NAME](/u/NAME): the label is the name, or holds it.
_LABELLED = re.compile(
    rf"\[([^\[\]\n]{{1,200}})\]\([ ]?(?:{_SITE})?/?(?:u|user)/({_NAME})[^()\s]*(?:[ ][^()\n]*)?\)", re.IGNORECASE
)
_DOSE = re.compile(
    r"^[(\[]?[uU]/(?:day|hour|hr|minute|min|week|dose|kilogram|liter|litre|sec|second|month|year)s?\b(?![-_])"
)
"""``5 U/day`` is a dose."""


def hide_user_names(markdown: str) -> str:
    """Put a neutral word where Reddit's markdown names a user: ``u/NAME``, a link to a profile, its label.

    Words with a slash in them and the addresses of other sites stay as they are.
    """
    if "/" not in markdown or MENTION_SIGN.search(markdown) is None:
        return markdown
    if "](" in markdown:
        markdown = _LABELLED.sub(_hide_label, markdown)
    pieces: list[str] = []
    done = 0
    for sign in MENTION_SIGN.finditer(markdown):
        if sign.start() < done:
            continue
        # The word around the sign is looked at closely.
        begin = max(done, markdown.rfind(" ", done, sign.start()) + 1)
        end = markdown.find(" ", sign.start())
        end = len(markdown) if end < 0 else end
        word = markdown[begin:end]
        is_dose = _DOSE.match(word) is not None and markdown[max(0, begin - 2) : begin - 1].isdigit()
        pieces += [markdown[done:begin], word if is_dose else _MENTION.sub(_hide_mention, word)]
        done = end
    return "".join(pieces) + markdown[done:]


def hide_name(name: str, text: str) -> str:
    """Put a neutral word where a text holds this very name as a word of its own."""
    return _whole_word(name).sub(SOMEONE, text)


def _whole_word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:/?r/u_|/?u/|u_|@)?{re.escape(name)}(?![\w-])", re.IGNORECASE)


def _hide_label(match: re.Match[str]) -> str:
    label = match[1].replace("\\_", "_").replace("\\-", "-")
    hidden = _whole_word(match[2].replace("\\", "")).sub(SOMEONE, label)
    return f"[{match[1] if hidden == label else hidden}]({SOMEONE})"


def _hide_mention(match: re.Match[str]) -> str:
    if match.lastgroup is None:
        return match[0]
    sign = match[0][-1]
    return SOMEONE + sign if sign in ".,;:!?" else SOMEONE
