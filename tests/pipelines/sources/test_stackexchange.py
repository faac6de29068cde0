from __future__ import annotations

import bz2
import gzip
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

import apache_beam as beam
import py7zr
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that, equal_to

from ccpairs.errors import DamagedInput, WrongSource
from ccpairs.pair import Pair
from pipelines.inputs import InputFile
from pipelines.join import JoinPlan
from pipelines.opt_out import parse_opt_out
from pipelines.source import Joined, Onward, Reject
from pipelines.sources.stackexchange import (
    Row,
    StackExchange,
    StackExchangeExtract,
    key_of,
    pair_answers,
    pair_duplicates,
    site_of,
)

BEER = "beer.stackexchange.com"
KEY_1 = key_of(BEER, 1)
DATE = "2014-01-21T20:26:05.383"
SECONDS = 1390335965

QUESTION = {
    "Id": 1,
    "PostTypeId": 1,
    "Score": 19,
    "CreationDate": DATE,
    "Title": "What is a citra hop?",
    "Body": "<p>Why should I care that my beer is made with <em>them</em>?</p>\n",
    "AnswerCount": 1,
    "ContentLicense": "CC BY-SA 3.0",
}
ANSWER = {
    "Id": 4,
    "PostTypeId": 2,
    "ParentId": 1,
    "Score": 12,
    "CreationDate": DATE,
    "Body": "<p>Citra is a <b>registered</b> hop &amp; more.</p>\n\n<pre><code>if a &lt; b:\n    brew()\n</code></pre>",
    "ContentLicense": "CC BY-SA 3.0",
}
QUESTION_ROW = Row(
    *(KEY_1, "question", BEER, 1, 1, "What is a citra hop?", "Why should I care that my beer is made with them?"),
    *(19, SECONDS, "CC BY-SA 3.0"),
)
ANSWER_ROW = Row(
    *(KEY_1, "answer", BEER, 1, 4, None, "Citra is a registered hop & more. if a < b: brew()", 12, SECONDS),
    "CC BY-SA 3.0",
)


def row(values: dict[str, Any]) -> str:
    text = "".join(f' {name}="{escape(str(value))}"'.replace("\n", "&#xA;") for name, value in values.items())
    return f"  <row{text} />\r\n"


def table(*rows: dict[str, Any] | str, root: str = "posts") -> bytes:
    lines = [each if isinstance(each, str) else row(each) for each in rows]
    return f'\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n<{root}>\r\n{"".join(lines)}</{root}>'.encode()


def outcomes(path: Path, form: str, opt_out: str = "", **settings: Any) -> list[Any]:
    source = StackExchange(StackExchangeExtract(**settings), opt_out=parse_opt_out(opt_out))
    file = InputFile(str(path), form)
    found = list(source.read(file))
    assert file.meter.records == len(found)
    return found


@pytest.fixture
def posts(tmp_path: Path) -> Any:
    """A function that writes rows to beer.stackexchange.com/Posts.xml and reads them."""

    def read(*rows: dict[str, Any] | str, opt_out: str = "", **settings: Any) -> list[Any]:
        folder = tmp_path / BEER
        folder.mkdir(exist_ok=True)
        (folder / "Posts.xml").write_bytes(table(*rows))
        return outcomes(folder / "Posts.xml", "posts", opt_out, **settings)

    return read


def reject_of(found: list[Any]) -> tuple[str, str | None, str | None]:
    assert len(found) == 1
    assert isinstance(found[0], Reject)
    return found[0].reason, found[0].query, found[0].passage


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("beer.stackexchange.com.7z", "archive"),
        ("stackoverflow.com-Posts.7z", "archive"),
        ("stackoverflow.com-PostLinks.7z", "archive"),
        ("stackoverflow.com-PostHistory.7z", None),
        ("stackoverflow.com-Users.7z", None),
        ("Posts.xml", "posts"),
        ("posts.xml.gz", "posts"),
        ("ai.stackexchange.com-Posts.xml.zst", "posts"),
        ("PostLinks.xml", "links"),
        ("Users.xml", None),
        ("RC_2012-01.zst", None),
        ("enwiki-pages-articles.xml.bz2", None),
    ],
)
def test_forms(name: str, form: str | None) -> None:
    assert StackExchange().form_of(name) == form


@pytest.mark.parametrize(
    ("uri", "site"),
    [
        ("/data/beer.stackexchange.com.7z", "beer.stackexchange.com"),
        ("s3://dumps/stackoverflow.com-Posts.7z", "stackoverflow.com"),
        ("/data/AI.stackexchange.com/Posts.xml", "ai.stackexchange.com"),
        ("/data/x/meta.askubuntu.com-Posts.xml.gz", "meta.askubuntu.com"),
        ("Posts.xml", "unknown"),
    ],
)
def test_the_site(uri: str, site: str) -> None:
    assert site_of(InputFile(uri, "posts")) == site


def test_a_question_and_its_answer(posts: Any) -> None:
    assert posts(QUESTION, ANSWER) == [[QUESTION_ROW], [ANSWER_ROW]]


REJECTED = {
    "a wiki page": (ANSWER | {"PostTypeId": 5}, ("not_question_or_answer", None, None)),
    "a low score": (ANSWER | {"Score": 0, "Body": "<p>Hm.</p>"}, ("low_score", None, "Hm.")),
    "a negative score": (ANSWER | {"Score": -3, "Body": "<p>No.</p>"}, ("low_score", None, "No.")),
    "no text": (ANSWER | {"Body": "<p> </p><img src='a.png'>"}, ("empty_passage", None, None)),
    "no title": (QUESTION | {"Title": " "}, ("no_title", None, None)),
    "no answer": (QUESTION | {"AnswerCount": 0}, ("no_answer", "What is a citra hop?", None)),
    "deleted": (ANSWER | {"DeletionDate": DATE}, ("removed_text", None, None)),
}


@pytest.mark.parametrize("case", REJECTED)
def test_rejects(case: str, posts: Any) -> None:
    record, expected = REJECTED[case]
    assert reject_of(posts(record)) == expected


@pytest.mark.parametrize(
    "record",
    [
        '<row Id="1" PostTypeId="1" \r\n',
        '<row Id="x" PostTypeId="1" Score="1" Title="t" />\r\n',
        '<row PostTypeId="1" Score="1" Title="t" />\r\n',
        '<row Id="1" PostTypeId="2" Score="5" Body="no parent" />\r\n',
        '<row Id="1" PostTypeId="2" ParentId="1" Score="5" />\r\n',
        '<row Id="1" PostTypeId="2" ParentId="1" Score="5" Body="&unknown;" />\r\n',
        '<row Id="1" PostTypeId="1" Score="1" Title="t" CreationDate="yesterday" />\r\n',
        "some text\r\n",
    ],
)
def test_a_damaged_row_is_rejected_with_its_line(record: str, posts: Any) -> None:
    good, bad, last = posts(QUESTION, record, ANSWER)
    assert (good, last) == ([QUESTION_ROW], [ANSWER_ROW])
    assert (bad.reason, bad.position) == ("malformed_record", "line 4")


def test_old_dumps_have_no_licence(posts: Any) -> None:
    old = {name: value for name, value in ANSWER.items() if name != "ContentLicense"}
    assert posts(old) == [[ANSWER_ROW._replace(license=None)]]


def test_the_lowest_score_is_an_option(posts: Any) -> None:
    assert posts(ANSWER | {"Score": -1}, min_answer_score=-1) == [[ANSWER_ROW._replace(score=-1)]]
    assert reject_of(posts(ANSWER, min_answer_score=13))[0] == "low_score"


def test_long_texts_are_cut_at_sentences(posts: Any) -> None:
    texts = {"Body": "<p>One is one. Two is two. Three is three.</p>"}
    [[question], [answer]] = posts(QUESTION | texts, ANSWER | texts, max_question_chars=12, max_answer_chars=25)
    assert (question.body, answer.body) == ("One is one.", "One is one. Two is two.")


def test_answers_may_be_kept_whole(posts: Any) -> None:
    [[answer]] = posts(ANSWER | {"Body": "<p>" + "word " * 2000 + "</p>"}, max_answer_chars=0)
    assert len(answer.body) == 9999


def test_bodies_of_questions_may_be_left_out(posts: Any) -> None:
    assert posts(QUESTION, max_question_chars=0) == [[QUESTION_ROW._replace(body=None)]]


def test_the_banner_of_duplicates_is_not_part_of_the_question(posts: Any) -> None:
    banner = (
        "<blockquote>\n  <p><strong>Possible Duplicate:</strong><br>\n  "
        '<a href="https://x.com/q/2">Which hop is best?</a>  </p>\n</blockquote>\n\n'
    )
    [[question]] = posts(QUESTION | {"Body": f"{banner}<p>My own words.</p><blockquote>Quoted.</blockquote>"})
    assert question.body == "My own words. Quoted."


@pytest.mark.parametrize(
    "entry",
    [
        "id:beer.stackexchange.com/4",
        "id:beer.stackexchange.com/1",
        "stackexchange.com",
        "author:beer.stackexchange.com/77",
    ],
)
def test_whoever_opted_out_is_left_out(entry: str, posts: Any) -> None:
    assert posts(ANSWER | {"OwnerUserId": 77}, opt_out=entry) == [Reject("opted_out")]


def test_others_stay_when_somebody_opted_out(posts: Any) -> None:
    assert posts(ANSWER | {"OwnerUserId": 7}, opt_out="author:beer.stackexchange.com/77\nid:a/4") == [[ANSWER_ROW]]


@pytest.mark.parametrize(("ending", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_compressed_tables(ending: str, compress: Any, tmp_path: Path) -> None:
    path = tmp_path / f"{BEER}-Posts.xml{ending}"
    path.write_bytes(compress(table(QUESTION, ANSWER)))
    assert outcomes(path, "posts") == [[QUESTION_ROW], [ANSWER_ROW]]


LINKS = [
    {"Id": 9, "CreationDate": DATE, "PostId": 1, "RelatedPostId": 2, "LinkTypeId": 3},
    {"Id": 10, "CreationDate": DATE, "PostId": 1, "RelatedPostId": 2, "LinkTypeId": 1},
    {"Id": 11, "CreationDate": DATE, "PostId": 1, "RelatedPostId": 1, "LinkTypeId": 3},
]
LINK_ROWS = [
    Row(KEY_1, "duplicate", BEER, 1, 9),
    Row(key_of(BEER, 2), "original", BEER, 2, 9),
]


def archive(path: Path, **members: bytes) -> Path:
    with py7zr.SevenZipFile(path, "w") as writer:
        for name, data in members.items():
            writer.writestr(data, f"{name}.xml")
    return path


def site_archive(folder: Path) -> Path:
    members = {"Badges": b"<badges>\n</badges>", "PostLinks": table(*LINKS, root="postlinks")}
    return archive(folder / f"{BEER}.7z", **members, Posts=table(QUESTION, ANSWER), Votes=b"<votes>\n</votes>")


def test_an_archive_without_the_links(tmp_path: Path) -> None:
    assert outcomes(site_archive(tmp_path), "archive") == [[QUESTION_ROW], [ANSWER_ROW]]


def test_an_archive_with_the_links(tmp_path: Path) -> None:
    found = outcomes(site_archive(tmp_path), "archive", duplicate_links=True)
    assert found == [
        LINK_ROWS,
        Reject("not_a_duplicate_link", detail="LinkTypeId 1"),
        Reject("link_to_itself"),
        [QUESTION_ROW],
        [ANSWER_ROW],
    ]


def test_links_as_a_file_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / f"{BEER}-PostLinks.xml"
    path.write_bytes(table(LINKS[0], root="postlinks"))
    assert outcomes(path, "links", duplicate_links=True) == [LINK_ROWS]
    assert reject_of(outcomes(path, "links"))[0] == "duplicate_links_off"


def test_the_digest_of_an_archive_is_known_after_reading(tmp_path: Path) -> None:
    file = InputFile(str(site_archive(tmp_path)), "archive")
    list(StackExchange().read(file))
    assert file.meter.sha256 is not None


def test_an_archive_of_something_else(tmp_path: Path) -> None:
    path = archive(tmp_path / "photos.7z", Holiday=b"x")
    with pytest.raises(WrongSource, match=r"^photos.7z: the archive holds no Posts.xml"):
        outcomes(path, "archive")


@pytest.mark.parametrize("kept", [0.3, 0.7])
def test_a_truncated_archive(kept: float, tmp_path: Path) -> None:
    path = site_archive(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(DamagedInput):
        outcomes(path, "archive")


def test_a_truncated_table_gives_what_stands_before_and_then_fails(tmp_path: Path) -> None:
    path = tmp_path / f"{BEER}-Posts.xml"
    path.write_bytes(table(QUESTION, ANSWER)[:-30])
    found = StackExchange().read(InputFile(str(path), "posts"))
    assert next(found) == [QUESTION_ROW]
    with pytest.raises(DamagedInput, match="truncated"):
        list(found)


@pytest.mark.parametrize(
    ("form", "head", "problem"),
    [
        ("posts", b'\xef\xbb\xbf<?xml version="1.0"?>\n<users>\n', "its root is <users>"),
        ("links", b"<posts>\n", "its root is <posts>"),
        ("posts", b'{"id": "t3_1"}\n', "it is no XML table"),
        ("archive", b"PK\x03\x04", "is not a 7z archive"),
    ],
)
def test_sniff_refuses_other_files(form: str, head: bytes, problem: str) -> None:
    with pytest.raises(WrongSource, match=problem):
        StackExchange().sniff(InputFile("x", form), head)


@pytest.mark.parametrize(("form", "head"), [("posts", table(QUESTION)[:60]), ("archive", b"7z\xbc\xaf\x27\x1c\0\4")])
def test_sniff_accepts_the_real_thing(form: str, head: bytes) -> None:
    StackExchange().sniff(InputFile("x", form), head)


def as_table(*rows: Row) -> pa.Table:
    schema = StackExchange.extract_schema
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(c, field.type) for c, field in zip(columns, schema, strict=True)], schema=schema)


SHARED: dict[str, Any] = {"license": "CC BY-SA 3.0", "votes": 12, "created": SECONDS}


def test_an_answer_makes_two_pairs() -> None:
    ids = (f"{BEER}/1", f"{BEER}/4", f"https://{BEER}/a/4")
    title, body, answer = QUESTION_ROW.title, QUESTION_ROW.body, ANSWER_ROW.body
    assert list(pair_answers(as_table(ANSWER_ROW, QUESTION_ROW))) == [
        Joined(
            1,
            [
                Pair(str(title), str(answer), "title_answer", *ids, **SHARED),
                Pair(f"{title} {body}", str(answer), "title_body_answer", *ids, **SHARED),
            ],
        ),
        Joined(1, ()),
    ]


def test_a_question_without_a_body_makes_one_pair() -> None:
    answered, _ = pair_answers(as_table(QUESTION_ROW._replace(body=None), ANSWER_ROW))
    assert [pair.pair_type for pair in answered.pairs] == ["title_answer"]  # type: ignore[union-attr]


def test_no_address_where_the_site_is_unknown() -> None:
    rows = (QUESTION_ROW._replace(site="unknown"), ANSWER_ROW._replace(site="unknown"))
    answered, _ = pair_answers(as_table(*rows))
    assert {(p.url, p.query_doc) for p in answered.pairs} == {(None, "unknown/1")}  # type: ignore[union-attr]


def test_answers_and_questions_without_the_other() -> None:
    lonely = ANSWER_ROW._replace(question=2, key=key_of(BEER, 2))
    assert list(pair_answers(as_table(QUESTION_ROW, lonely))) == [
        Reject("question_missing", None, ANSWER_ROW.body, detail=f"{BEER}/2"),
        Reject("no_answer", QUESTION_ROW.title),
    ]


def test_equal_keys_of_different_questions_do_not_meet() -> None:
    for stranger in (ANSWER_ROW._replace(site="ai.stackexchange.com"), ANSWER_ROW._replace(question=2)):
        found = list(pair_answers(as_table(QUESTION_ROW, stranger)))
        assert [each.reason for each in found if isinstance(each, Reject)] == ["question_missing", "no_answer"]


def test_overlapping_dumps_give_the_same_in_any_order() -> None:
    other = QUESTION_ROW._replace(title="What is Citra?")
    one, two = (
        list(pair_answers(as_table(*rows, ANSWER_ROW))) for rows in ((QUESTION_ROW, other), (other, QUESTION_ROW))
    )
    assert one == two
    assert one[0] == Reject("repeated_question", "What is a citra hop?")


LINKED = (
    QUESTION_ROW,
    QUESTION_ROW._replace(key=key_of(BEER, 2), question=2, id=2, title="Which hop is citra?", score=3),
)


def linked(*rows: Row) -> tuple[list[Any], list[Any]]:
    """The outcomes of both rounds of the join."""
    first = list(pair_answers(as_table(*rows)))
    onward = [each.table for each in first if isinstance(each, Onward)]
    return [each for each in first if not isinstance(each, Onward)], list(pair_duplicates(pa.concat_tables(onward)))


def test_titles_of_duplicates_are_paired() -> None:
    first, second = linked(*LINKED, *LINK_ROWS)
    assert first == [Joined(1, ()), Joined(1, ())]
    ids = (f"{BEER}/2", f"{BEER}/1", f"https://{BEER}/q/1")
    shared = {**SHARED, "votes": 19}
    pair = Pair("Which hop is citra?", "What is a citra hop?", "duplicate_titles", *ids, **shared)
    assert second == [Joined(2, [pair])]


def test_the_query_of_duplicates_is_chosen_by_hash() -> None:
    queries = set()
    for number in range(20):
        _, [joined] = linked(*LINKED, *(each._replace(id=number) for each in LINK_ROWS))
        queries.add(joined.pairs[0].query)
    assert queries == {"What is a citra hop?", "Which hop is citra?"}


def test_a_link_to_a_missing_question() -> None:
    first, second = linked(LINKED[0], *LINK_ROWS)
    assert first == [Reject("question_missing", detail=f"{BEER}/2"), Joined(1, ())]
    assert second == [Reject("question_missing", "What is a citra hop?", detail=f"the other question of link {BEER}/9")]


def test_a_link_that_comes_twice() -> None:
    _, second = linked(*LINKED, *LINK_ROWS, *LINK_ROWS)
    assert [type(each).__name__ for each in second] == ["Reject", "Reject", "Joined"]
    assert {each.reason for each in second[:2]} == {"repeated_link"}


def test_both_rounds_of_the_join_on_an_engine() -> None:
    source = StackExchange(StackExchangeExtract(duplicate_links=True))
    # Each row arrives on its own, as from as many files.
    tables = [as_table(each) for each in (ANSWER_ROW, *LINK_ROWS, *LINKED)]
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        rounds = source.join(pipeline | beam.Create(tables), JoinPlan("stackexchange", partitions=3))
        assert rounds is not None
        pairs = [
            each.pairs | f"pairs of round {i}" >> beam.FlatMap(lambda pairs: pairs) for i, each in enumerate(rounds)
        ]
        counts = [each.counts for each in rounds]
        types = pairs | "pairs" >> beam.Flatten() | beam.Map(lambda pair: pair.pair_type)
        assert_that(types, equal_to(["title_answer", "title_body_answer", "duplicate_titles"]), label="pair types")
        sums = counts | "counts" >> beam.Flatten() | beam.CombinePerKey(sum)
        assert_that(sums, equal_to([(("join", "kept", ""), 5), (("join", "made", ""), 3)]), label="counts")


def every_row(found: list[Any]) -> Iterator[Row]:
    for each in found:
        if isinstance(each, list):
            yield from each


def test_real_archive(real_data: Path) -> None:
    found = outcomes(real_data / "stackexchange" / f"{BEER}.7z", "archive", duplicate_links=True)
    rows = list(every_row(found))
    first, second = linked(*rows)
    joined = [each for each in (*first, *second) if isinstance(each, Joined)]
    rejected = [each for each in (*first, *second) if isinstance(each, Reject)]
    assert (len(found), len(rows)) == (3619, 3042)
    assert sum(each.rows for each in joined) + len(rejected) == len(rows)
    assert sum(len(each.pairs) for each in joined) == 3946


@pytest.mark.parametrize("links", [False, True])
def test_a_real_archive_gives_what_its_unpacked_tables_give(links: bool, real_data: Path, tmp_path: Path) -> None:
    path = real_data / "stackexchange" / f"{BEER}.7z"
    with py7zr.SevenZipFile(path) as packed:
        packed.extract(tmp_path / BEER, targets=["PostLinks.xml", "Posts.xml"])
    forms = {"PostLinks.xml": "links", "Posts.xml": "posts"} if links else {"Posts.xml": "posts"}
    unpacked = [outcomes(tmp_path / BEER / name, form, duplicate_links=links) for name, form in forms.items()]
    assert outcomes(path, "archive", duplicate_links=links) == [each for table in unpacked for each in table]


def test_the_digest_of_a_real_archive(real_data: Path) -> None:
    path = real_data / "stackexchange" / f"{BEER}.7z"
    file = InputFile(str(path), "archive")
    list(StackExchange().read(file))
    assert file.meter.sha256 == sha256(path.read_bytes()).hexdigest()


def test_real_table(real_data: Path) -> None:
    found = outcomes(real_data / "stackexchange" / "ai.stackexchange.com" / "Posts.xml", "posts")
    pairs = [
        pair for each in pair_answers(as_table(*every_row(found))) if isinstance(each, Joined) for pair in each.pairs
    ]
    assert (len(found), len(pairs)) == (1279, 1234)
    assert all("<p>" not in pair.query + pair.passage for pair in pairs)
