"""``python -m ccpairs.judge --foreign``: other people's pairs become candidates and are judged like others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ccpairs import PAIR_SCHEMA, read_manifest
from ccpairs.errors import UserError
from ccpairs.judge import main
from pipelines.identity import pair_id
from pipelines.judge.foreign import foreign_candidates
from tests.judging import write_preset
from tests.models.trainer.pairs import pairs
from tests.pipelines.judge.small_candidates import rows, write_candidates


def write_faq(path: Path, count: int = 120) -> str:
    lines = [{"question": f"  {query}", "answer": passage} for query, passage in pairs(count)]
    lines += [{"question": lines[0]["question"], "answer": lines[0]["answer"].upper()}, {"question": "", "answer": "a"}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def test_foreign_pairs_become_candidates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.judge.foreign.ROWS_PER_SHARD", 50)
    path = write_faq(tmp_path / "faq.jsonl")
    (found,) = foreign_candidates([f"faq={path}"], [], str(tmp_path / "out"))
    assert found.manifest == read_manifest(found.folder)
    counts = found.manifest.counts[0]
    assert (counts.read, counts.kept, counts.rejected) == (122, 120, {"empty_query": 1, "duplicate_pair": 1})
    assert len(found.shards) == 3
    tables = [pq.read_table(found.uri(shard)) for shard in found.shards]
    assert tables[0].schema.equals(PAIR_SCHEMA)
    made = [row for table in tables for row in table.to_pylist()]
    ids = [row["pair_id"] for row in made]
    assert ids == sorted(ids) == [pair_id(row["query"], row["passage"]) for row in made]
    assert {(row["source"], row["query_doc"], row["passage_doc"]) for row in made} == {("faq", None, None)}
    before = Path(found.uri(found.shards[0])).stat().st_mtime_ns
    assert foreign_candidates([f"faq={path}"], [], str(tmp_path / "out")) == [found]
    assert Path(found.uri(found.shards[0])).stat().st_mtime_ns == before, "what is done is found"
    with pytest.raises(UserError, match="these are finished shards; name them by --input"):
        foreign_candidates([f"x={tmp_path / 'out'}"], [], str(tmp_path / "other"))


def test_candidates_of_a_build_stay(tmp_path: Path) -> None:
    write_candidates(tmp_path / "out", rows(5), source="faq")
    with pytest.raises(UserError, match="faq holds candidates of a build; give the source another name"):
        foreign_candidates([f"faq={write_faq(tmp_path / 'faq.jsonl')}"], [], str(tmp_path / "out"))


def test_foreign_pairs_are_judged(tmp_path: Path, capsys: Any) -> None:
    path = write_faq(tmp_path / "faq.jsonl")
    output = tmp_path / "out"
    arguments = ["--foreign", f"faq={path}", "--output", output, "--preset", write_preset(tmp_path), "--decoys", 0]
    assert main([*map(str, arguments), "--direct_num_workers=1", "--quiet"]) == 0
    manifests = [read_manifest(str(output / name / "faq")) for name in ("pairs", "dropped")]
    assert sum(manifest.rows for manifest in manifests) == 120
    assert manifests[0].rows > 0


def test_mistakes_are_one_line(tmp_path: Path, capsys: Any) -> None:
    write_candidates(tmp_path / "in", rows(5), source="faq")
    for arguments, line in (
        ([], "say what to judge by --input, or by --foreign SOURCE=URI"),
        (["--foreign", "faq.jsonl"], "--foreign faq.jsonl: say SOURCE=URI"),
        (["--input", str(tmp_path / "in"), "--foreign", "faq=x"], "--input has a source of this name"),
    ):
        assert main([*arguments, "--output", str(tmp_path / "out")]) == 2
        assert line in capsys.readouterr().err
