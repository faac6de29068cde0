"""Whether a text only says that a text was removed: what Reddit, moderators and tools for mass edits leave behind."""

from __future__ import annotations

import re

from filters.text import lower_ends

REMOVED = frozenset({"[deleted]", "[removed]", "[deleted by user]", "[ removed by reddit ]"})
"""What most dumps hold, lower case."""
_SIGNS = ("remov", "delet", "overw", "redact", "shred", "protest", "revoked", "edited", "left reddit for")
_TOOL_SIGNS = (
    "script",
    "redact",
    "suite",
    "shred",
    "revoked",
    "overwr",
    "j0be",
    "unddit",
    "nuke",
    "open source",
    "open-source",
)
"""Every notice in English holds one of these; a search for them first is cheap."""
_MARKS_OF_NOTICES = frozenset("[(*_~^\\`>&\n ")
_STARTS = frozenset(
    (
        *(
            "this",
            "your",
            "my c",
            "my p",
            "i'm ",
            "sorr",
            "comm",
            "post",
            "subm",
            "mess",
            "thre",
            "repl",
            "answ",
            "ques",
        ),
        *(
            "text",
            "self",
            "cont",
            "body",
            "titl",
            "acco",
            "prof",
            "user",
            "mod ",
            "mode",
            "orig",
            "auto",
            "cons",
            "edit",
        ),
        *(
            "dele",
            "remo",
            "reda",
            "over",
            "wipe",
            "eras",
            "nuke",
            "purg",
            "scru",
            "shre",
            "retr",
            "expu",
            "mass",
            "anon",
        ),
        *("arch", "obfu", "auth", "i ha", "fuck", "redd"),
    )
)
"""The first four letters of notices in English."""
_QUOTED = "> \n#-–—"
_HEAD = 160
"""Characters within which a notice says that a text was removed."""
_LONGEST_NOTICE = 240
_LONGEST_PROTEST = 400

_MARKS = re.compile("[*_~^`\\\\>#\u200b]+|&(?:amp;)?(?:gt|nbsp|#x200b|#32);")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")

_THING = (
    r"(?:comment|post|submission|message|thread|reply|response|answer|question|text|selftext|content|contents|body|title"
    r"|account|profile)s?"
)
_GONE = (
    r"(?:deleted|removed|redacted|over-?written|wiped|erased|nuked|purged|scrubbed|shredded|retracted|withdrawn"
    r"|expunged)"
)
_WHO = (
    r"(?:(?:the|a|an|its|their|this|original|reddit'?s?|subreddit)\ ){0,3}(?:moderators?|mods?|moderation"
    r"|mod\ team|moderator\ team|user|author"
    r"|op|poster|admins?|administrators?|reddit(?:\ legal)?|auto-?mod(?:erator)?|anti-evil\ operations|owner"
    r"|creator|staff|redditor"
    r"|(?:automated\ )?systems?|filters?|legal\ (?:team|operations)|spam\ filters?)(?:\ (?:of|from)\ /?r/\w+)?"
)
_RULE = r"(?:[:.,–-]?\ ?(?:for\ |per\ |see\ )?(?:violating\ |breaking\ )?rules?\ ?\#?\d[\w, ]{0,30})"
_WHY = (
    r"(?:on\ account\ of|in\ response\ to|due\ to|because\ of|for|as|pursuant\ to|following|at\ the\ request\ of)"
    r"\ [^\[\].!?]{1,140}"
)
# "[ Removed by Reddit on account of violating the content policy. ]", "[comment deleted] 0.0911 What is this?"
_BRACKETS = re.compile(
    rf"""[\[(]\s*(?:this\ )?(?:{_THING}\ )?(?:(?:was|were|is|has\ been|have\ been)\ )?{_GONE}
    (?:\ by\ {_WHO}(?:\ team)?|\ (?:user|account|comment|post))?(?:,?\ {_WHY}|{_RULE})?[.!]?\s*[\])]
    (?:[\W\d]*(?:what\ is\ this\??|v?\d[\d.]*|edited|why\??)?){{0,4}}\W*""",
    re.VERBOSE,
)
_WITH_VERSION = re.compile(r"\[(?:deleted|removed)\]\s*\^+\s*\d+\.\d")
_OTHER_LANGUAGES = re.compile(
    r"\[\s*(?:(?:kommentar|beitrag|commentaire|message|comentario|comentário|publicación|commento|messaggio|bericht|komentarz"
    r"|комментарий|сообщение)\s+)?(?:gelöscht|entfernt|supprimée?|effacée?|retirée?|eliminad[oa]|borrad[oa]|removid[oa]|apagad[oa]|excluíd[oa]|rimoss[oa]"
    r"|cancellat[oa]|eliminat[oa]|verwijderd|usunięt[yeao]|skasowan[yeao]|удал[её]н[оа]?|видалено|smazán[oa]|odstraněn[oa]"
    r"|silindi|borttagen|raderad|slettet|fjernet|poistettu|törölve|διαγράφηκε|șters|obrisano|dihapus|đã xóa"
    r"|削除|削除済み|削除されました|已删除|已刪除|삭제됨|삭제된 댓글입니다|تم الحذف|נמחק)(?:\s[^\[\]]{1,60})?\s*\]\W*"
)
# "Comment removed by moderator", "This post has been deleted by its author.", "Removed"
_SENTENCE = re.compile(
    rf"""\W*(?:sorry,?\ )?(?:(?:this|your|the)\ )?(?:(?:user|moderator|mod|self)\ )?(?:{_THING}\ )?
    (?:(?:was|were|is|has\ been|have\ been|got)\ )?(?:automatically\ |permanently\ )?{_GONE}
    (?:\ by\ {_WHO})?(?:\ and\ (?:locked|deleted|removed))?{_RULE}?[\s.!)\]-]*
    | \W*(?:user|author)\ (?:has\ )?(?:deleted|removed)\ (?:this|their)\ (?:comment|post)\W*""",
    re.VERBOSE,
)
_BEGIN = r"(?:^|[\n\[(.!?–—-])\s*(?:edit:?\ )?(?:i'm\ sorry,?\ but\ )?"
_THIS = rf"{_BEGIN}(?:this|the\ above|the\ original|original)\ {_THING}"
_MINE = rf"{_BEGIN}(?:all\ |all\ of\ )?my\ {_THING}"
_BEEN = r"\ (?:was|were|is|are|has\ been|have\ been|had\ been)\ (?:\w+\ ){0,2}?"
_EDITED = rf"(?:{_GONE}|edited|replaced|archived|anonymi[sz]ed|obfuscated|changed)"
_MASS_EDITED = r"mass[- ](?:deleted|edited|removed|overwritten)(?:\ (?:and|&)\ \w+)?"
_TOOL = (
    r"(?:https?://|the\ |an?\ )?(?:power\ ?-?delete\ ?-?suite|redact(?:\.dev)?\b|shreddit|nuke\ ?reddit"
    r"|reddit[- ]?overwrite"
    r"|greasyfork|unddit|j0be|open[- ]source\ (?:script|software|tool|program))"
)
_SCRIPT = r"(?:an?\ )?(?:automated|automatic|python|user|greasemonkey|tampermonkey|browser)\ ?-?(?:script|tool)"
# Notices of tools, which may stand beside words drawn at random.
_BY_TOOL = re.compile(
    rf"""{_THIS}{_BEEN}(?:{_EDITED}|{_MASS_EDITED})\b[^\n]{{0,60}}?\b(?:by|with|using|via|through|see)
      \ (?:{_TOOL}|{_SCRIPT})
    | {_MINE}{_BEEN}(?:{_EDITED}|{_MASS_EDITED})\b[^\n]{{0,60}}?\b(?:by|with|using|via|through)\ {_TOOL}
    | (?:^|\n|[-–—])\s*(?:edit:\ )?(?:{_THING}\ )?(?:{_EDITED}|{_MASS_EDITED}(?:\ all\ [^\n]{{0,40}})?)
      \ (?:with|by|using|via)\ {_TOOL}
    | {_THIS}{_BEEN}over-?written\ by\ an?\ script(?=\ (?:as|to|because|in|so)\b|[^\w\n]*$|\.)
    | ^i\ have\ left\ reddit\ for\ voat\ due\ to\b
    | redact\ all\ (?:of\ )?(?:the|my)\ comments\ (?:i've\ ever\ made\ )?on\ reddit,\ overwriting\b
    | (?:^|\n)(?:(?:this|the)\ (?:\w+\ ){{0,2}}?{_THING}|what\ (?:was|used\ to\ be)\ (?:\w+\ )?here)\b
      (?=[^\n]{{0,160}}\b(?:{_GONE}|taken\ down)\b)(?=[^\n]{{0,200}}\bredact\b)
      [^\n?]{{0,250}}\b(?:may|might|could|possibly|potentially|perhaps)\b[^\n?]{{0,120}}\b(?:privacy|opsec|security|ai|data)\b(?![^\n]*\?)
    | consent\ for\ this\ {_THING}\ to\ be\ retained\b[^\n]{{0,40}}\brevoked""",
    re.VERBOSE,
)
# Behind words drawn at random, in one line with them.
_SIGNED_BY_TOOL = re.compile(rf"[*_`^(]this\ {_THING}\ was\ {_MASS_EDITED}\b[^\n]{{0,60}}\bredact\b")
_REASON = (
    r"(?:(?:in|as\ an?|to)\ (?:\w+\ )?protest\b|\bprotest(?:ing)?\b.{0,40}\breddit|reddit'?s?\ (?:new\ "
    r"|recent\ |ongoing\ |planned\ )*"
    r"(?:api|policy|policies|decision|changes|greed|killing|ceo)|\bapi\ (?:pric|chang|polic|fee|term)"
    r"|third[- ]party\ app"
    r"|\bspez\b|protect\ (?:\w+\ ){0,2}?(?:\w+'s\ )?privacy|(?:for|reasons\ of)\ (?:\w+\ )?privacy"
    r"|privacy\ reasons|(?:ai|llm|model)\ training|train(?:ing)?\ (?:of\ )?(?:ai|llm|their\ ai))"
)
# "This comment has been edited in protest of Reddit's API changes."
_PROTEST = re.compile(
    rf"(?:fuck\ [/\w]+(?=[.,!]))?(?:{_THIS}|{_MINE}(?=\ (?:was|were|is|are|ha\w+\ been)\ (?:edited"
    rf"|overwritten)\b)){_BEEN}{_EDITED}\b(?!\ to\ (?!protest|protect))[^?]{{0,160}}?{_REASON}[^?]*"
    rf"|\W*(?:edit:?\ )?(?:user\ )?(?:{_THING}\ )?{_EDITED}\ (?:by\ (?:the\ )?(?:user|author|me|op)\ )?"
    rf"(?:for|in|to|as|due\ to|because\ of|over|following)\ [^?]{{0,60}}?{_REASON}[^?]*",
    re.VERBOSE,
)


def may_be_notice(ends: str) -> bool:
    """Tell whether a text may be the notice of a removal: whether it begins as notices do, or names the tool that
    writes words drawn at random beside its notice.

    It costs little and most texts fail it. ``ends`` is what :func:`~filters.text.lower_ends` makes of the text.
    """
    return ends[:4] in _STARTS or ends[:1] in _MARKS_OF_NOTICES or "redact" in ends


def is_removal_notice(text: str, ends: str | None = None) -> bool:
    """Tell whether a title, selftext or comment is the notice of a removal, in whatever words.

    Words about a removal inside other text ("my post was removed, why?") are no notice. ``ends`` is what
    :func:`~filters.text.lower_ends` makes of the text, where it is at hand.
    """
    lower = (lower_ends(text) if ends is None else ends).removeprefix("&gt;").lstrip(_QUOTED)
    if not may_be_notice(lower):
        return False
    head = lower[:_HEAD]
    for sign in _SIGNS:
        if sign in head:
            if _is_notice(text, lower):
                return True
            break
    else:
        if "redact" in lower and _is_notice(text, lower):
            return True
    is_short = text[:1] == "[" and len(text) < _LONGEST_NOTICE
    return is_short and _OTHER_LANGUAGES.fullmatch(lower.strip()) is not None


def _is_notice(text: str, lower: str) -> bool:
    stripped = lower.strip()
    if stripped in REMOVED:
        return True
    may_be_tool = any(sign in lower for sign in _TOOL_SIGNS)
    if len(text) >= 2 * _LONGEST_NOTICE and not may_be_tool:
        return False
    words = _MARKS.sub("", _LINK.sub(r"\1", stripped.replace("’", "'")))
    whole = " ".join(words.split())
    if len(text) < 2 * _LONGEST_NOTICE:
        if _WITH_VERSION.match(stripped):
            return True
        if len(whole) <= _LONGEST_NOTICE and (_BRACKETS.fullmatch(whole) or _SENTENCE.fullmatch(whole)):
            return True
    if "mass " in lower and _SIGNED_BY_TOOL.search(_LINK.sub(r"\1", stripped)):
        return True
    if may_be_tool and _BY_TOOL.search("\n".join(" ".join(line.split()) for line in words.split("\n"))):
        return True
    return len(whole) <= _LONGEST_PROTEST and _PROTEST.fullmatch(whole) is not None
