"""Two question-and-answer sites: one as a 7z archive with all eight tables, one as bare XML files."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pipelines.samples.containers import seven_zip, write_file
from pipelines.samples.facts import Entity, Fact, knowledge
from pipelines.samples.noise import keyboard_mash, word_salad
from pipelines.samples.other_languages import FOREIGN
from pipelines.samples.report import JOIN, PAIRS, SampleFile
from pipelines.samples.wording import Voice, deck, sentences

FIRST_DAY = datetime(2019, 3, 1, 8, tzinfo=UTC)
WRITTEN = datetime(2024, 4, 2, tzinfo=UTC)
ARCHIVE_SITE, FILES_SITE = "curiosity.stackexchange.com", "workbench.stackexchange.com"
FILES_FIELDS = frozenset({"programming", "everyday life", "cooking"})
"""What the smaller site is about; the rest goes to the other one."""
QUESTIONS = 420

CONTEXT = (
    "I have looked in two books and on several pages, but I did not find a clear answer.",
    "This is not homework, I would just like to understand it.",
    "My children ask me about it, and I don't want to tell them something wrong.",
    "I have seen different claims about this, so a reference would be welcome.",
    "Somebody told me the opposite last week, which left me confused.",
    "I am writing an article for our club and need a reliable statement.",
)
KNOWN = ("What I have found so far:", "I know this much already:", "For context:", "My notes say:")
REASONS = (
    "You can check this in any good reference book.",
    "I have this from a lecture that I gave for several years.",
    "Most introductions to the subject say the same.",
    "Several encyclopedias agree on this.",
    "",
    "",
    "",
)
SECONDING = (
    "The other answer is right, and I can only put it in my own words.",
    "I agree with what was said before me.",
    "To say the same more briefly:",
)
SHORT_WORDS = re.compile(r"[^a-z]+")


@dataclass
class Site:
    """The tables of a site while they are being made. ``posts`` and ``links`` are lines of their XML files."""

    voice: Voice
    host: str
    posts_file: SampleFile
    links_file: SampleFile | None
    """None where the links lie in the archive, which are read on demand only."""
    posts: list[bytes] = field(default_factory=list)
    links: list[bytes] = field(default_factory=list)
    tags: dict[str, int] = field(default_factory=dict)

    @property
    def next_id(self) -> int:
        return len(self.posts) + 1

    def add(self, **values: object) -> int:
        """Append a row to Posts.xml; returns its id."""
        id = self.next_id
        day = FIRST_DAY + timedelta(hours=5 * id, minutes=7 * id % 60)
        license = "CC BY-SA 4.0" if id % 40 else None
        created = {"CreationDate": _date(day), "ContentLicense": license, "LastActivityDate": _date(day)}
        self.posts.append(row(Id=id, **{**values, **created}))
        return id

    def question(self, title: str, body: str, field: str, answers: int = 1, **values: object) -> int:
        tag = SHORT_WORDS.sub("-", field)
        self.tags[tag] = self.tags.get(tag, 0) + 1
        values = {"PostTypeId": 1, "Score": self.voice.random.randint(0, 60), **values}
        user = self.voice.random.randint(2, 60)
        return self.add(
            **values, Body=body, OwnerUserId=user, Title=title, Tags=f"<{tag}>", AnswerCount=answers, ViewCount=120
        )

    def answer(self, question: int, body: str, score: int, **values: object) -> int:
        user = self.voice.random.randint(2, 60)
        values = {"PostTypeId": 2, "ParentId": question, **values}
        return self.add(**values, Score=score, Body=body, OwnerUserId=user, CommentCount=0)

    def clean_question(self, entity: Entity, fact: Fact, answers: int = 1) -> int:
        self.posts_file.clean()
        return self.question(self.voice.question(fact), question_body(self.voice, entity, fact), entity.field, answers)

    def clean_answer(self, question: int, body: str, score: int | None = None) -> int:
        self.posts_file.clean()
        return self.answer(question, body, self.voice.random.randint(1, 90) if score is None else score)

    def document(self, id: int) -> str:
        return f"{self.host}/{id}"


def write(folder: str, voice: Voice) -> list[SampleFile]:
    """Write ``stackexchange/SITE.7z`` of one site, ``SITE/Posts.xml`` and ``SITE/PostLinks.xml`` of another."""
    archive = SampleFile("stackexchange", f"stackexchange/{ARCHIVE_SITE}.7z", "archive")
    posts = SampleFile("stackexchange", f"stackexchange/{FILES_SITE}/Posts.xml", "posts")
    links = SampleFile("stackexchange", f"stackexchange/{FILES_SITE}/PostLinks.xml", "links")
    curiosity = Site(voice, ARCHIVE_SITE, archive, None)
    workbench = Site(voice, FILES_SITE, posts, links)
    _fill(curiosity, [entity for entity in knowledge() if entity.field not in FILES_FIELDS])
    _fill(workbench, [entity for entity in knowledge() if entity.field in FILES_FIELDS])
    members = tables(curiosity)
    seven_zip(os.path.join(folder, archive.path), members, WRITTEN)
    members = tables(workbench)
    write_file(os.path.join(folder, posts.path), members["Posts.xml"])
    write_file(os.path.join(folder, links.path), members["PostLinks.xml"])
    return [archive, links, posts]


def _fill(site: Site, entities: Sequence[Entity]) -> None:
    facts = list(deck(site.voice, entities))
    many, few = facts[:QUESTIONS], facts[-60:]
    if len(facts) < QUESTIONS + len(few):
        many = facts[: -len(few)]
    for number, (entity, fact) in enumerate(many):
        _thread(site, entity, fact, links=number % 12 == 0)
    _later_dirt(site, few[:22])
    _dirt(site, few[22:])


# --- threads


def _thread(site: Site, entity: Entity, fact: Fact, *, links: bool) -> None:
    """A question with its answers, of which those without votes are dropped."""
    voice = site.voice
    asked = site.clean_question(entity, fact, 2)
    site.clean_answer(asked, answer_body(voice, entity, fact))
    if voice.chance(0.3):
        site.clean_answer(asked, f"<p>{voice.pick(SECONDING)} {_text(voice.say(entity, fact))}</p>\n")
    if voice.chance(0.25):
        site.answer(
            asked, f"<p>{_text(voice.say(entity, voice.pick(entity.facts)))}</p>\n", -voice.random.randint(0, 3)
        )
        site.posts_file.dirty("answer without votes", "low_score")
    if links:
        related = max(1, asked - voice.random.randint(2, 40))
        _link(site, asked, related, voice.pick((1, 1, 3)))
    if voice.chance(0.04):
        site.add(
            PostTypeId=voice.pick((4, 5)), Score=0, Body=f"<p>What the tag {entity.field} is for.</p>", OwnerUserId=2
        )
        site.posts_file.dirty("page about a tag", "not_question_or_answer")


def _link(site: Site, post: int, related: int, kind: int) -> None:
    id = len(site.links) + 1
    when = _date(FIRST_DAY + timedelta(days=400, hours=id))
    site.links.append(row(Id=id, CreationDate=when, PostId=post, RelatedPostId=related, LinkTypeId=kind))
    if site.links_file is not None:
        if kind == 3:
            site.links_file.dirty("link between duplicates", "duplicate_links_off")
        else:
            site.links_file.dirty("link of another kind", "not_a_duplicate_link")


def question_body(voice: Voice, entity: Entity, fact: Fact) -> str:
    parts = [f"<p>{voice.pick(CONTEXT)}</p>"]
    others = voice.others(entity, fact, 2)
    if others and voice.chance(0.7):
        known = [_text(voice.add(entity, other)) for other in others]
        if len(known) == 2 and voice.chance(0.5):
            parts.append(f"<p>{voice.pick(KNOWN)}</p>\n\n<ul>\n<li>{known[0]}</li>\n<li>{known[1]}</li>\n</ul>")
        else:
            parts.append(f"<p>{voice.pick(KNOWN)} <em>{known[0]}</em></p>")
    return "\n\n".join(parts) + "\n"


def answer_body(voice: Voice, entity: Entity, fact: Fact) -> str:
    main = _text(voice.say(entity, fact))
    extra = [_text(voice.add(entity, other)) for other in voice.extras(entity, fact)]
    reason = voice.pick(REASONS)
    parts = [f"<p><strong>{main}</strong></p>" if voice.chance(0.2) else f"<p>{main}</p>"]
    if entity.code and voice.chance(0.8):
        parts.append(f"<p>For example:</p>\n\n<pre><code>{_text(entity.code)}\n</code></pre>")
    if len(extra) == 2 and voice.chance(0.5):
        parts.append(f"<blockquote>\n  <p>{extra[0]}</p>\n</blockquote>")
        parts.append(f"<p>{extra[1]} {reason}</p>")
    else:
        parts.append(f"<p>{' '.join([*extra, reason]).strip()}</p>")
    if voice.chance(0.2):
        place = html.escape(entity.name.replace(" ", "_"))
        parts.append(f'<p>See also <a href="https://encyclopedia.example/wiki/{place}">this article</a>.</p>')
    return "\n\n".join(parts) + "\n"


# --- dirt


def _later_dirt(site: Site, facts: Sequence[tuple[Entity, Fact]]) -> None:
    """What reads like any other thread until somebody looks at what it says."""
    voice, file = site.voice, site.posts_file
    for one, other in zip(facts[:12:2], facts[1:12:2], strict=True):
        for question, answered in ((one, other), (other, one)):
            wrong = site.clean_answer(site.clean_question(*question), answer_body(voice, *answered))
            file.note("swapped pair", None, site.document(wrong))
    for number, (entity, fact) in enumerate(facts[12:]):
        text = " ".join(voice.say(entity, other) for other in entity.facts)
        body = word_salad(voice, text) if number % 2 else keyboard_mash(voice, 20)
        wrong = site.clean_answer(site.clean_question(entity, fact), f"<p>{_text(body)}</p>\n")
        file.note("gibberish", None, site.document(wrong))
    foreign = FOREIGN[:15] if site.links_file is None else FOREIGN[15:]
    for each in voice.sample(foreign, 6):
        site.posts_file.clean()
        asked = site.question(each.question, f"<p>{_text(sentences(each.answer)[0])}</p>\n", "languages")
        file.note("other language", None, site.document(site.clean_answer(asked, f"<p>{_text(each.answer)}</p>\n")))


def _dirt(site: Site, facts: Sequence[tuple[Entity, Fact]]) -> None:
    voice, file = site.voice, site.posts_file
    for entity, fact in facts[:6]:
        body, reply = question_body(voice, entity, fact), answer_body(voice, entity, fact)
        title = voice.question(fact)
        for copy in range(2):  # the same question again, with the same answer: one pair of each type too many
            file.clean()
            site.clean_answer(site.question(title, body, entity.field), reply)
            if copy:
                file.note("copied thread: title and answer", "duplicate_pair", stage=PAIRS)
                file.note("copied thread: title with body and answer", "duplicate_pair", stage=PAIRS)
    for entity, fact in facts[6:12]:
        site.question(voice.question(fact), question_body(voice, entity, fact), entity.field, answers=0)
        file.dirty("question without answers", "no_answer")
    for entity, fact in facts[12:16]:
        asked = site.clean_question(entity, fact)
        file.note("question whose answers are all dropped", "no_answer", stage=JOIN)
        site.answer(asked, answer_body(voice, entity, fact), -4)
        file.dirty("answer without votes", "low_score")
    for entity, fact in facts[16:20]:
        site.answer(900_000, answer_body(voice, entity, fact), 3)
        file.clean()
        file.note("answer to a question that is gone", "question_missing", stage=JOIN)
    for entity, fact in facts[20:24]:
        site.question("", question_body(voice, entity, fact), entity.field)
        file.dirty("question without title", "no_title")
    for entity, fact in facts[24:28]:
        asked = site.clean_question(entity, fact)
        site.clean_answer(asked, answer_body(voice, entity, fact))
        site.answer(asked, '<p><img src="https://images.example/1.png"></p>\n', 4)
        file.dirty("answer that is a picture", "empty_passage")
    for entity, fact in facts[28:31]:
        title = voice.question(fact)
        file.clean()
        site.clean_answer(site.question(title, "", entity.field), "<p>Yes, it is.</p>\n")
        file.note("answer of three words", "passage_too_short", stage=PAIRS)
    for number, (entity, fact) in enumerate(facts[31:]):
        site.question(voice.question(fact), question_body(voice, entity, fact), entity.field)
        site.posts[-1] = damaged_row(site.posts[-1], number)
        file.dirty("damaged row", "malformed_record")
    if site.links_file is not None:
        site.links.append(damaged_row(row(Id=9999, PostId=3, RelatedPostId=1, LinkTypeId=3), 0))
        site.links_file.dirty("damaged row", "malformed_record")


def damaged_row(line: bytes, number: int) -> bytes:
    """A row that is cut off, has no id, a score that is no number, or a quotation mark too many."""
    kind = number % 4
    if kind == 0:
        return line[: len(line) // 2]
    if kind == 1:
        return re.sub(rb' Id="\d+"', b"", line)
    if kind == 2:
        return re.sub(rb' Score="-?\d+"', b' Score="many"', line)
    return line.replace(b' Id="', b' Id=""', 1)


# --- tables


def tables(site: Site) -> Mapping[str, bytes]:
    """The eight XML files of a site, by name, in the order of the published archives."""
    users = [
        row(Id=id, Reputation=11 * id, CreationDate=_date(FIRST_DAY), DisplayName=f"user{id}", Views=0, UpVotes=id)
        for id in range(2, 61)
    ]
    badges = [
        row(Id=id, UserId=id, Name="Autobiographer", Date=_date(FIRST_DAY), Class=3, TagBased="False")
        for id in range(2, 30)
    ]
    comments = [
        row(Id=id, PostId=3 * id, Score=0, Text="Could you add a source?", CreationDate=_date(FIRST_DAY), UserId=4)
        for id in range(1, 40)
    ]
    history = [
        row(Id=id, PostHistoryTypeId=2, PostId=id, CreationDate=_date(FIRST_DAY), UserId=5, Text="First version.")
        for id in range(1, 80)
    ]
    votes = [row(Id=id, PostId=id, VoteTypeId=2, CreationDate=_date(FIRST_DAY)) for id in range(1, 200)]
    tags = [row(Id=id, TagName=tag, Count=count) for id, (tag, count) in enumerate(sorted(site.tags.items()), 1)]
    return {
        "Badges.xml": table("badges", badges),
        "Comments.xml": table("comments", comments),
        "PostHistory.xml": table("posthistory", history),
        "PostLinks.xml": table("postlinks", site.links),
        "Posts.xml": table("posts", site.posts),
        "Tags.xml": table("tags", tags),
        "Users.xml": table("users", users),
        "Votes.xml": table("votes", votes),
    }


def table(root: str, rows: Sequence[bytes]) -> bytes:
    """A table as it is published: a byte order mark, a line a row, and lines end as on Windows."""
    head = f'\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n<{root}>\r\n'.encode()
    return head + b"".join(b"  " + line + b"\r\n" for line in rows) + f"</{root}>".encode()


def row(**values: object) -> bytes:
    """One row; None leaves an attribute out."""
    written = [f'{name}="{_attribute(str(value))}"' for name, value in values.items() if value is not None]
    return f"<row {' '.join(written)} />".encode()


def _attribute(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return escaped.replace("\n", "&#xA;")


def _text(text: str) -> str:
    return html.escape(text, quote=False)


def _date(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.minute * 13 % 1000:03d}"
