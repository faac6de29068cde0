"""Text that no model should learn from: gibberish of two sorts, and lines that are damaged."""

from __future__ import annotations

import json
from typing import Any

from pipelines.samples.facts import capital
from pipelines.samples.wording import Voice

_KEYS = ("asdfghjkl", "qwertyuiop", "zxcvbnm")


def keyboard_mash(voice: Voice, words: int) -> str:
    """What comes out when hands are laid on a keyboard."""
    made = []
    for _ in range(words):
        row = voice.pick(_KEYS)
        made.append("".join(voice.pick(row) for _ in range(voice.random.randint(3, 9))))
    return " ".join(made)


def word_salad(voice: Voice, text: str) -> str:
    """The words of a text in random order, with full stops here and there: letters and stop words pass as prose."""
    words = voice.shuffled(word.strip(".,;:!?\"'()").lower() for word in text.split())
    pieces = []
    while words:
        length = voice.random.randint(7, 14)
        pieces.append(capital(" ".join(words[:length])) + ".")
        words = words[length:]
    return " ".join(pieces)


def damaged_json(voice: Voice, record: dict[str, Any], needed: str) -> bytes:
    """A JSON line that cannot be read: cut off, without a field it needs, with a field of another type, or not UTF-8.

    ``needed`` is a text field that no record can do without.
    """
    kind = voice.random.randrange(4)
    if kind == 1:
        record = {key: value for key, value in record.items() if key != needed}
    elif kind == 2:
        record = {**record, needed: {"text": record[needed]}}
    line = json_line(record)
    if kind == 0:
        return line[: len(line) * 2 // 3]
    if kind == 3:
        start = json.dumps(needed).encode() + b':"'
        return line.replace(start, start + b"\xff\xfe")
    return line


def json_line(record: Any) -> bytes:
    """A record as one line of JSON, without its line feed."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
