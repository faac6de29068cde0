"""The sample dumps, read by the real sources: each record is kept or rejected for the reason that the report tells."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ccpairs.pair import Pair
from filters.pairs import default_pair_filters, first_reason
from pipelines.identity import pair_id
from pipelines.inputs import InputFile
from pipelines.samples import SOURCES, SampleFile, SampleReport, write_samples
from pipelines.samples.report import JOIN, PAIRS
from pipelines.source import Failure, Joined, Onward, Reject, Source
from pipelines.sources.commoncrawl import CommonCrawl
from pipelines.sources.communityqa import CommunityQA
from pipelines.sources.news import News
from pipelines.sources.reddit import Reddit
from pipelines.sources.s2orc import S2ORC
from pipelines.sources.stackexchange import StackExchange, pair_answers
from pipelines.sources.wikipedia import Wikipedia

READERS: dict[str, Source] = {
    reader.name: reader
    for reader in (Reddit(), StackExchange(), Wikipedia(), S2ORC(), CommonCrawl(), News(), CommunityQA())
}


class Read:
    """What came out of all files of one source."""

    def __init__(self, folder: Path, report: SampleReport, source: str) -> None:
        self.source = READERS[source]
        self.rows: list[tuple[Any, ...]] = []
        self.outcomes: dict[str, Counter[str]] = {}
        for file in report.of(source):
            self.outcomes[file.path] = Counter(self._read(str(folder / file.path), file))
        self.rejected: Counter[str] = Counter()
        self.pairs = list(self._pairs())

    def _read(self, path: str, file: SampleFile) -> Iterator[str]:
        for outcome in self.source.read(InputFile(path, file.form, os.path.getsize(path))):
            if isinstance(outcome, (Reject, Failure)):
                yield outcome.reason
            else:
                self.rows += [tuple(row) for row in outcome]
                yield "kept"

    def _pairs(self) -> Iterator[Pair]:
        for outcome in self._joined():
            if isinstance(outcome, Reject):
                self.rejected[outcome.reason] += outcome.records
            elif isinstance(outcome, Joined):
                yield from outcome.pairs

    def _joined(self) -> Iterator[Any]:
        if isinstance(self.source, Reddit):
            yield from self.source.pair_threads(self._table())
        elif isinstance(self.source, StackExchange):
            yield from pair_answers(self._table())
        elif isinstance(self.source, S2ORC):
            by_paper = list(self.source.join_by_paper(self._table()))
            yield from by_paper
            onward = [outcome.table for outcome in by_paper if isinstance(outcome, Onward)]
            yield from self.source.join_by_cited(pa.concat_tables(onward))
        else:
            yield Joined(0, [Pair(*row) for row in self.rows])

    def _table(self) -> pa.Table:
        columns = zip(*sorted(self.rows, key=lambda row: row[0]), strict=True)
        fields = self.source.extract_schema
        return pa.table([pa.array(c, f.type) for c, f in zip(columns, fields, strict=True)], schema=fields)


@pytest.fixture(scope="module")
def read(samples: Any) -> dict[str, Read]:
    return {source: Read(samples.folder, samples.report, source) for source in SOURCES}


@pytest.mark.parametrize("source", SOURCES)
def test_every_record_meets_the_fate_that_the_report_tells(source: str, read: dict[str, Read], samples: Any) -> None:
    for file in samples.report.of(source):
        outcomes = read[source].outcomes[file.path]
        assert outcomes == file.expected() + Counter(kept=file.kept), file.path
        assert outcomes.total() == file.records


@pytest.mark.parametrize("source", SOURCES)
def test_joins_reject_what_the_report_tells(source: str, read: dict[str, Read], samples: Any) -> None:
    assert read[source].rejected == samples.report.expected(source, JOIN)


@pytest.mark.parametrize("source", SOURCES)
def test_no_pair_comes_twice_or_is_unfit_but_those_of_the_report(
    source: str, read: dict[str, Read], samples: Any
) -> None:
    filters, reasons, seen = default_pair_filters(), Counter[str](), set()
    for pair in read[source].pairs:
        reason = first_reason(filters, pair)
        if reason is None:
            identity = pair_id(pair.query, pair.passage)
            reason = "duplicate_pair" if identity in seen else None
            seen.add(identity)
        if reason is not None:
            reasons[reason] += 1
    assert reasons == samples.report.expected(source, PAIRS)
    assert len(seen) > 500


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", ["swapped pair", "gibberish", "other language"])
def test_what_is_left_to_later_stages_can_be_looked_up(
    source: str, kind: str, read: dict[str, Read], samples: Any
) -> None:
    docs = samples.report.docs(source, kind)
    assert len(docs) >= 8
    assert docs <= {pair.passage_doc for pair in read[source].pairs}


@pytest.mark.parametrize("source", SOURCES)
def test_files_are_known_by_their_names_and_first_bytes(source: str, samples: Any) -> None:
    reader = READERS[source]
    for file in samples.report.of(source):
        path = samples.folder / file.path
        assert reader.form_of(path.name) == file.form
        known = InputFile(str(path), file.form, path.stat().st_size)
        with known.open_raw() if path.suffix == ".7z" else known.open() as stream:
            reader.sniff(known, stream.read(1 << 16))


def test_another_seed_gives_other_words_with_the_same_kinds_of_dirt(tmp_path: Path, samples: Any) -> None:
    other = write_samples(str(tmp_path), seed=7, sources=["communityqa", "reddit"])
    for source in ("communityqa", "reddit"):
        again = Read(tmp_path, other, source)
        assert again.rejected == other.expected(source, JOIN)
        for file in other.of(source):
            assert again.outcomes[file.path] == file.expected() + Counter(kept=file.kept)
            assert set(file.expected()) == set(samples.report.file(file.path).expected())
            assert (tmp_path / file.path).read_bytes() != (samples.folder / file.path).read_bytes()
