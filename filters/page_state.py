"""The article in what a page's scripts start from, for pages that show nothing until those have run.

Next, Nuxt and their like send the page as JSON (``__NEXT_DATA__``, ``__NUXT_DATA__``, ``window.__STATE__ = {…}``),
others as markup in templates. Nobody says where in the data the text stands. What has the page's title as one of its
values is its article, though, and the text is the longest prose in there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from filters.html_text import fragment_to_text
from filters.scripts import letters_worth
from filters.titles import letters_of

LONGEST = 8 << 20
"""Characters of a script that is still read."""
DEEPEST = 16
"""So deep in the data a text is looked for."""
MOST_VALUES = 200_000
"""So many values of a page's data are looked at."""
PARAGRAPH = 40
"""A shorter text without markup is no paragraph, and a title that is shorter than a quarter of it is none."""

_ASSIGNED = re.compile(r"\s*(?:(?:var|let|const)\s+)?[\w.$]+(?:\[[^\]]{1,50}\])?\s*=\s*(?=[\[{])")
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_BLOCK_END = re.compile(r"</(?:p|div|h[1-6]|li|blockquote)\s*>|<br\s*/?>|\n", re.IGNORECASE)
_TEMPLATES = 'template,noframes,textarea,script[type*="template" i],script[type="text/html" i]'
_PLACEHOLDER = re.compile(r"\{\{|(?:<|&lt;)[%#?]|\$\{|\{%|\[\[")
_SENTENCE = re.compile(r"[.!?…:。！？؟۔।።]|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]{20}")


def lines_of(text: str) -> list[str]:
    """The paragraphs of a text that may be HTML, as plain text."""
    parts = _BLOCK_END.split(text) if "<" in text else text.splitlines()
    return [line for part in parts if (line := fragment_to_text(part))]


def state_text(tree: LexborHTMLParser, title: str | None) -> list[str]:
    """The paragraphs of the article with this title in the data of a page's scripts; empty where there is none."""
    key = letters_of(title or "")
    best: list[str] = []
    most = 0
    if 4 * len(key) < PARAGRAPH:
        return best
    for script in tree.css("script"):
        text = script.text()
        if PARAGRAPH < len(text) < LONGEST:
            for paragraphs in _texts(text, key):
                size = sum(letters_worth(paragraph) for paragraph in paragraphs if _is_prose(paragraph))
                if size > most:
                    best, most = paragraphs, size
    return best


def _texts(script: str, key: str) -> Iterator[list[str]]:
    """Texts that stand beside the title."""
    assigned = _ASSIGNED.match(script)
    start = assigned.end() if assigned is not None else len(script) - len(script.lstrip())
    if script[start : start + 1] in ("{", "["):
        try:
            data, _ = json.JSONDecoder(strict=False).raw_decode(script, start)
        except (ValueError, RecursionError):
            pass
        else:
            yield from _texts_in(data, key)
            return
    if assigned is not None or "__NUXT__" in script:
        strings = list(_strings(script))
        if any(letters_of(string) == key for string in strings):
            yield from map(lines_of, strings)


def _strings(script: str) -> Iterator[str]:
    """The strings of a script between double quotes."""
    for string in _STRING.finditer(script):
        try:
            yield json.loads(string[0])
        except ValueError:
            continue


def _texts_in(data: Any, key: str) -> Iterator[list[str]]:
    flat = data if isinstance(data, list) else []
    seen = 0
    waiting: list[Any] = [data]
    while waiting and seen < MOST_VALUES:
        value = waiting.pop()
        seen += 1
        if isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, dict):
            waiting += reversed(value.values())
            texts: dict[str, list[str]] = {}
            if any(isinstance(text, str) and letters_of(text) == key for text in value.values()):
                _gather(value, "", texts, DEEPEST)
            elif flat and any(_is_index(at, flat) and _is_title(flat[at], key) for at in value.values()):
                # The values of Nuxt 3 are numbers: where in one long list they stand.
                _gather({name: _value_at(flat, at, DEEPEST) for name, at in value.items()}, "", texts, DEEPEST)
            yield from texts.values()


def _is_title(value: Any, key: str) -> bool:
    return isinstance(value, str) and letters_of(value) == key


def _is_index(value: Any, flat: list[Any]) -> bool:
    return type(value) is int and 0 <= value < len(flat)


def _value_at(flat: list[Any], at: Any, depth: int) -> Any:
    value = flat[at] if _is_index(at, flat) else None
    if depth and isinstance(value, dict):
        return {name: _value_at(flat, inner, depth - 1) for name, inner in value.items()}
    if depth and isinstance(value, list):
        return [_value_at(flat, inner, depth - 1) for inner in value]
    return value if isinstance(value, str) else None


def _gather(value: Any, path: str, texts: dict[str, list[str]], depth: int) -> None:
    """Add the strings in a value to ``texts``, by the names that lead there; members of a list share theirs."""
    if isinstance(value, str):
        texts.setdefault(path, []).extend(lines_of(value))
    elif depth and isinstance(value, list):
        for member in value:
            _gather(member, path, texts, depth - 1)
    elif depth and isinstance(value, dict):
        for name, member in value.items():
            _gather(member, f"{path}/{name}", texts, depth - 1)


def _is_prose(text: str) -> bool:
    size = letters_worth(text)
    return size >= PARAGRAPH and (" " in text or size > len(text)) and _SENTENCE.search(text) is not None


def template_markup(tree: LexborHTMLParser) -> str:
    """The longest markup that a script would put into the page; empty where there is none."""
    longest = ""
    for node in tree.css(_TEMPLATES):
        markup = (node.html or "").partition(">")[2] if node.tag == "template" else node.text()
        if len(markup) > len(longest) and "</p>" in markup and _PLACEHOLDER.search(markup) is None:
            longest = markup
    return longest
