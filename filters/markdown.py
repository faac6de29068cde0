"""Reddit's markdown, as it stands in real dumps, to plain text.

Dumps differ: most hold ``&gt;``, ``&lt;`` and ``&amp;`` for the three characters (so that an entity which its author
typed comes doubly escaped, ``&amp;#x200B;``), some hold the characters themselves. Both come out alike.

A pass runs only where its sign occurs, and most comments hold none. Each pattern looks at a stretch that cannot hold
its own opening sign, so a pass is linear in the text whatever the text is.
"""

from __future__ import annotations

import re

from filters.text import decode_entities, plain

# What must no longer be taken for markup (escapes, code, addresses) is hidden: a sign becomes the lone surrogate with
# the same low byte, which no sound text holds, and is shown again at the end.
_HIDE = {ord(sign): chr(0xDC00 + ord(sign)) for sign in "\\`*_{}[]()#+-.!~^|<>&="}
_SHOW = {hidden: chr(sign) for sign, hidden in _HIDE.items()}
_HIDDEN = re.compile("[\udc21-\udc7e]")

_FENCE = re.compile(r"\n[ \t]*```[^\n`]*(\n.*?)(?:\n[ \t]*```[ \t]*(?=\n|\Z)|\Z)", re.DOTALL)
_CODE = re.compile(r"`(?<!``)(?:([^`\n]+)`|`([^`\n]+)``|``([^`]+)```)(?!`)")
_CODE_LINES = re.compile(r"\n\n(?:(?: {4}|\t)(?![ \t]*(?:[-*+>]|\d+[.)])[ \t])[^\n]*(?:\n+|\Z))+")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+\-.!~^|<>&])")
_ADDRESS = re.compile(r"https?://[^\s<>\[\]()*]*(?:\([^\s<>\[\]()]*\)[^\s<>\[\]()*]*)*")
_AUTOLINK = re.compile(r"<(https?://[^\s<>]*)>")

# Where Reddit keeps pictures, films and polls, and what its editor writes in place of one.
_MEDIA_ADDRESS = (
    r"https?://(?:(?:(?:external-)?preview|i|v)\.redd\.it|(?:[a-z0-9]{1,3}\.)?thumbs\.redditmedia\.com|i\.reddituploads\.com"
    r"|(?:\w{2,4}\.)?reddit\.com/(?:poll|gallery|link/\w+/video))/[^\s<>\[\]()*]*"
)
_MEDIA_OF_SITE = re.compile(
    rf"!?[\[\udc5b](?:\s*(?:{_MEDIA_ADDRESS}|(?i:View Poll))\s*|)[\]\udc5d]\(\s*{_MEDIA_ADDRESS}[^()\n]*\)"
    rf"|(?<!\])\(\s*{_MEDIA_ADDRESS}\s*\)|(?<!\]\()<?{_MEDIA_ADDRESS}>?"
    r"|(?<![^\n])[ \t]*\[?View Poll\]?[ \t]*(?=\n|\Z)|\*?Processing (?:img|gif|video) \w{6,20}(?:\.\.\.|…)\*?"
)

_TARGET = r'\( {0,3}(?:[^\s()]*(?:\([^\s()]*\)[^\s()]*)*|[^\s)\[]*)(?: {1,3}"[^"\n]*")? {0,3}\)'
_MEDIA = re.compile(rf"!\[(?:gif|img|image|video)?\]{_TARGET}")
_CAPTION = re.compile(r"(?<!\S)!\[(?=[^\[\]]*\]\()")
_OLD_SPOILER = re.compile(r'\[[^\[\]]*\]\((?:#|/)s ?"([^"\n]*)"\)')
_LINK = re.compile(rf"\[([^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*)\]{_TARGET}")
_DEFINITION = re.compile(r"\n {0,3}\[[^\]\n]+\]:[ \t]*<?(?:https?://|www\.|/|#)[^\n]*")
_REFERENCE = re.compile(r"\[([^\[\]]+)\] ?\[[^\[\]]*\]")

# At the start of a line, which a newline begins: quote signs, then a rule, bullets or a heading.
_LINE_START = re.compile(
    r"\n[ \t]*(?:>(?!!)[ \t]*)*"
    r"(?:([-*_=])(?:[ \t]*\1){2,}[ \t]*(?=\n|\Z)|(?:[-*+][ \t]+)+|#{1,6}[ \t]+|#{2,6}(?=[^\s#]))?"
)
_STARTS_OF_LINES = frozenset(" \t>-*_=+#")
_TABLE_RULE = re.compile(r"\n(?=[^\n]*-)(?=[^\n]*\|)[ \t:|-]+(?=\n|\Z)")

# Each pattern below begins with a plain character, for which the search skips ahead.
_SPOILER = re.compile(r">!([^<>]*)!<")
_STRIKE = re.compile(r"~~(?=[^\s~])([^~]*)~~")
# 10^6 and ^_^ stay as they are.
_SUPERSCRIPT = re.compile(r"\^(?<![\w)\]^]\^)\^*(?:\(([^()]*)\)|(?=[^\W_]|[\"'*\[(]))")
# f*ck and 2*3*4 too.
_STARS = re.compile(r"\*(\*{1,2}|(?<![A-Za-z0-9*]\*))(?=[^\s*])([^*]*)(?<!\s)\*\1")
_STRAY_STARS = re.compile(r"\*\*(?:(?<!\S\*\*)\*?(?!\*)|(?<!\*\*\*)(?!\S))")
_UNDERSCORES = re.compile(r"_(?<!\w_)(_{0,2})(?=[^\s_])([^_]*(?:(?<=[^\W_])_(?=[^\W_])[^_]*)*)(?<!\s)_\1(?!\w)")
_NESTED = 3


def markdown_to_text(md: str) -> str:
    """The plain text of Reddit markdown: the words of links, quotes, lists, tables and code without their signs.

    Bare addresses and the ordinals of numbered lists stay; images, emotes, polls and the addresses of Reddit's own
    pictures and films go.
    """
    if "&" in md:
        md = md.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    if "\n" in md:
        md = "\n\n" + md.replace("\r\n", "\n")
        lines = True
    else:
        lines = md[:1] in _STARTS_OF_LINES
        if lines:
            md = "\n\n" + md
    if "`" in md:
        md = _CODE.sub(_hide_code, _FENCE.sub(_hide_code, md))
    if lines and ("    " in md or "\t" in md):
        md = _CODE_LINES.sub(_hide, md)
    if "\\" in md:
        md = _ESCAPE.sub(_hide_escaped, md)
    if "redd" in md or "View Poll" in md or "Processing " in md:
        md = _MEDIA_OF_SITE.sub("", md)
    if "](" in md:
        md = _nested(_LINK, r"\1", _OLD_SPOILER.sub(r"\1", _CAPTION.sub("[", _MEDIA.sub("", md))))
    if lines and "]:" in md:
        md, definitions = _DEFINITION.subn("", md)
        if definitions:
            md = _REFERENCE.sub(r"\1", md)
    if "://" in md and ("_" in md or "~" in md or "^" in md or "<" in md):
        md = _ADDRESS.sub(_hide, _AUTOLINK.sub(r"\1", md))
    if lines:
        md = _LINE_START.sub("\n", md)
    if "|" in md:
        md, tables = _TABLE_RULE.subn("", md)
        if tables:
            md = md.replace("|", " ")
    if "!<" in md:
        md = _SPOILER.sub(r"\1", md)
    if "~~" in md:
        md = _STRIKE.sub(r"\1", md)
    if "^" in md:
        md = _SUPERSCRIPT.sub(r"\1", md)
    if "*" in md:
        md = _nested(_STARS, r"\2", md)
        if "**" in md:
            md = _STRAY_STARS.sub("", md)
    if "_" in md:
        md = _nested(_UNDERSCORES, r"\2", md)
    if not md.isascii():
        md = _HIDDEN.sub(_show, md)
    return plain(decode_entities(md))


def _nested(pattern: re.Pattern[str], words: str, md: str) -> str:
    for _ in range(_NESTED):
        md, found = pattern.subn(words, md)
        if not found:
            break
    return md


def _hide(match: re.Match[str]) -> str:
    return match[0].translate(_HIDE)


def _hide_code(match: re.Match[str]) -> str:
    code: str = match[match.lastindex or 0]
    return code.translate(_HIDE)


def _hide_escaped(match: re.Match[str]) -> str:
    return _HIDE[ord(match[1])]


def _show(match: re.Match[str]) -> str:
    return _SHOW[match[0]]
