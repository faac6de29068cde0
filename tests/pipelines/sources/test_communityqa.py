from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from ccpairs.errors import DamagedInput, WrongSource
from ccpairs.pair import Pair
from filters.text import plain
from pipelines.inputs import InputFile
from pipelines.opt_out import parse_opt_out
from pipelines.source import Reject
from pipelines.sources.communityqa import CommunityQA, CommunityQASettings

DOC = ("faq:1", "faq:1")


def outcome(record: Any, opt_out: str = "", **settings: Any) -> Any:
    source = CommunityQA(CommunityQASettings(**settings), opt_out=parse_opt_out(opt_out))
    line = record if isinstance(record, bytes) else json.dumps(record).encode()
    return source.outcome(line, "faq:1", "line 1")


KEPT: dict[str, tuple[Any, list[Pair]]] = {
    "pair": (
        ["Why is the sky blue?", "Air scatters blue light."],
        [Pair("Why is the sky blue?", "Air scatters blue light.", "pair", *DOC)],
    ),
    "triplet": (["anchor", "positive", "negative"], [Pair("anchor", "positive", "triplet", *DOC)]),
    "set of two": ({"set": ["two", "one"]}, [Pair("two", "one", "set", *DOC)]),
    "set with a text twice": ({"set": ["two", "one", "two "]}, [Pair("two", "one", "set", *DOC)]),
    "query with positives": (
        {"query": "q", "pos": ["b", "a"], "neg": ["n"]},
        [Pair("q", "b", "query_pos", *DOC), Pair("q", "a", "query_pos", *DOC)],
    ),
    "query with one positive": ({"query": "q", "pos": "a"}, [Pair("q", "a", "query_pos", *DOC)]),
    "empty positives are passed over": ({"query": "q", "pos": ["", "a", " "]}, [Pair("q", "a", "query_pos", *DOC)]),
    "entities": (["AT&amp;T", "a &lt; b"], [Pair("AT&T", "a < b", "pair", *DOC)]),
    "markup": (["q", "<p>One</p><p>two<br/>three</p>"], [Pair("q", "One two three", "pair", *DOC)]),
    "signs that are no markup": (["q", "if a <b and c> d"], [Pair("q", "if a <b and c> d", "pair", *DOC)]),
    "entities that are escaped twice": (["AT&amp;amp;T", "a &amp;lt; b"], [Pair("AT&T", "a < b", "pair", *DOC)]),
    "half a surrogate pair": (b'["a\\ud83d", "b"]', [Pair("a", "b", "pair", *DOC)]),
    "a byte-order mark": (b'\xef\xbb\xbf["a", "b"]', [Pair("a", "b", "pair", *DOC)]),
    "texts in pieces": ([["a", "b"], ["c", None, "d"]], [Pair("a b", "c d", "pair", *DOC)]),
    "code with tags in strings": (
        ["q", "def render(self, f): html = '<select name=\"x\">' + f + '</select>'; return html"],
        [Pair("q", "def render(self, f): html = '<select name=\"x\">' + f + '</select>'; return html", "pair", *DOC)],
    ),
    "code with generic types": (
        ["q", "Map<String, List<Integer>> m = {@code x};"],
        [Pair("q", "Map<String, List<Integer>> m = {@code x};", "pair", *DOC)],
    ),
    "white space and controls": (["a\n\n b", "c\u0000\td"], [Pair("a b", "c d", "pair", *DOC)]),
}


@pytest.mark.parametrize("case", KEPT)
def test_pairs(case: str) -> None:
    record, pairs = KEPT[case]
    assert outcome(record) == pairs


def test_neighbours_of_a_set_are_paired_and_the_order_of_its_texts_does_not_matter() -> None:
    texts = ["one", "two", "three", "four", "five"]
    pairs = outcome({"set": texts})
    assert [(pair.query, pair.passage) for pair in pairs] == [
        *(("five", "two"), ("two", "one"), ("one", "four"), ("four", "three")),
    ]
    assert outcome({"set": texts[::-1]}) == pairs


def test_pairs_per_line_is_an_option() -> None:
    texts = [f"text {number}" for number in range(50)]
    assert len(outcome({"set": texts})) == 5
    assert len(outcome({"query": "q", "pos": texts}, pairs_per_line=2)) == 2
    assert outcome({"query": "q", "pos": texts}, pairs_per_line=2) == outcome({"query": "q", "pos": texts})[:2]


def test_long_texts_are_cut_at_sentences() -> None:
    assert outcome(["Question?", "One is one. Two is two. Three."], max_qa_chars=25) == [
        Pair("Question?", "One is one. Two is two.", "pair", *DOC)
    ]


REJECTED: dict[str, tuple[Any, tuple[str, str | None, str | None]]] = {
    "no query": ([" ", "a"], ("empty_query", None, "a")),
    "no passage": (["q", "<br>"], ("empty_passage", "q", None)),
    "no positives": ({"query": "q", "pos": []}, ("empty_passage", "q", None)),
    "one text": ({"set": ["a", "a ", ""]}, ("single_text", None, "a")),
    "empty set": ({"set": []}, ("single_text", None, None)),
}


@pytest.mark.parametrize("case", REJECTED)
def test_rejects(case: str) -> None:
    record, expected = REJECTED[case]
    found = outcome(record)
    assert (found.reason, found.query, found.passage) == expected


MALFORMED = {
    "cut": b'["a", "b',
    "no JSON": b"a,b",
    "not UTF-8": b'["\xff", "b"]',
    "one text": b'["a"]',
    "four texts": b'["a", "b", "c", "d"]',
    "numbers": b'["a", 1]',
    "a number": b"7",
    "null": b"null",
    "set of numbers": b'{"set": [1, 2]}',
    "set that is a text": b'{"set": "ab"}',
    "query without positives": b'{"query": "q"}',
    "query that is a list": b'{"query": ["q"], "pos": ["a"]}',
    "deep nesting": b"[" * 100_000,
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_lines(case: str) -> None:
    found = outcome(MALFORMED[case])
    assert (found.reason, found.position) == ("malformed_record", "line 1")


def test_opt_out() -> None:
    assert outcome(["a", "b"], opt_out="id:faq:1") == Reject("opted_out")
    assert isinstance(outcome(["a", "b"], opt_out="id:faq:2"), list)


LINES = b'["q1", "a1"]\n\n["q2"]\n["q3", "a3"]\n'


@pytest.mark.parametrize(
    ("name", "compress"), [("faq.jsonl", bytes), ("faq.json.gz", gzip.compress), ("faq.jsonl.zst", zstd.compress)]
)
def test_files_and_line_numbers(name: str, compress: Any, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(compress(LINES))
    file = InputFile(str(tmp_path / name), "lines")
    first, second, third = CommunityQA().read(file)
    assert first == [Pair("q1", "a1", "pair", "faq:1", "faq:1")]
    assert isinstance(second, Reject)
    assert (second.reason, second.position) == ("malformed_record", "line 3")
    assert third == [Pair("q3", "a3", "pair", "faq:4", "faq:4")]
    assert file.meter.records == 3


def test_a_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "faq.jsonl.gz"
    path.write_bytes(gzip.compress(LINES * 100)[:-20])
    with pytest.raises(DamagedInput, match=r"^faq.jsonl.gz: "):
        list(CommunityQA().read(InputFile(str(path), "lines")))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("gooaq_pairs.jsonl.gz", "lines"),
        ("x.JSON", "lines"),
        ("x.jsonl.zst", "lines"),
        ("RC_2012-01.zst", None),
        ("Posts.xml", None),
        ("x.jsonl.txt", None),
    ],
)
def test_forms(name: str, form: str | None) -> None:
    assert CommunityQA().form_of(name) == form


@pytest.mark.parametrize(
    "head",
    [
        b'["a", "b"]\n["c", "d',
        b'["a", "a text that the head does not hold wholly',
        b'["a", "b\n{"set": ["a", "b"]}\n',
        b"",
    ],
)
def test_sniff_accepts(head: bytes) -> None:
    CommunityQA().sniff(InputFile("x.jsonl", "lines"), head)


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (b'{"id": "t1_a", "body": "b", "link_id": "t3_c"}\n', "keys id, body, link_id; is it for --source reddit?"),
        (b'{"paper_id": "1", "title": "t"}\n', "is it for --source s2orc?"),
        (b'{"a": 1}\n', "holds an object with the keys a; communityqa reads"),
        (b"question,answer\nwhy,because\n", "is not JSON with a record a line"),
        (b'[\n  ["a", "b"],\n', "is not JSON with a record a line"),
    ],
)
def test_sniff_refuses(head: bytes, problem: str) -> None:
    with pytest.raises(WrongSource) as caught:
        CommunityQA().sniff(InputFile("x.jsonl", "lines"), head)
    assert str(caught.value).startswith("x.jsonl: ")
    assert problem in str(caught.value)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=20) | st.sampled_from(["<p>a</p>", "&amp;", "a"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["set", "query", "pos", "neg"]), inner),
    max_leaves=8,
)


@given(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60))
def test_any_line_has_an_outcome(line: bytes) -> None:
    found = outcome(line)
    if isinstance(found, Reject):
        return
    assert 1 <= len(found) <= 5
    assert all(text and plain(text) == text for pair in found for text in (pair.query, pair.passage))


def test_real_file(real_data: Path) -> None:
    found = list(CommunityQA().read(InputFile(str(real_data / "communityqa" / "medquad_pairs.jsonl.gz"), "lines")))
    assert len(found) == 8204
    assert all(isinstance(each, list) and len(each) == 1 for each in found)
