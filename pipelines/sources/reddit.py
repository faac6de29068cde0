"""Reddit: posts and the comments under them, as (post, comment) pairs.

Format (Pushshift, Arctic Shift): newline-delimited JSON objects, zstd with a 2 GiB window; ``RS_YYYY-MM.zst`` holds
posts and ``RC_YYYY-MM.zst`` comments, per-subreddit dumps are ``NAME_submissions.zst`` and ``NAME_comments.zst``.
Plain and gzipped files are read too. A comment names its post in ``link_id`` (``t3_`` and the post's base-36 id) and
what it answers in ``parent_id``; both are equal at top level. Traps: ``name`` and ``stickied`` are absent in some
months, ``created_utc`` is sometimes a string, removed text is exactly ``[deleted]`` or ``[removed]``.

Comments are filtered while they are read; the best of each post then travel to their post. Markup is removed only
after that, from the comments that are left.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ccpairs.errors import WrongSource
from ccpairs.pair import Pair
from filters.markdown import markdown_to_text
from filters.sentences import cut_at_sentences
from filters.text import plain
from pipelines.inputs import InputFile
from pipelines.join import JoinPlan, PairedUp
from pipelines.json_records import head_records
from pipelines.reddit_records import base36, comment_reader, post_reader, role_of, role_of_line, without_names
from pipelines.source import MALFORMED, Joined, JoinOutcome, Outcome, Reject, Source, option

MAX_OTHERS = 100
"""Records of another kind at the start of a file; one more means that the file is another source's."""


def wrong_source(file: InputFile) -> WrongSource:
    return WrongSource(
        f"{file.name}: its first record has neither link_id and body (a comment) nor id and title (a post); "
        "is it a Reddit dump? Give the right --source"
    )


def comments_per_post(text: str) -> int:
    """``N`` or ``all`` (0)."""
    if text != "all" and not (text.isascii() and text.isdigit() and int(text)):
        raise ValueError("a number from 1, or all")
    return 0 if text == "all" else int(text)


@dataclass(frozen=True)
class RedditExtract:
    min_comment_score: int = option(1, "drop comments with a lower score (E5: 1)")
    max_comment_chars: int = option(4096, "drop comments with more characters (E5: 4096)")
    nested_comments: bool = option(False, "also take comments that answer another comment")
    over_18: bool = option(False, "also take posts marked over 18")


@dataclass(frozen=True)
class RedditPairs:
    comments_per_post: int = option(
        1,
        "how many comments of a post, best first (highest score, ties by id): a number, or all",
        parse=comments_per_post,
    )
    post_text: str = option(
        "full",
        "the query: title + selftext (full), the title alone (title), or a pair of each",
        choices=("full", "title", "both"),
    )
    max_post_chars: int = option(1000, "cut title + selftext at a sentence end to this many characters")


class Reddit(Source):
    name = "reddit"
    about = "Reddit posts and comments (Pushshift, Arctic Shift): (post, best comment)"
    unit = "line"
    forms: ClassVar[Mapping[str, str]] = {
        "posts": "posts, NDJSON (RS_*.zst, *_submissions.zst; also .gz or plain)",
        "comments": "comments, NDJSON (RC_*.zst, *_comments.zst; also .gz or plain)",
        "ndjson": "posts or comments, NDJSON; the first record tells which",
    }
    extract_settings = RedditExtract
    extract_version = 2
    pair_settings = RedditPairs
    extract_schema = pa.schema(
        [
            pa.field("key", pa.int64(), nullable=False),
            pa.field("kind", pa.string(), nullable=False),
            pa.field("number", pa.int64(), nullable=False),
            pa.field("text", pa.string(), nullable=False),
            pa.field("selftext", pa.string()),
            pa.field("subreddit", pa.string()),
            pa.field("votes", pa.int64(), nullable=False),
            pa.field("created", pa.int64()),
            pa.field("lost", pa.int64(), nullable=False),
        ]
    )
    """``key`` is the post's id and ``number`` the row's own, both read as base-36 numbers; ``lost`` counts the comments
    of the post that this row has already beaten."""

    def form_of(self, name: str) -> str | None:
        lower = name.lower()
        if not re.search(r"(\.(zst|gz|xz|bz2|ndjson|jsonl|json)|^r[sc]_[\d-]+)$", lower):
            return None
        if lower.startswith("rs_") or "_submissions" in lower:
            return "posts"
        if lower.startswith("rc_") or "_comments" in lower:
            return "comments"
        return "ndjson" if re.search(r"\.(ndjson|jsonl|json)(\.(zst|gz|xz|bz2))?$|\.zst$", lower) else None

    def sniff(self, file: InputFile, head: bytes) -> None:
        records = list(head_records(head))
        if records and not any(map(role_of, records)):
            raise wrong_source(file)

    def read(self, file: InputFile) -> Iterator[Outcome]:
        decode = None
        others = 0  # records of another source before the first of ours
        for line in file.lines():
            if decode is not None:
                if line and not line.isspace():
                    yield decode(line)
            elif line and not line.isspace():
                # The record's word counts more than the file's name; only a sound record has one.
                role, is_json = role_of_line(line)
                if role is not None:
                    decode = self.reader(role)
                    yield decode(line)
                    continue
                others += is_json
                if others > MAX_OTHERS:
                    raise wrong_source(file)
                yield Reject(MALFORMED, detail="neither a comment nor a post" if is_json else "not a JSON object")
        if decode is None and others:
            raise wrong_source(file)

    def reader(self, role: str) -> Callable[[bytes], Outcome]:
        """A function from one line to its outcome."""
        settings = self.extract
        if role == "posts":
            return post_reader(settings.over_18, self.opt_out)
        return comment_reader(
            settings.min_comment_score, settings.max_comment_chars, settings.nested_comments, self.opt_out
        )

    def anonymised(self, reject: Reject) -> Reject:
        return without_names(reject)

    def join(self, rows: Any, plan: JoinPlan) -> Sequence[PairedUp]:
        threads = rows | plan.together("bring posts and comments of a thread together", self.best_comments)
        return [threads | plan.pair_up("pair each post with its best comments", self.pair_threads)]

    def most_pairs(self, kinds: Mapping[str, int], rows: int) -> int:
        per_post = self.pair.comments_per_post
        comments = kinds.get("comment", 0)
        pairs = min(comments, kinds.get("post", 0) * per_post) if per_post else comments
        return pairs * (2 if self.pair.post_text == "both" else 1)

    def best_comments(self, table: pa.Table) -> pa.Table:
        """Drop the comments that can no longer be among the best of their post; ``lost`` of the best says how many.

        A second copy of a comment (overlapping dumps) is dropped too.
        """
        is_comment = np.asarray(pc.equal(table.column("kind"), "comment"))
        comments = np.flatnonzero(is_comment)
        if not len(comments):
            return table
        key, number, votes, lost = (table.column(name).to_numpy() for name in ("key", "number", "votes", "lost"))
        distinct, copies = _one_of_each(table, comments)
        # By post, then best first.
        order = distinct[np.lexsort((number[distinct], -votes[distinct], key[distinct]))]
        starts = np.flatnonzero(np.r_[True, key[order][1:] != key[order][:-1]])
        post = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(order)]))
        rank = np.arange(len(order)) - starts[post]
        keep = (rank < self.pair.comments_per_post) | (self.pair.comments_per_post == 0)
        # All on the first row of a post, so that the rows don't tell in which order the parts came together.
        total = np.bincount(post, weights=1 + lost[order])
        if len(copies):
            post_of_copy = np.searchsorted(key[order][starts], key[copies])
            total += np.bincount(post_of_copy, weights=1 + lost[copies], minlength=len(starts))
        lost_now = np.zeros(len(order), dtype=np.int64)
        lost_now[starts] = total - np.bincount(post, weights=keep)
        kept = table.take(pa.array(order[keep]))
        kept = kept.set_column(
            kept.schema.get_field_index("lost"), table.schema.field("lost"), pa.array(lost_now[keep])
        )
        return pa.concat_tables([table.take(pa.array(np.flatnonzero(~is_comment))), kept])

    def pair_threads(self, table: pa.Table) -> Iterator[JoinOutcome]:
        """Pair each post of a table of complete threads with its best comments."""
        posts: dict[int, tuple[Any, ...]] = {}
        comments: list[tuple[Any, ...]] = []
        for row in zip(*(column.to_pylist() for column in self.best_comments(table).columns), strict=True):
            if row[1] == "comment":
                comments.append(row)
                continue
            other = posts.get(row[0])
            if other is not None:
                row, other = min((row, other), key=repr), max((row, other), key=repr)
                yield Reject("repeated_post", query=plain_title(other[3]))
            posts[row[0]] = row
        answered = set()
        queries: list[tuple[str, str]] = []
        for key, _, number, body, _, subreddit, votes, created, lost in comments:
            post = posts.get(key)
            if post is None:
                yield Reject("post_missing", passage=plain(body), records=1 + lost)
                continue
            if key not in answered:  # rows of a post stand together
                answered.add(key)
                queries = list(self.queries(post[3], post[4]))
            passage = markdown_to_text(body)
            ids = f"t3_{base36(key)}", f"t1_{base36(number)}"
            url = f"https://www.reddit.com/r/{subreddit}/comments/{base36(key)}/_/{base36(number)}/"
            yield Joined(
                1,
                [
                    Pair(query, passage, pair_type, *ids, url if subreddit else None, votes=votes, created=created)
                    for pair_type, query in queries
                ],
            )
            if lost:
                yield Reject("not_best_comment", query=queries[0][1], detail=f"{lost} comments", records=lost)
        for key, post in posts.items():
            if key in answered:
                yield Joined(1, ())
            else:
                yield Reject("no_comment", query=plain_title(post[3]))

    def queries(self, title: str, selftext: str | None) -> Iterator[tuple[str, str]]:
        """(pair type, query) of a post, by the ``post_text`` option."""
        heading = plain_title(title)
        body = markdown_to_text(selftext) if selftext and self.pair.post_text != "title" else ""
        if not body or self.pair.post_text == "both":
            yield "title_comment", heading
        if body:
            pieces = cut_at_sentences(f"{heading} {body}", self.pair.max_post_chars)
            yield "post_comment", pieces[0] if pieces else heading


def plain_title(title: str) -> str:
    """A title as plain text; some dumps escape its entities twice."""
    return plain(html.unescape(title.replace("&amp;amp;", "&amp;")))


def _one_of_each(table: pa.Table, comments: Any) -> tuple[Any, Any]:
    """Row numbers of comments, one of each, and of their further copies.

    Of copies the one with most votes stays, then the first by its texts, so the choice depends on the rows alone.
    """
    numbers = table.column("number").to_numpy()[comments]
    found, times = np.unique(numbers, return_counts=True)
    repeated = np.isin(numbers, found[times > 1])
    if not repeated.any():
        return comments, comments[:0]
    rows = comments[repeated]
    keys = [("key", "ascending"), ("number", "ascending"), ("votes", "descending")]
    keys += [(name, "ascending") for name in ("text", "subreddit", "created")]
    some = table.take(pa.array(rows)).select([name for name, _ in keys])
    order = np.asarray(pc.sort_indices(some, sort_keys=keys))
    key, number = (some.column(name).to_numpy()[order] for name in ("key", "number"))
    copy = np.r_[False, (key[1:] == key[:-1]) & (number[1:] == number[:-1])]
    return np.r_[comments[~repeated], rows[order][~copy]], rows[order][copy]
