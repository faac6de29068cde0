from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from ccpairs.errors import DamagedInput, WrongSource
from ccpairs.pair import Pair
from pipelines.inputs import InputFile
from pipelines.opt_out import parse_opt_out
from pipelines.reddit_records import base36
from pipelines.source import Joined, Reject
from pipelines.sources.reddit import Reddit, RedditExtract, RedditPairs, comments_per_post

POST = {
    "id": "2qyr1a",
    "title": "Why is the sea salty?",
    "selftext": "",
    "score": 10,
    "subreddit": "askscience",
    "created_utc": 1420070400,
    "author": "someone",
    "over_18": False,
}
COMMENT = {
    "id": "cnas8zv",
    "link_id": "t3_2qyr1a",
    "parent_id": "t3_2qyr1a",
    "body": "Rivers carry salt to it.",
    "score": 5,
    "subreddit": "askscience",
    "created_utc": 1420070500,
    "author": "another",
}
POST_ROW = (
    int("2qyr1a", 36),
    "post",
    int("2qyr1a", 36),
    "Why is the sea salty?",
    None,
    "askscience",
    10,
    1420070400,
    0,
)
COMMENT_ROW = (
    *(int("2qyr1a", 36), "comment", int("cnas8zv", 36), "Rivers carry salt to it.", None, "askscience"),
    *(5, 1420070500, 0),
)


def without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}


def post(opt_out: str = "", options: RedditExtract | None = None, **changed: Any) -> Any:
    source = Reddit(options, opt_out=parse_opt_out(opt_out))
    return source.reader("posts")(json.dumps({**POST, **changed}).encode())


def comment(opt_out: str = "", options: RedditExtract | None = None, **changed: Any) -> Any:
    source = Reddit(options, opt_out=parse_opt_out(opt_out))
    return source.reader("comments")(json.dumps({**COMMENT, **changed}).encode())


# Reading records


def test_a_post_and_a_comment() -> None:
    assert post() == (POST_ROW,)
    assert comment() == (COMMENT_ROW,)


@pytest.mark.parametrize("absent", ["subreddit", "author", "over_18", "selftext"])
def test_fields_that_a_post_may_lack(absent: str) -> None:
    found = Reddit().reader("posts")(json.dumps(without(POST, absent)).encode())
    assert found[0][:4] == POST_ROW[:4]


@pytest.mark.parametrize("absent", ["subreddit", "author", "parent_id", "created_utc"])
def test_fields_that_a_comment_may_lack(absent: str) -> None:
    found = Reddit().reader("comments")(json.dumps(without(COMMENT, absent)).encode())
    assert found[0][:4] == COMMENT_ROW[:4]


@pytest.mark.parametrize("created", [1420070500, "1420070500", 1420070500.0, "1420070500.0"])
def test_a_time_in_any_of_its_forms(created: Any) -> None:
    assert comment(created_utc=created) == (COMMENT_ROW,)
    assert post(created_utc=created)[0][7] == 1420070500


@pytest.mark.parametrize("score", [5, "5", 5.0])
def test_a_score_in_any_of_its_forms(score: Any) -> None:
    assert comment(score=score) == (COMMENT_ROW,)


def test_a_name_is_not_needed_and_not_read() -> None:
    assert post(name="t3_wrong") == (POST_ROW,)


def test_an_id_may_come_without_its_kind() -> None:
    assert comment(link_id="2qyr1a", parent_id=None) == (COMMENT_ROW,)


POST_REJECTS: dict[str, tuple[dict[str, Any], str]] = {
    "deleted text": ({"selftext": "[deleted]"}, "removed_text"),
    "removed text": ({"selftext": " [removed]\n"}, "removed_text"),
    "removed title": ({"title": "[removed]"}, "removed_text"),
    "deleted by the user": ({"title": "[deleted by user]"}, "removed_text"),
    "removed by Reddit": ({"title": "[ Removed by Reddit ]"}, "removed_text"),
    "removed by a moderator": ({"removed_by_category": "moderator"}, "removed_text"),
    "no title": ({"title": " "}, "no_title"),
    "an advertisement": ({"promoted": True}, "promoted"),
    "stickied": ({"stickied": True}, "stickied"),
    "by a moderator": ({"distinguished": "moderator"}, "moderator"),
    "by an admin": ({"distinguished": "admin"}, "moderator"),
    "over 18": ({"over_18": True}, "over_18"),
    "by a bot": ({"author": "RemindMeBot"}, "bot"),
    "says it is a bot": ({"selftext": "Hello. I am a bot."}, "bot_text"),
    "no id": ({"id": None}, "malformed_record"),
    "an id that is no number": ({"id": "?"}, "malformed_record"),
    "a negative id": ({"id": "-2qyr1a"}, "malformed_record"),
    "an id beyond 64 bits": ({"id": "z" * 13}, "malformed_record"),
    "a title that is a number": ({"title": 7}, "malformed_record"),
    "a time that is a word": ({"created_utc": "yesterday"}, "malformed_record"),
    "a time in microseconds": ({"created_utc": 1420070400000000}, "malformed_record"),
    "a time before all time": ({"created_utc": "-1"}, "malformed_record"),
    "an endless score": ({"score": 1e300}, "malformed_record"),
}


@pytest.mark.parametrize("case", POST_REJECTS)
def test_rejected_posts(case: str) -> None:
    changed, reason = POST_REJECTS[case]
    assert post(**changed).reason == reason


COMMENT_REJECTS: dict[str, tuple[dict[str, Any], str]] = {
    "deleted": ({"body": "[deleted]"}, "removed_text"),
    "removed": ({"body": "[removed] "}, "removed_text"),
    "answers a comment": ({"parent_id": "t1_cnas8zu"}, "not_top_level"),
    "score 0": ({"score": 0}, "low_score"),
    "negative score": ({"score": -3}, "low_score"),
    "no score": ({"score": None}, "low_score"),
    "too long": ({"body": "x" * 4097}, "comment_too_long"),
    "empty": ({"body": ""}, "empty_passage"),
    "white space": ({"body": " \n"}, "empty_passage"),
    "stickied": ({"stickied": True}, "stickied"),
    "by a moderator": ({"distinguished": "moderator"}, "moderator"),
    "by a special account": ({"distinguished": "special"}, "moderator"),
    "by AutoModerator": ({"author": "AutoModerator"}, "bot"),
    "signed by a bot": ({"body": "x" * 3000 + " I'm a bot, bleep, bloop."}, "bot_text"),
    "no post": ({"link_id": None}, "malformed_record"),
    "an id that is no number": ({"id": "a b"}, "malformed_record"),
    "no body": ({"body": None}, "malformed_record"),
    "a score that is a word": ({"score": "many"}, "malformed_record"),
    "a time in milliseconds": ({"created_utc": 1420070400000000}, "malformed_record"),
    "a score beyond 64 bits": ({"score": 1 << 70}, "malformed_record"),
}


@pytest.mark.parametrize("case", COMMENT_REJECTS)
def test_rejected_comments(case: str) -> None:
    changed, reason = COMMENT_REJECTS[case]
    assert comment(**changed).reason == reason


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"id": "\xff"}', b"[" * 100_000, b'{"a":' * 100_000]
)
def test_damaged_lines(line: bytes) -> None:
    for role in ("posts", "comments"):
        outcome = Reddit().reader(role)(line)
        assert isinstance(outcome, Reject)
        assert outcome.reason == "malformed_record"


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        (RedditExtract(min_comment_score=-5), {"score": -3}),
        (RedditExtract(max_comment_chars=5000), {"body": "x" * 4097}),
        (RedditExtract(nested_comments=True), {"parent_id": "t1_cnas8zu"}),
    ],
)
def test_the_bounds_of_comments_are_options(options: RedditExtract, changed: dict[str, Any]) -> None:
    assert len(comment(options=options, **changed)) == 1


def test_bounds_are_inside() -> None:
    assert len(comment(score=1, body="x" * 4096)) == 1


def test_posts_over_18_are_an_option() -> None:
    assert post(over_18=True, options=RedditExtract(over_18=True)) == (POST_ROW,)


@pytest.mark.parametrize("null", ["stickied", "distinguished", "promoted", "removed_by_category", "selftext", "author"])
def test_null_says_nothing_about_a_post(null: str) -> None:
    changed: dict[str, Any] = {null: None}
    assert post(**changed) == (POST_ROW,)


@pytest.mark.parametrize("entry", ["id:t3_2qyr1a", "r/AskScience", "u/Someone", "domain:example.com"])
def test_opted_out_posts_leave_no_text(entry: str) -> None:
    assert post(opt_out=entry, url="https://blog.example.com/a") == Reject("opted_out")


@pytest.mark.parametrize("entry", ["id:t1_cnas8zv", "id:t3_2qyr1a", "r/askscience", "u/another"])
def test_opted_out_comments_leave_no_text(entry: str) -> None:
    assert comment(opt_out=entry) == Reject("opted_out")


# Files


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("RS_2012-01.zst", "posts"),
        ("RC_2012-01.zst", "comments"),
        ("RC_2005-12", "comments"),
        ("RS_2012-01.gz", "posts"),
        ("rs_2012-01.bz2", "posts"),
        ("RC_2012-01.xz", "comments"),
        ("RC_2012-01.ndjson", "comments"),
        ("AskHistorians_submissions.zst", "posts"),
        ("AskHistorians_comments.zst", "comments"),
        ("some.ndjson", "ndjson"),
        ("some.jsonl.gz", "ndjson"),
        ("some.zst", "ndjson"),
        ("some.gz", None),
        ("Posts.xml", None),
        ("README", None),
        ("beer.stackexchange.com.7z", None),
    ],
)
def test_forms(name: str, form: str | None) -> None:
    assert Reddit().form_of(name) == form


def ndjson(*records: Any) -> bytes:
    return b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in records)


def outcomes(folder: Path, name: str, data: bytes) -> list[Any]:
    (folder / name).write_bytes(data)
    return list(Reddit().read(InputFile(str(folder / name), Reddit().form_of(name) or "")))


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstd.compress])
@pytest.mark.parametrize(
    ("name", "record", "row"),
    [
        ("RS_2015-01.zst", POST, POST_ROW),
        ("RC_2015-01.zst", COMMENT, COMMENT_ROW),
        ("some.ndjson", POST, POST_ROW),
        ("some.ndjson", COMMENT, COMMENT_ROW),
        ("RC_2015-01.zst", POST, POST_ROW),  # the record's word counts more than the name's
        ("askscience_submissions.zst", COMMENT, COMMENT_ROW),
    ],
)
def test_the_role_of_a_file(tmp_path: Path, name: str, record: Any, row: Any, compress: Any) -> None:
    assert outcomes(tmp_path, name, compress(ndjson(record, b"", record))) == [(row,), (row,)]


def test_a_damaged_first_line_is_counted_and_the_next_tells_the_role(tmp_path: Path) -> None:
    first, second, third = outcomes(tmp_path, "RS_2015-01.zst", zstd.compress(ndjson(b"{damaged", COMMENT, b"[]")))
    assert first.reason == "malformed_record"
    assert second == (COMMENT_ROW,)
    assert third.reason == "malformed_record"


def test_a_file_of_damaged_lines_only(tmp_path: Path) -> None:
    found = outcomes(tmp_path, "RC_2015-01.zst", ndjson(b"a", b"b", b"c"))
    assert [each.reason for each in found] == ["malformed_record"] * 3


@pytest.mark.parametrize("head", [b'["a", "b"]\n', b'{"paper_id": 1, "abstract": "x"}\n', b"7\n"])
def test_a_file_of_another_source_is_refused(tmp_path: Path, head: bytes) -> None:
    with pytest.raises(
        WrongSource, match=r"^RC_1\.zst: its first record has neither link_id and body .* Reddit dump\?"
    ):
        Reddit().sniff(InputFile("/x/RC_1.zst", "comments"), head)
    with pytest.raises(WrongSource):
        outcomes(tmp_path, "RC_1.zst", head)


@pytest.mark.parametrize("head", [ndjson(POST), ndjson(COMMENT), b'{"cut": ', b"damaged\n"])
def test_sniff_accepts(head: bytes) -> None:
    Reddit().sniff(InputFile("RC_1.zst", "comments"), head)


def test_a_truncated_file(tmp_path: Path) -> None:
    with pytest.raises(DamagedInput, match=r"^RC_1\.zst: the file ends too early"):
        outcomes(tmp_path, "RC_1.zst", zstd.compress(ndjson(*[COMMENT] * 1000))[:-8])


# The join


def table_of(rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(Reddit.extract_schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, Reddit.extract_schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=Reddit.extract_schema)


def a_post(number: int, text: str = "Why?", selftext: str | None = None) -> tuple[Any, ...]:
    return (number, "post", number, text, selftext, "askscience", 1, 1420070400, 0)


def a_comment(key: int, number: int, votes: int = 1, text: str | None = None) -> tuple[Any, ...]:
    text = f"Comment {number}." if text is None else text
    return (key, "comment", number, text, None, "askscience", votes, 1420070400 + number, 0)


class Joining:
    """The join of parts: reduced as on each worker, then paired up where all rows have come together."""

    def __init__(self, parts: Sequence[Sequence[tuple[Any, ...]]], **options: Any) -> None:
        source = Reddit(pair=RedditPairs(**options))
        table = pa.concat_tables([source.best_comments(table_of(part)) for part in parts])
        self.pairs: list[Pair] = []
        self.rejects: Counter[str] = Counter()
        self.reject_rows: list[Reject] = []
        self.rows = 0
        for outcome in source.pair_threads(table):
            if isinstance(outcome, Joined):
                self.pairs += outcome.pairs
                self.rows += outcome.rows
            else:
                assert isinstance(outcome, Reject)
                self.rejects[outcome.reason] += outcome.records
                self.reject_rows.append(outcome)
                self.rows += outcome.records

    @property
    def docs(self) -> list[tuple[str | None, str | None]]:
        return [(pair.query_doc, pair.passage_doc) for pair in self.pairs]


def test_a_post_and_its_comment_make_a_pair_with_its_provenance() -> None:
    joined = Joining([[COMMENT_ROW, POST_ROW]])
    url = "https://www.reddit.com/r/askscience/comments/2qyr1a/_/cnas8zv/"
    assert joined.pairs == [
        Pair(
            *("Why is the sea salty?", "Rivers carry salt to it.", "title_comment", "t3_2qyr1a", "t1_cnas8zv", url),
            votes=5,
            created=1420070500,
        )
    ]
    assert joined.rows == 2


def test_the_best_comment_has_most_votes_and_among_equals_the_lowest_id() -> None:
    joined = Joining([[a_post(1), a_comment(1, 30, 7), a_comment(1, 20, 9), a_comment(1, 10, 9), a_comment(1, 5, 8)]])
    assert joined.docs == [("t3_1", "t1_a")]
    assert joined.rejects == {"not_best_comment": 3}
    assert joined.rows == 5


@pytest.mark.parametrize(("number", "docs"), [(1, ["t1_3"]), (2, ["t1_3", "t1_2"]), (0, ["t1_3", "t1_2", "t1_4"])])
def test_comments_per_post(number: int, docs: list[str]) -> None:
    rows = [a_post(1), a_comment(1, 2, 5), a_comment(1, 3, 9), a_comment(1, 4, 2)]
    joined = Joining([rows], comments_per_post=number)
    assert [doc for _, doc in joined.docs] == docs
    assert joined.rows == 4


def test_comments_per_post_as_text() -> None:
    assert [comments_per_post(text) for text in ("1", "12", "all")] == [1, 12, 0]


@pytest.mark.parametrize("text", ["0", "-1", "none", "1.5", ""])
def test_comments_per_post_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="a number from 1, or all"):
        comments_per_post(text)


def test_rows_without_their_other_side() -> None:
    joined = Joining([[a_post(1), a_comment(2, 5), a_comment(2, 6), a_comment(3, 7)]])
    assert not joined.pairs
    assert joined.rejects == {"no_comment": 1, "post_missing": 3}


def test_a_post_that_comes_twice_is_paired_once() -> None:
    joined = Joining([[a_post(1, "New title"), a_comment(1, 2)], [a_post(1, "Old title")], [a_post(1, "New title")]])
    assert [pair.query for pair in joined.pairs] == ["New title"]
    assert joined.rejects == {"repeated_post": 2}
    assert joined.rows == 4


def test_a_comment_that_comes_twice_counts_once_and_with_its_most_votes() -> None:
    # Between the votes of the copies stands another comment.
    rows = [a_post(1), a_comment(1, 2, 9), a_comment(1, 3, 6), a_comment(1, 2, 4), a_comment(1, 4, 1)]
    joined = Joining([rows], comments_per_post=3)
    assert [(pair.passage_doc, pair.votes) for pair in joined.pairs] == [("t1_2", 9), ("t1_3", 6), ("t1_4", 1)]
    assert joined.rejects == {"not_best_comment": 1}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)])
def test_of_three_copies_with_equal_votes_the_first_by_its_text_stays(order: tuple[int, ...]) -> None:
    copies = [a_comment(1, 2, 5, text) for text in ("As it was.", "Edited.", "Edited again.")]
    joined = Joining([[a_post(1), *(copies[number] for number in order)]])
    assert [pair.passage for pair in joined.pairs] == ["As it was."]


def test_the_same_id_under_two_posts_is_two_comments() -> None:
    assert len(Joining([[a_post(1), a_post(2), a_comment(1, 5), a_comment(2, 5)]]).pairs) == 2


@pytest.mark.parametrize(
    ("post_text", "expected"),
    [
        ("title", [("title_comment", "Salt & sea?")]),
        ("full", [("post_comment", "Salt & sea? I swam in it.")]),
        ("both", [("title_comment", "Salt & sea?"), ("post_comment", "Salt & sea? I swam in it.")]),
    ],
)
def test_the_query_is_an_option(post_text: str, expected: list[tuple[str, str]]) -> None:
    rows = [a_post(1, "Salt &amp; sea?", "I **swam** in [it](https://a.org)."), a_comment(1, 2)]
    assert [(pair.pair_type, pair.query) for pair in Joining([rows], post_text=post_text).pairs] == expected


@pytest.mark.parametrize("post_text", ["title", "full", "both"])
def test_a_post_without_text_has_its_title_for_a_query(post_text: str) -> None:
    joined = Joining([[a_post(1, "Why?"), a_comment(1, 2)]], post_text=post_text)
    assert [(pair.pair_type, pair.query) for pair in joined.pairs] == [("title_comment", "Why?")]


def test_a_long_post_is_cut_at_a_sentence() -> None:
    rows = [a_post(1, "Why?", "One is one. Two is two. Three is three."), a_comment(1, 2)]
    assert [pair.query for pair in Joining([rows], max_post_chars=32).pairs] == ["Why? One is one. Two is two."]


def test_markup_of_comments_goes() -> None:
    rows = [a_post(1), a_comment(1, 2, text="> quote\n\nIt&#39;s *salt*, see [here](https://a.org/b).\x00")]
    assert [pair.passage for pair in Joining([rows]).pairs] == ["quote It's salt, see here."]


@pytest.mark.parametrize(
    ("options", "kinds", "most"),
    [
        ({}, {"post": 10, "comment": 100}, 10),
        ({}, {"post": 10, "comment": 4}, 4),
        ({"comments_per_post": 3}, {"post": 10, "comment": 100}, 30),
        ({"comments_per_post": 0}, {"post": 10, "comment": 100}, 100),
        ({"post_text": "both"}, {"post": 10, "comment": 100}, 20),
        ({}, {"comment": 5}, 0),
    ],
)
def test_most_pairs(options: dict[str, Any], kinds: dict[str, int], most: int) -> None:
    assert Reddit(pair=RedditPairs(**options)).most_pairs(kinds, sum(kinds.values())) == most


def some_rows(seed: int) -> list[tuple[Any, ...]]:
    """Rows of few posts, ids and votes, so that they meet, tie and repeat each other."""
    draw = random.Random(seed)
    posts = [a_post(draw.randint(1, 2), draw.choice(["Why?", "How?"])) for _ in range(draw.randint(0, 4))]
    comments = [
        a_comment(draw.randint(1, 3), draw.randint(1, 5), draw.randint(1, 5), draw.choice(["Salt.", "Sand.", "Mud."]))
        for _ in range(draw.randint(0, 25))
    ]
    return posts + comments


# Lists that hypothesis makes are mostly short or alike; a seed gives a full table each time.
ROWS = st.integers(0, 1 << 32).map(some_rows)


@settings(deadline=None, max_examples=60)
@given(ROWS, st.integers(0, 3), st.lists(st.integers(0, 24), max_size=4), st.randoms(use_true_random=False))
def test_order_and_split_of_the_rows_change_nothing(
    rows: list[tuple[Any, ...]], number: int, cuts: list[int], shuffle: random.Random
) -> None:
    one = Joining([rows], comments_per_post=number)
    shuffled = shuffle.sample(rows, len(rows))
    bounds = [0, *sorted(cuts), len(rows)]
    parts = [shuffled[start:end] for start, end in pairwise(bounds)]
    other = Joining(parts, comments_per_post=number)
    assert sorted(one.pairs) == sorted(other.pairs)
    assert sorted(map(repr, one.reject_rows)) == sorted(map(repr, other.reject_rows))
    assert one.rows == other.rows == len(rows)
    answered: Counter[Any] = Counter(pair.query_doc for pair in one.pairs)
    assert not number or max(answered.values(), default=0) <= number
    assert len(set(one.docs)) == len(one.pairs)


@settings(deadline=None, max_examples=50)
@given(ROWS, st.integers(0, 3))
def test_reducing_twice_is_reducing_once(rows: list[tuple[Any, ...]], number: int) -> None:
    source = Reddit(pair=RedditPairs(comments_per_post=number))
    once = source.best_comments(table_of(rows))
    assert source.best_comments(once).equals(once)


@given(st.integers(0, 1 << 62))
def test_base36_is_what_int_reads(number: int) -> None:
    text = base36(number)
    assert int(text, 36) == number
    assert text == text.lower()
    assert text == "0" or not text.startswith("0")


# Real files


def counts_of(path: Path, source: Reddit) -> tuple[Counter[str], list[Any]]:
    counts: Counter[str] = Counter()
    rows: list[Any] = []
    for outcome in source.read(InputFile(str(path), source.form_of(path.name) or "")):
        assert isinstance(outcome, (Reject, tuple))
        counts[outcome.reason if isinstance(outcome, Reject) else "kept"] += 1
        if not isinstance(outcome, Reject):
            rows += outcome
    return counts, rows


def test_a_real_month_of_comments(real_data: Path) -> None:
    path = real_data / "reddit" / "RC_2005-12.zst"
    counts, _ = counts_of(path, Reddit(RedditExtract(nested_comments=True)))
    assert sum(counts.values()) == 1075
    assert counts["malformed_record"] == 0
    assert counts["kept"] + counts["bot"] + counts["removed_text"] >= 733


def test_real_posts_and_comments_meet(real_data: Path) -> None:
    posts, post_rows = counts_of(real_data / "reddit" / "RS_2016-01.zst", Reddit())
    comments, comment_rows = counts_of(real_data / "reddit" / "RC_2016-01.zst", Reddit())
    assert (sum(posts.values()), sum(comments.values())) == (7274, 27283)
    assert posts["malformed_record"] == comments["malformed_record"] == 0
    joined = Joining([post_rows, comment_rows])
    assert joined.rows == len(post_rows) + len(comment_rows)
    assert len(joined.pairs) > 3000
    assert len(set(joined.docs)) == len({post for post, _ in joined.docs}) == len(joined.pairs)
    assert all(pair.query.strip() and pair.votes is not None and pair.votes >= 1 for pair in joined.pairs)
