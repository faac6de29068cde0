"""StackExchange: questions and their answers, as (title, answer) and (title + body, answer) pairs.

Format: one 7z archive per site (``beer.stackexchange.com.7z``) with a table in each of its XML files; Stack Overflow
has an archive per table (``stackoverflow.com-Posts.7z``). ``Posts.xml`` holds a ``<row .../>`` a line: Id, PostTypeId
(1 question, 2 answer), ParentId (the answer's question), Score, Title (questions only), Body (HTML), CreationDate,
AnswerCount, ContentLicense (absent in old dumps). ``PostLinks.xml`` holds PostId, RelatedPostId and LinkTypeId (3:
PostId is a duplicate of RelatedPostId). Both are read from the archive without unpacking it, or as files of their own
(plain, gz, bz2, zst). The site is in the file's name; for a bare ``Posts.xml`` it is the name of the folder.

Titles and bodies become plain text while they are read. Then question, answers and links meet by the question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa
import xxhash

from ccpairs.errors import WrongSource
from ccpairs.pair import Pair
from filters.html_text import fragment_to_text
from filters.sentences import cut_at_sentences
from filters.text import plain
from pipelines.inputs import HEAD_BYTES, InputFile
from pipelines.join import ONWARD, JoinPlan, PairedUp
from pipelines.sevenzip import MAGIC, list_members, read_members
from pipelines.source import MALFORMED, OPTED_OUT, Joined, JoinOutcome, Onward, Outcome, Reject, Source, option
from pipelines.xml_rows import Attributes, integer_of, read_rows, root_of, seam, text_of

TABLES = "Badges|Comments|PostHistory|PostLinks|Posts|Tags|Users|Votes"
FILE_NAME = re.compile(
    rf"(?:(?P<site>.+?)(?:[-_.](?P<part>{TABLES}))?\.7z(?:\.(?P<volume>001))?|(?:(?P<prefix>.+)[-_.])?(?P<table>{TABLES})\.xml(?:\.\w+)?)",
    re.IGNORECASE,
)
HOST_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
ROOTS = {"posts": "posts", "links": "postlinks"}
BLOCK = 1 << 19

# A banner that the site itself once put above the bodies of closed questions: it holds the title of another question.
DUPLICATE_BANNER = re.compile(r"\s*<blockquote>\s*<p><strong>Possible Duplicates?:</strong>.*?</blockquote>", re.DOTALL)


def characters(text: str) -> int:
    """A number of characters, 0 or more."""
    if int(text) < 0:
        raise ValueError("a number of characters, 0 or more")
    return int(text)


@dataclass(frozen=True)
class StackExchangeExtract:
    min_answer_score: int = option(1, "drop answers with a lower score")
    max_question_chars: int = option(
        1000, "cut a question's body at a sentence end to this many characters; 0: only its title", parse=characters
    )
    max_answer_chars: int = option(
        4096, "cut an answer at a sentence end to this many characters; 0: never", parse=characters
    )
    duplicate_links: bool = option(False, "also pair the titles of questions that are marked as duplicates (PostLinks)")


class Row(NamedTuple):
    """A row of the extract. ``question`` is the question that the row belongs to; ``id`` is its own (post or link).

    A link makes two rows, ``duplicate`` and ``original``, one for each of its questions.
    """

    key: int
    kind: str
    site: str
    question: int
    id: int
    title: str | None = None
    body: str | None = None
    score: int | None = None
    created: int | None = None
    license: str | None = None


class StackExchange(Source):
    name = "stackexchange"
    about = "StackExchange sites (7z archives or Posts.xml): (title, answer), (title + body, answer)"
    unit = "row"
    forms: ClassVar[Mapping[str, str]] = {
        "archive": "archive of a site, or of a site's posts or links (SITE.7z, SITE-Posts.7z, SITE-PostLinks.7z)",
        "posts": "posts, XML (Posts.xml, SITE-Posts.xml; also .gz, .bz2, .zst)",
        "links": "links between posts, XML (PostLinks.xml, SITE-PostLinks.xml; also .gz, .bz2, .zst)",
    }
    extract_settings = StackExchangeExtract
    extract_schema = pa.schema(
        [
            pa.field("key", pa.int64(), nullable=False),
            pa.field("kind", pa.string(), nullable=False),
            pa.field("site", pa.string(), nullable=False),
            pa.field("question", pa.int64(), nullable=False),
            pa.field("id", pa.int64(), nullable=False),
            pa.field("title", pa.string()),
            pa.field("body", pa.string()),
            pa.field("score", pa.int64()),
            pa.field("created", pa.int64()),
            pa.field("license", pa.string()),
        ]
    )

    def form_of(self, name: str) -> str | None:
        match = FILE_NAME.fullmatch(name)
        table = (match["part"] or match["table"] or "").lower() if match else None
        if match is None or table not in ("", "posts", "postlinks"):
            return None
        if match["site"]:
            return "archive"
        return "posts" if table == "posts" else "links"

    def sniff(self, file: InputFile, head: bytes) -> None:
        if file.form == "archive":
            check_volume(file)
            if not head.startswith(MAGIC):
                raise WrongSource(f"{file.name}: is not a 7z archive; fetch it again, or give the right --source")
        elif (root := root_of(head)) != ROOTS[file.form]:
            found = f"its root is <{root}>" if root else "it is no XML table"
            raise WrongSource(f"{file.name}: should hold <{ROOTS[file.form]}>, but {found}; give the right --source")

    def read(self, file: InputFile) -> Iterator[Outcome]:
        site = site_of(file)
        if file.form != "archive":
            with file.open() as stream:
                yield from self.read_table(file, file.form, site, iter(lambda: stream.read(BLOCK), b""))
            return
        check_volume(file)
        links = self.extract.duplicate_links or "postlinks" in file.name.lower()
        wanted = {"Posts.xml": "posts", "posts.xml": "posts", **({"PostLinks.xml": "links"} if links else {})}
        members = 0
        with file.open_raw() as raw:
            for member, blocks in read_members(raw, file.name, wanted, seam):
                members += 1
                yield from self.read_table(file, wanted[member], site, metered(file, blocks))
            if not members:
                raise WrongSource(describe_other_archive(list_members(raw, file.name), file.name, wanted))
            while raw.read(BLOCK):  # to the end, for the digest of the whole file
                pass

    def read_table(self, file: InputFile, form: str, site: str, blocks: Iterable[bytes]) -> Iterator[Outcome]:
        """One outcome per row of a table, which arrives in blocks of bytes."""
        outcome_of = self.post if form == "posts" else self.link
        for number, row in read_rows(blocks, ROOTS[form], file.name, file.meter):
            if row is None:
                yield Reject(MALFORMED, detail="not a well-formed row", position=f"line {number}")
                continue
            try:
                yield outcome_of(site, row)
            except (KeyError, ValueError) as error:
                yield Reject(MALFORMED, detail=f"{type(error).__name__}: {error}", position=f"line {number}")

    def post(self, site: str, row: Attributes) -> Outcome:
        """The outcome of a row of Posts.xml; the cheapest and most selective tests come first."""
        kind, id, score = row[b" PostTypeId="], integer_of(row[b" Id="]), integer_of(row[b" Score="])
        if kind not in (b"1", b"2"):
            return Reject("not_question_or_answer", detail=f"PostTypeId {integer_of(kind)}")
        if b" DeletionDate=" in row:
            return Reject("removed_text")
        question = id if kind == b"1" else integer_of(row[b" ParentId="])
        if self.opt_out and self.opted_out(site, id, question, row):
            return Reject(OPTED_OUT)
        shared = score, created_of(row), text_of(row[b" ContentLicense="]) if b" ContentLicense=" in row else None
        if kind == b"2":
            answer = self.shortened(fragment_to_text(text_of(row[b" Body="])), self.extract.max_answer_chars)
            if score < self.extract.min_answer_score:
                return Reject("low_score", None, answer, detail=f"score {score}")
            if not answer:
                return Reject("empty_passage")
            return [Row(key_of(site, question), "answer", site, question, id, None, answer, *shared)]
        title = plain(text_of(row.get(b" Title=", b"")))
        if not title:
            return Reject("no_title")
        if row.get(b" AnswerCount=") == b"0" and not self.extract.duplicate_links:
            return Reject("no_answer", title)
        body = ""
        if self.extract.max_question_chars:
            body = fragment_to_text(DUPLICATE_BANNER.sub("", text_of(row.get(b" Body=", b"")), 1))
        body = self.shortened(body, self.extract.max_question_chars)
        return [Row(key_of(site, id), "question", site, id, id, title, body or None, *shared)]

    def link(self, site: str, row: Attributes) -> Outcome:
        """The outcome of a row of PostLinks.xml."""
        id, kind = integer_of(row[b" Id="]), integer_of(row[b" LinkTypeId="])
        duplicate, original = integer_of(row[b" PostId="]), integer_of(row[b" RelatedPostId="])
        if kind != 3:
            return Reject("not_a_duplicate_link", detail=f"LinkTypeId {kind}")
        if not self.extract.duplicate_links:
            return Reject("duplicate_links_off", detail="give --duplicate-links to pair their titles")
        if duplicate == original:
            return Reject("link_to_itself")
        return [
            Row(key_of(site, duplicate), "duplicate", site, duplicate, id),
            Row(key_of(site, original), "original", site, original, id),
        ]

    def opted_out(self, site: str, id: int, question: int, row: Attributes) -> bool:
        """Is the post, its question, its site or its author (``author:SITE/USERID``) on the opt-out list?"""
        owner = text_of(row.get(b" OwnerUserId=", b""))
        return (
            self.opt_out.doc(f"{site}/{id}")
            or self.opt_out.doc(f"{site}/{question}")
            or self.opt_out.url(url_of(site, "a", id) or f"https://{site}")
            or self.opt_out.author(f"{site}/{owner}")
        )

    @staticmethod
    def shortened(text: str, max_chars: int) -> str:
        if not max_chars or len(text) <= max_chars:
            return text
        # What lies beyond the first piece is not needed, so no time goes into cutting it.
        return cut_at_sentences(text[: 2 * max_chars], max_chars)[0]

    def join(self, rows: Any, plan: JoinPlan) -> Sequence[PairedUp]:
        threads = rows | plan.together("bring questions, answers and links together")
        answers = threads | plan.pair_up("pair each question with its answers", pair_answers)
        if not self.extract.duplicate_links:
            return [answers]
        links = answers[ONWARD] | plan.together("bring both questions of a link together")
        return [answers, links | plan.pair_up("pair the titles of duplicates", pair_duplicates)]

    def most_pairs(self, kinds: Mapping[str, int], rows: int) -> int:
        return 2 * kinds.get("answer", 0) + kinds.get("duplicate", 0)


def pair_answers(table: pa.Table) -> Iterator[JoinOutcome]:
    """Pair the questions of a table of complete threads with their answers; link rows go on with their title."""
    questions: dict[tuple[str, int], Row] = {}
    others: list[Row] = []
    for row in rows_of(table):
        if row.kind != "question":
            others.append(row)
            continue
        seen = questions.setdefault((row.site, row.id), row)
        if seen is not row:  # overlapping dumps; which of the two stays must not depend on their order
            questions[row.site, row.id] = min(seen, row, key=repr)
            yield Reject("repeated_question", max(seen, row, key=repr).title)
    used: set[tuple[str, int]] = set()
    onward: list[Row] = []
    for row in others:
        question = questions.get((row.site, row.question))
        if question is None:
            yield Reject("question_missing", None, row.body, detail=f"{row.site}/{row.question}")
            continue
        used.add((row.site, row.question))
        if row.kind == "answer":
            yield Joined(1, answer_pairs(question, row))
        else:
            key = key_of(row.site, row.id)
            onward.append(question._replace(key=key, kind=row.kind, id=row.id, body=None))
    for identity, question in questions.items():
        yield Joined(1, ()) if identity in used else Reject("no_answer", question.title)
    if onward:
        schema = StackExchange.extract_schema
        yield Onward(
            pa.table(
                [pa.array(c, f.type) for c, f in zip(zip(*onward, strict=True), schema, strict=True)], schema=schema
            )
        )


def answer_pairs(question: Row, answer: Row) -> list[Pair]:
    """(title, answer), and (title + body, answer) where the question has a body."""
    title, passage = str(question.title), str(answer.body)
    queries = [("title_answer", title)]
    if question.body:
        queries.append(("title_body_answer", f"{title} {question.body}"))
    return [
        Pair(
            *(query, passage, pair_type, f"{question.site}/{question.id}", f"{answer.site}/{answer.id}"),
            url=url_of(answer.site, "a", answer.id),
            license=answer.license,
            votes=answer.score,
            created=answer.created,
        )
        for pair_type, query in queries
    ]


def pair_duplicates(table: pa.Table) -> Iterator[JoinOutcome]:
    """Pair the titles of the two questions of each link; the link's hash says which of them is the query."""
    waiting: dict[tuple[str, int, str], Row] = {}
    for row in sorted(rows_of(table), key=repr):
        if (row.site, row.id, row.kind) in waiting:  # overlapping dumps
            yield Reject("repeated_link", row.title)
            continue
        waiting[row.site, row.id, row.kind] = row
    for (site, id, kind), row in waiting.items():
        other = waiting.get((site, id, "original" if kind == "duplicate" else "duplicate"))
        if other is None:
            yield Reject("question_missing", row.title, detail=f"the other question of link {site}/{id}")
        elif kind == "duplicate":
            query, passage = (row, other) if xxhash.xxh3_64_intdigest(f"{site}/{id}".encode()) & 1 else (other, row)
            pair = Pair(
                *(str(query.title), str(passage.title), "duplicate_titles"),
                *(f"{site}/{query.question}", f"{site}/{passage.question}", url_of(site, "q", passage.question)),
                license=passage.license,
                votes=passage.score,
                created=passage.created,
            )
            yield Joined(2, [pair])


def rows_of(table: pa.Table) -> Iterator[Row]:
    return map(Row._make, zip(*(table.column(name).to_pylist() for name in Row._fields), strict=True))


def site_of(file: InputFile) -> str:
    """The site's host name, lower-case, by the file's name or else by its folder's."""
    match = FILE_NAME.fullmatch(file.name)
    return ((match and (match["site"] or match["prefix"])) or file.parent or "unknown").lower()


def check_volume(file: InputFile) -> None:
    """Raise ``WrongSource`` for the first volume of a split archive; the further ones are no inputs of this source."""
    match = FILE_NAME.fullmatch(file.name)
    if match and match["volume"]:
        whole = file.name.removesuffix(".001")
        raise WrongSource(f"{file.name}: is one volume of a split archive; join them first: cat {whole}.* > {whole}")


def describe_other_archive(names: Sequence[str], archive: str, wanted: Iterable[str]) -> str:
    """The message for an archive without a table that this source reads."""
    inner = [name for name in names if name.lower().endswith(".7z")]
    if inner:
        return f"{archive}: the archive holds further archives ({', '.join(inner[:3])}); unpack it and give those"
    return f"{archive}: the archive holds no {' or '.join(wanted)}; is it a StackExchange site?"


def key_of(site: str, id: int) -> int:
    """The hash of a site and an id as a signed 64-bit integer; those who join by it compare site and id too."""
    unsigned = xxhash.xxh3_64_intdigest(f"{site}/{id}".encode())
    return unsigned - (1 << 64) if unsigned >> 63 else unsigned


def url_of(site: str, kind: str, id: int) -> str | None:
    """Where a post is (kind: ``a`` answer, ``q`` question); None where the site's host name is not known."""
    return f"https://{site}/{kind}/{id}" if HOST_NAME.fullmatch(site) else None


def created_of(row: Attributes) -> int | None:
    """CreationDate in Unix seconds, UTC; None where the row has none."""
    date = row.get(b" CreationDate=")
    if date is None:
        return None
    return int(datetime.fromisoformat(date[:19].decode("ascii")).replace(tzinfo=UTC).timestamp())


def metered(file: InputFile, blocks: Iterable[bytes]) -> Iterator[bytes]:
    for block in blocks:
        if not file.meter.text_bytes:
            file.meter.head = block[:HEAD_BYTES]
        file.meter.text_bytes += len(block)
        yield block
