"""A source for tests of what all sources share: a line is JSON that says what becomes of it.

``{"pairs": [["q", "p"], ...]}`` is kept, ``{"reject": reason, "passage": ...}`` and ``{"fail": reason}`` are not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ccpairs.pair import Pair
from pipelines.inputs import InputFile
from pipelines.source import MALFORMED, Failure, Outcome, Reject, Source, option


@dataclass(frozen=True)
class LineSettings:
    pair_type: str = option("line", "type of the pairs")


class LineSource(Source):
    name = "lines"
    about = "lines that say what becomes of them"
    unit = "line"
    forms: ClassVar[Mapping[str, str]] = {"lines": "a record a line"}
    extract_settings: ClassVar[type] = LineSettings

    def form_of(self, name: str) -> str | None:
        return "lines" if ".jsonl" in name else None

    def read(self, file: InputFile) -> Iterator[Outcome]:
        for line in file.lines():
            if line.strip():
                yield self.outcome(line)

    def outcome(self, line: bytes) -> Outcome:
        try:
            record = json.loads(line)
            if "reject" in record:
                return Reject(record["reject"], passage=record.get("passage"))
            if "fail" in record:
                return Failure(record["fail"], detail="as asked")
            return [self.made(*pair) for pair in record["pairs"]]
        except (ValueError, KeyError, TypeError) as error:
            return Reject(MALFORMED, detail=str(error))

    def made(self, query: str, passage: str, votes: int | None = None) -> Pair:
        return Pair(query, passage, self.extract.pair_type, votes=votes, created=86400)


def line(**record: Any) -> bytes:
    return json.dumps(record).encode() + b"\n"
