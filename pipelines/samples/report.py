"""What the sample dumps hold: how many records, and which of them are dirt of what kind.

Dirt is put in on purpose, so that tests can count what must be dropped, where, and with which reason.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

EXTRACT, JOIN, PAIRS, LATER = "extract", "join", "pairs", "later"
"""Where dirt is found: while a file is read, when rows are joined, among the pairs before the shards are written, or
by a later stage (language, perplexity, judge), which gives reasons of its own."""


class DirtKind(NamedTuple):
    """Dirt of one kind: ``reason`` is what the pipeline rejects it with at ``stage`` (None for ``later``)."""

    kind: str
    stage: str
    reason: str | None


@dataclass
class DirtFound:
    """How many records of one kind of dirt a file has, and the documents by which their pairs can be looked up."""

    count: int = 0
    docs: list[str] = field(default_factory=list)


Dirt: TypeAlias = "dict[DirtKind, DirtFound]"


@dataclass
class SampleFile:
    """One file: ``records`` counts all of them, the dirt too. ``path`` is relative to the folder of all samples."""

    source: str
    path: str
    form: str
    records: int = 0
    dirt: Dirt = field(default_factory=dict)

    def clean(self) -> None:
        """Count a record that is no dirt."""
        self.records += 1

    def dirty(self, kind: str, reason: str, doc: str | None = None, *, stage: str = EXTRACT) -> None:
        """Count a record that is dirt."""
        self.records += 1
        self.note(kind, reason, doc, stage=stage)

    def note(self, kind: str, reason: str | None, doc: str | None = None, *, stage: str = LATER) -> None:
        """Say of a record that is counted already (or of rows made of it) that it is dirt."""
        found = self.dirt.setdefault(DirtKind(kind, stage, reason), DirtFound())
        found.count += 1
        if doc is not None:
            found.docs.append(doc)

    def expected(self, stage: str = EXTRACT) -> Counter[str]:
        """How often each reason must be given at a stage."""
        counts: Counter[str] = Counter()
        for kind, found in self.dirt.items():
            if kind.stage == stage and kind.reason is not None:
                counts[kind.reason] += found.count
        return counts

    @property
    def kept(self) -> int:
        """How many records must be kept when the file is read."""
        return self.records - self.expected().total()


@dataclass
class SampleReport:
    """All files that were written, in the order of their paths."""

    seed: int
    files: list[SampleFile] = field(default_factory=list)

    def of(self, source: str) -> list[SampleFile]:
        return [file for file in self.files if file.source == source]

    def file(self, path: str) -> SampleFile:
        """The file with this path below the folder; raises ``KeyError``."""
        for file in self.files:
            if file.path == path:
                return file
        raise KeyError(path)

    def expected(self, source: str, stage: str = EXTRACT) -> Counter[str]:
        """How often each reason must be given to records of a source at a stage."""
        return sum((file.expected(stage) for file in self.of(source)), Counter())

    def docs(self, source: str, kind: str) -> set[str]:
        """The documents that hold dirt of a kind (``swapped pair``, ``other language``, ``gibberish``, ...)."""
        dirt = [item for file in self.of(source) for item in file.dirt.items()]
        return {doc for each, found in dirt if each.kind == kind for doc in found.docs}

    def as_json(self) -> str:
        """The text of ``dirt.json``."""
        files = [
            {
                "source": file.source,
                "path": file.path,
                "form": file.form,
                "records": file.records,
                "kept": file.kept,
                "dirt": [
                    {**kind._asdict(), "count": found.count, **({"docs": found.docs} if found.docs else {})}
                    for kind, found in sorted(file.dirt.items(), key=lambda item: (item[0].stage, item[0].kind))
                ],
            }
            for file in self.files
        ]
        return json.dumps({"seed": self.seed, "files": files}, indent=1, ensure_ascii=False) + "\n"

    @staticmethod
    def from_json(text: str) -> SampleReport:
        """Read what :meth:`as_json` wrote."""
        known: dict[str, Any] = json.loads(text)
        return SampleReport(known["seed"], [_file_of(values) for values in known["files"]])

    def lines(self) -> Iterator[str]:
        """The report for people, a line a file and a line a kind of dirt."""
        for file in self.files:
            yield f"{file.path}: {file.records:,} records of {file.source}, {file.kept:,} to be kept"
            for kind, found in sorted(file.dirt.items(), key=lambda item: (item[0].stage, item[0].kind)):
                yield f"    {found.count:>4} {kind.kind}: {kind.reason or 'for a later stage'} ({kind.stage})"


def _file_of(values: dict[str, Any]) -> SampleFile:
    file = SampleFile(values["source"], values["path"], values["form"], values["records"])
    for item in values["dirt"]:
        kind = DirtKind(item["kind"], item["stage"], item["reason"])
        file.dirt[kind] = DirtFound(item["count"], item.get("docs", []))
    return file
