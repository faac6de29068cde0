"""Wikitext, second step: everything that nests. Templates, links and tables become plain text or nothing.

One pass with a stack, in the manner of MediaWiki's preprocessor: ``{{{parameter}}}``, ``{{template}}``, ``[[link]]``
and ``{| table |}`` close innermost first. An opening without its end is text; a closing mark closes the nearest opening
of its kind, and what stands open in between is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from filters.wikitext_tags import GAP

# The common case, a link without anything inside, never reaches the stack.
_SIMPLE_LINK = re.compile(r"\[\[(?:[^\[\]{}|\n:]+\|([^\[\]{}|\n]+)|([^\[\]{}|\n:#]+))\]\]")
_TOKEN = re.compile(
    r"\{\{(?<!\{\{\{)(?!\{)([^{}\[\]]*)\}\}(?!\})"  # a template without anything nested in it
    r"|\{\{+|\}\}+|\[\[|\]\]|\n[ \t:*#]*\{\|[^\n]*|\n[ \t]*\|\}(?!\})|</?[tT](?:able|ABLE)(?![\w-])[^<>]*>"
)

# "{Infobox person", whose arguments follow line by line: one brace is missing.
_HALF_OPENED = re.compile(r"\n\{(?=[^{}|\n]{2,60}\n[ \t]*\|)")

DEEPEST = 40
"""What nests deeper than this is dropped when it closes; so no character is copied more often than this."""


class _Open:
    """An opening mark that waits for its end, and the text since."""

    __slots__ = ("braces", "kind", "parts")

    def __init__(self, kind: str, braces: int = 0) -> None:
        self.kind, self.braces = kind, braces
        self.parts: list[str] = []


def flatten(text: str, template: Callable[[str], str], link: Callable[[str], str]) -> str:
    """Replace what nests by what ``template`` and ``link`` make of its inner text. Linear time."""
    text = _HALF_OPENED.sub("\n{{", "\n" + _SIMPLE_LINK.sub(r"\1\2", text))
    stack = [_Open("")]
    waiting = {"": 0, "{": 0, "[": 0, "|": 0}
    parts = stack[0].parts
    position = 0

    def close(kind: str) -> _Open:
        """Take the nearest opening of a kind off the stack; what stands open above it becomes its text."""
        nonlocal parts
        top = len(stack) - 1
        while stack[top].kind != kind:
            waiting[stack[top].kind] -= 1
            top -= 1
        frame = stack[top]
        frame.parts.append(_unfinished(stack[top + 1 :]))
        del stack[top:]
        waiting[kind] -= 1
        parts = stack[-1].parts
        return frame

    def push(kind: str, braces: int = 0) -> None:
        nonlocal parts
        frame = _Open(kind, braces)
        stack.append(frame)
        waiting[kind] += 1
        parts = frame.parts

    for token in _TOKEN.finditer(text):
        start = token.start()
        if start > position:
            parts.append(text[position:start])
        position = token.end()
        mark = token[0]
        if token[1] is not None:
            parts.append(template(token[1]))
        elif mark == "[[":
            push("[")
        elif mark == "]]":
            if waiting["["]:
                frame = close("[")
                if len(stack) <= DEEPEST:
                    parts.append(link("".join(frame.parts)))
        elif mark[0] == "{":
            if len(mark) <= DEEPEST:
                push("{", len(mark))
        elif mark[0] == "}":
            count = len(mark)
            while count >= 2 and waiting["{"]:
                frame = close("{")
                matched = 3 if min(count, frame.braces) >= 3 else 2
                count -= matched
                inner = "".join(frame.parts) if len(stack) <= DEEPEST else ""
                if frame.braces - matched >= 2:
                    push("{", frame.braces - matched)
                parts.append(_parameter(inner) if matched == 3 else template(inner))
        elif mark.endswith("|}") or mark[:2] == "</":
            if waiting["|"]:
                close("|")
                parts.append(f"\n{GAP}\n")
        else:
            push("|")
    parts.append(text[position:])
    return _unfinished(stack)


def _parameter(inner: str) -> str:
    """``{{{name|default}}}`` shows its default."""
    return inner.partition("|")[2]


_LONGEST_NAME = 100
_GAP_OF_LINES = 3


def _unfinished(frames: list[_Open]) -> str:
    """The text behind openings that have no end, without what only their ends would make sense of."""
    texts: list[str] = []
    is_argument = False  # does the opening stand in a line of the arguments of the one before?
    for frame in frames:
        text = "".join(frame.parts)
        if is_argument:
            text = "\n" + text.partition("\n")[2]
        last_line = text[text.rfind("\n") + 1 :]
        if frame.kind == "[":
            text = _without_target(text)
        elif frame.kind == "{" and not is_argument:
            text = _without_arguments(text)
        is_argument = frame.kind == "{" and last_line.lstrip().startswith("|")
        texts.append(text)
    return "".join(texts)


def _without_target(text: str) -> str:
    """What an open link shows: its label; nothing of a file, whose caption ends nobody knows where."""
    head, bar, _ = text[: 2 * _LONGEST_NAME].partition("|")
    if not bar or len(head) > _LONGEST_NAME or "\n" in head:
        return text
    if _FILE.match(head):
        line = text.find("\n")
        return text[line:] if line >= 0 else ""
    return text[len(head) + 1 :]


_FILE = re.compile(r"[^|\n:]{2,24}:[^|\n]*\.\w{3,4}\s*$")


_BOX = re.compile(r"\s*(?:infobox|taxobox|карточка|基礎情報)", re.IGNORECASE)
_SHORT_ARGUMENT = 60
"""Characters behind the last bar of a line; more may be prose behind a forgotten end."""
_NAMED_ARGUMENT = re.compile(r"\s*[^\W\d][\w -]{0,40}=")


def _without_arguments(text: str) -> str:
    """Drop the name of a template and the lines of its arguments; of one inside a line the last argument stays."""
    first, _, rest = text.partition("\n")
    name, bar, _ = first.partition("|")
    if len(name) > _LONGEST_NAME or not name.strip():
        return text
    lines = rest.split("\n")
    end = other = 0  # lines of arguments, and others since the last of them
    for number, line in enumerate(lines, 1):
        bare = line.strip()
        if bare.startswith("|") or (bare and set(bare) <= {"}", " "}):
            end, other = number, 0
        elif not bare or bare[0] == "=" or (other := other + 1) > _GAP_OF_LINES:
            break
    if end:
        return "\n" + "\n".join(lines[end:])
    if not bar and _BOX.match(name):
        return text[len(first) :]
    last = first.rpartition("|")[2]
    if bar and _NAMED_ARGUMENT.match(last) and (_BOX.match(name) or len(last) <= _SHORT_ARGUMENT):
        return first.rpartition("}")[2] + text[len(first) :] if "}" in first else text[len(first) :]
    return last + text[len(first) :] if bar else text
