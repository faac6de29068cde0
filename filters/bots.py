"""Whether a program wrote a Reddit text, by its author's name or by what the text says of itself."""

from __future__ import annotations

import re

from filters.text import lower_ends

_BOT_NAME = re.compile(r"(?<!ro)bot[_-]?\d*$|^auto(moderator|tldr)$", re.IGNORECASE)

# What every text holds that a pattern below matches. A search for a word is cheaper than one for a pattern.
_BOT = re.compile(r"bot(?![a-z])|botv?\d")
_BOOP = re.compile(r"bl?oop")
_AUTOMATIC = re.compile(
    r"automat(?:ed|ic) (?:message|comment|reply|response|post|action|summary|account)|automatically by"
    r"|(?:performed|generated|written|made|created|sent|left|posted) automatically"
)
_MARKS = re.compile(r"[*_^~`\\]+|&nbsp;|&amp;nbsp;|&#32;|&amp;#32;|\u00a0")

# Where a statement about oneself begins: at the start of a clause, not behind "if", "think" or "prove that".
_CLAUSE = (
    r"(?:^|[.!?:;|(\[>\n–—-]|\b[a-z]+bot\b|\b(?:hi|hello|hey|hiya|greetings|boop|bloop|beep|bleep|note|fyi)\b[ ,]*)\s*"
)
_STATEMENT = re.compile(
    rf"""{_CLAUSE}(?:(?:i\ am|i'm|i’m|im)\ (?:just\ |only\ |also\ )?(?:an?|your)\ (?:\w+\ ){{0,2}}?bot\b
      (?!\s(?:lane|laner|main|player|support|owner|developer|dev|maker|creator|writer|user|guy|fan|expert|in|at|when)\b)
    | (?:ich\ bin\ ein|je\ suis\ un|soy\ un|sou\ um|sono\ un|ik\ ben\ een|jag\ är\ en)\ bot\b(?!-)
    | (?:this|it)\ is\ a\ bot(?:\.|!|,|$|\ (?:and|made|created|written|maintained|to\ help)\b)
    | (?:this|bot)(?:\ bot)?\ (?:was\ )?(?:made\ |created\ |written\ )?by\ \[?/?u/
    | (?:this|the\ above)\ (?:action|comment|post|reply|message|submission|response|summary)\ (?:was|is|has\ been)
      \ (?:automatically\ )?(?:performed|generated|written|made|created|sent|left|posted)
      \ (?:automatically\ )?(?:by\ a\ (?:\w+\ )?bot\b|by\ an?\ automated\b)
    | (?:this|the\ above)\ (?:action|comment|post|reply|message|submission|response)\ was
      \ (?:performed|generated|posted|created|made|sent)\ automatically(?!\ (?:by|in|when|on|at|every)\b)
    | (?:this|i)\ (?:is|was|am)\ an\ automat(?:ed|ic)
      \ (?:message|comment|reply|response|post|action|bot|account|summary)
    | (?:please\ )?\[?contact\ the\ moderators\ of\ this\ subreddit(?:\]|\.?$|\ (?:if|with|for)\b)
    | \[?(?:more\ |info\ |information\ )?(?:about|info|faq|source|feedback|report|block|stop)\ (?:\w+\ )?this\ bot\)?\]
    ) | (?:^|[.!?\n(|]\s*)(?:beep|bleep)[,.!]?\ ?(?:boop|bloop)\b(?=\W*(?:$|\n|i\ am|i'm|i’m|im|this|bot))
    | ,\ (?:beep|bleep)[,.!]?\ ?(?:boop|bloop)\W*$ | \]\(\#bot""",
    re.VERBOSE,
)
# A name ending in Bot, as its owner writes it.
_OWN_NAME = r"(?:[ru]/)?[A-Za-z0-9-]*(?:[a-z0-9](?:Bot|BOT)|(?<=[A-Za-z0-9])-bot|AutoModerator)(?:[-_]?\d+)?(?![\w'’-])"
_INTRODUCTION = re.compile(
    rf"(?i:{_CLAUSE}(?:i\ am|i'm|i’m|im|my\ name\ is)\ (?:the\ |your\ |a\ |friendly\ "
    rf"|neighborhood\ ){{0,3}})\[?/?{_OWN_NAME}"
)
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")
# The last line is a name, perhaps with links behind it ("^NameBot ^| ^[Feedback](...)"), or ends in "— NameBot".
_SIGNATURE = re.compile(
    rf"[-–—~| ]*(?:(?i:by|from|love|yours)[ ,]+)?/?{_OWN_NAME}(?:\s*v?\d[\d.]*)?\s*"
    r"(?:[|•·–—-].*|(?i:downvote to ).*|[.!\s]*)$"
)
_SIGNED = re.compile(rf"(?:–|—|--)\s*/?{_OWN_NAME}[.!)\s]*$")
# As link helpers sign below a link: a last line "FixerBot", "by FixerBot", or one that ends in "^FixerBot".
_SIGNED_LINK = re.compile(rf"(?:^[*_~(]*(?:(?i:by) )?|\^[\^(]*)/?{_OWN_NAME}[)*_~.!\s]*$")
_LINK_SIGNS = ("://", "](", "/r/")
_UNDERSCORED = re.compile(
    rf"{_CLAUSE}(?:i\ am|i'm|i’m|im|my\ name\ is)\ (?:the\ |your\ |a\ )?\[?/?(?:u/)?"
    r"[a-z0-9-]+_(?:[a-z0-9-]+_)?bot(?=[\s)\]]*(?:[.!,;|\n]|$))"
)
_RULE = re.compile(r"\s*(?:[-_*]\s*){3,}$")


def is_bot_name(author: str | None) -> bool:
    """Tell whether an author's name says that a program writes under it (``RemindMeBot``, ``autotldr``)."""
    if not author or ("bot" not in author.lower() and author[:4].lower() != "auto"):
        return False
    return _BOT_NAME.search(author) is not None


def is_bot_text(text: str, ends: str | None = None) -> bool:
    """Tell whether the first or last words of a text say that a program wrote it.

    A person who writes about bots, or jokes inside a sentence, is none. ``ends`` is what
    :func:`~filters.text.lower_ends` makes of the text, where it is at hand.
    """
    lower = lower_ends(text) if ends is None else ends
    if (
        ("bot" in lower and _BOT.search(lower))
        or ("oop" in lower and _BOOP.search(lower))
        or ("automat" in lower and _AUTOMATIC.search(lower))
        or "contact the moderators of" in lower
    ):
        return _says_bot(text if len(text) < 600 else f"{text[:200]}\n{text[-400:]}")
    return False


def _says_bot(ends: str) -> bool:
    bare = _MARKS.sub("", ends)
    if _STATEMENT.search(bare.lower()) or _INTRODUCTION.search(bare):
        return True
    if "_bot" in ends.lower() and _UNDERSCORED.search(re.sub(r"[*^~`\\]", "", ends).lower()):
        return True
    return ("Bot" in bare or "BOT" in bare or "-bot" in bare) and _is_signed(ends)


def _is_signed(text: str) -> bool:
    """Tell whether the last of several lines is the name of a bot, set off from the text by its signs."""
    lines = [line for line in text.split("\n") if line.strip()]
    last = lines[-1].strip()
    bare = _LINK.sub(r"\1", _MARKS.sub("", last))
    if _SIGNED.search(bare):
        return True
    is_introduced = len(lines) > 1 and lines[-2].rstrip().endswith(":")
    if not is_introduced and _SIGNED_LINK.search(last) and any(sign in text for sign in _LINK_SIGNS):
        return True
    if len(lines) < 2:
        return False
    before = lines[-2].strip()
    is_item = last[:2] in ("- ", "* ") and before[:2] == last[:2]
    is_set_off = "^" in last[:4] or last[0] in "-–—~*_(|" or _RULE.match(before) is not None
    return is_set_off and not is_item and _SIGNATURE.match(re.sub(r"[()\[\]]", " ", bare).strip()) is not None
