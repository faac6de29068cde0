"""What Reddit's users were promised: removed text and names stay out, wherever a dump holds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ccpairs.errors import WrongSource
from pipelines.inputs import InputFile
from pipelines.opt_out import parse_opt_out
from pipelines.source import Reject
from pipelines.sources.reddit import Reddit
from tests.pipelines.sources.test_reddit import COMMENT, COMMENT_ROW, POST_ROW, Joining, comment, post

REMOVED_BY_META: list[tuple[Any, str]] = [
    ({"removal_type": "deleted", "was_deleted_later": True, "retrieved_2nd_on": 1701000000}, "deleted"),
    ({"removal_type": "removed"}, "removed"),
    ({"removal_type": "removed by reddit"}, "removed by reddit"),
    ({"was_deleted_later": True}, "deleted"),
    ({"was_initially_deleted": True}, "deleted"),
]


@pytest.mark.parametrize(("meta", "detail"), REMOVED_BY_META)
def test_what_arctic_shift_marks_as_removed(meta: Any, detail: str) -> None:
    assert comment(_meta=meta) == Reject("removed_text", detail=detail)
    assert post(_meta=meta) == Reject("removed_text", detail=detail)


@pytest.mark.parametrize(
    "meta",
    [
        None,
        {},
        {"is_edited": True, "retrieved_2nd_on": 1701000000},
        {"removal_type": None, "was_deleted_later": False},
        "none",
        [1],
    ],
)
def test_other_marks_say_nothing_of_a_removal(meta: Any) -> None:
    assert comment(_meta=meta) == (COMMENT_ROW,)
    assert post(_meta=meta) == (POST_ROW,)


def test_a_reason_of_a_removal() -> None:
    assert comment(removal_reason="legal") == Reject("removed_text", detail="removal_reason")
    assert post(removal_reason="legal") == Reject("removed_text", detail="removal_reason")


NOTICE = "[ Removed by Reddit on account of violating the [content policy](/help/contentpolicy). ]"


def test_a_notice_in_other_words() -> None:
    assert comment(body=NOTICE) == Reject("removed_text")
    assert comment(body=f"&gt; {NOTICE}") == Reject("removed_text")
    assert comment(body=f"\n{NOTICE}") == Reject("removed_text")
    assert post(selftext=NOTICE).reason == "removed_text"
    assert post(title=NOTICE).reason == "removed_text"


def test_a_title_in_words_of_its_own_is_no_notice() -> None:
    (row,) = post(title="Account deleted", selftext="How do I get it back?")
    assert row[3:5] == ("Account deleted", "How do I get it back?")


def test_a_bot_that_says_so() -> None:
    body = "Here is the tweet: https://example.com/1\n\n^(I'm TweetLinkerBot)"
    assert comment(body=body) == Reject("bot_text", None, body)
    assert post(selftext=body) == Reject("bot_text", "Why is the sea salty?")


@pytest.mark.parametrize("profile", ["u_some_person_name", "U_Some_Person_Name", "u/some_person_name"])
def test_a_profile_leaves_its_users_name_nowhere(profile: str) -> None:
    changes: dict[str, Any] = {
        "subreddit": profile,
        "author": "some_person_name",
        "permalink": f"/r/{profile}/comments/2qyr1a/x/",
    }
    question = post(title="Ask some_person_name", selftext="I am u/some_person_name.", **changes)
    answer = comment(body="Thanks, some_person_name! See /r/u_some_person_name", **changes)
    joined = Joining([[*question, *answer]])
    assert [(pair.query, pair.passage, pair.url) for pair in joined.pairs] == [
        ("Ask someone I am someone.", "Thanks, someone! See someone", None)
    ]
    assert "person" not in repr((question, answer, joined.pairs)).lower()
    assert "person" not in repr(comment(body="By some_person_name", score=0, **changes)).lower()


def test_an_opt_out_by_author_still_works_on_a_profile() -> None:
    changes: dict[str, Any] = {"subreddit": "u_some_person_name", "author": "Some_Person_Name"}
    assert post(opt_out="u/some_person_name", **changes) == Reject("opted_out")
    assert comment(opt_out="author:some_person_name", **changes) == Reject("opted_out")


def test_an_opted_out_post_that_is_removed_too_leaves_no_title() -> None:
    assert post(opt_out="u/someone", removed_by_category="deleted") == Reject("opted_out")


def test_mentions_of_users_become_a_neutral_word() -> None:
    assert post(title="Thanks u/ch00f_x!", selftext="By [ch00f_x](/u/ch00f_x)")[0][3:5] == (
        "Thanks someone!",
        "By [someone](someone)",
    )
    assert comment(body="As /u/ch00f_x says.")[0][3] == "As someone says."


def test_the_rejects_that_are_kept_name_nobody() -> None:
    rejected = comment(body="As /u/ch00f_x says.", score=0)
    assert Reddit().anonymised(rejected) == Reject("low_score", None, "As someone says.")


# Exports of APIs, and odd first lines


@pytest.mark.parametrize("number", [int("2qyr1a", 36), float(int("2qyr1a", 36))])
def test_ids_that_are_numbers(number: float) -> None:
    assert comment(link_id=number, parent_id=number) == (COMMENT_ROW,)
    assert comment(parent_id=number) == (COMMENT_ROW,)
    assert comment(link_id=number, parent_id=None) == (COMMENT_ROW,)
    assert comment(link_id=number, parent_id=int("cnas8zz", 36)).reason == "not_top_level"
    assert comment(id=int("cnas8zv", 36)) == (COMMENT_ROW,)
    assert post(id=number) == (POST_ROW,)


@pytest.mark.parametrize("number", [-1, True, 1.5])
def test_numbers_that_are_no_ids(number: Any) -> None:
    assert comment(link_id=number).reason == "malformed_record"


ODD_LINES = {
    "a header": b"id,link_id,body",
    "JSON of another kind": b'{"count": 2}',
    "cut JSON": b'{"id": "cnas8zv", "bo',
    "a byte-order mark alone": b"\xef\xbb\xbf",
    "a comment": b"# comments of 2016",
}


@pytest.mark.parametrize("case", ODD_LINES)
def test_an_odd_first_line_is_one_malformed_record(tmp_path: Path, case: str) -> None:
    content = ODD_LINES[case] + b"\n\n" + json.dumps(COMMENT).encode() + b"\n"
    path = tmp_path / "RC_2016-01.ndjson"
    path.write_bytes(content)
    file = InputFile(str(path), "comments")
    Reddit().sniff(file, content)
    first, second = Reddit().read(file)
    assert isinstance(first, Reject)
    assert first.reason == "malformed_record"
    assert second == (COMMENT_ROW,)


def test_a_file_that_begins_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "RC_2016-01.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(COMMENT).encode())
    assert list(Reddit().read(InputFile(str(path), "comments"))) == [(COMMENT_ROW,)]


def test_records_of_another_source_throughout_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "RC_2016-01.ndjson"
    path.write_bytes(b'{"count": 2}\n' * 3)
    with pytest.raises(WrongSource, match="its first record has neither link_id and body"):
        list(Reddit().read(InputFile(str(path), "comments")))


def test_opt_out_by_subreddit_of_a_profile() -> None:
    assert parse_opt_out("r/u_some_person_name").subreddit("u_Some_Person_Name")
