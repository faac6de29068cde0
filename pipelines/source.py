"""What a source is: the interface that each module under ``pipelines/sources/`` fills.

A source turns the records of one dump format into rows. A *form* is one kind of file that it reads (posts, comments,
pages-articles, ...). :meth:`Source.read` is a generator that yields exactly one *outcome* per record of the file:

* a list of rows (tuples in the order of ``extract_schema``), possibly several, never empty: the record is kept;
* a :class:`Partial`: the same where parts of the record were left out, which are counted beside it;
* a :class:`Reject`: the record was judged unfit, or is damaged (``malformed_record``);
* a :class:`Failure`: our tools could not process the record (``extract_timeout``).

So "read = kept + rejected + failed" holds by construction, and the container's own count of records is held against it.
Sources that need no join yield :class:`~ccpairs.pair.Pair` tuples and inherit :meth:`Source.join`.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias

import pyarrow as pa

from ccpairs.pair import CANDIDATE_SCHEMA, Pair

if TYPE_CHECKING:
    import apache_beam as beam

    from pipelines.inputs import InputFile
    from pipelines.join import JoinPlan, PairedUp
    from pipelines.opt_out import OptOut


class Reject(NamedTuple):
    """A record or pair that was judged unfit, with the reason (snake_case, part of the API, see docs/filters.md).

    ``query`` and ``passage`` are kept for the sample of rejects where there are any; they must not hold user names.
    ``position`` is where in the file the record stands; by default the number of the record, from 1.
    """

    reason: str
    query: str | None = None
    passage: str | None = None
    detail: str | None = None
    position: str | None = None
    records: int = 1
    """How many records it stands for (joins only: rows that lost and never travelled)."""


class Failure(NamedTuple):
    """A record that could not be processed: a fault of the tools, not of the text (``extract_timeout``)."""

    reason: str
    detail: str | None = None
    position: str | None = None


class Joined(NamedTuple):
    """What a join made of ``rows`` extract rows: pairs, possibly none where the rows serve several pairs."""

    rows: int
    pairs: Sequence[Pair]


class Onward(NamedTuple):
    """Rows that go on to the next round of a join, under another ``key``. They are counted by neither round."""

    table: pa.Table


Row: TypeAlias = tuple[Any, ...]
Outcome: TypeAlias = "Sequence[Row] | Reject | Failure"
JoinOutcome: TypeAlias = "Joined | Reject | Onward"


class Partial(list[Row]):
    """The rows of a kept record of which parts were left out, each with its reason (sections that list sources)."""

    def __init__(self, rows: Iterable[Row], left_out: Sequence[Reject]) -> None:
        super().__init__(rows)
        self.left_out = left_out


MALFORMED = "malformed_record"
OPTED_OUT = "opted_out"


def option(default: Any, help: str, *, flag: str | None = None, choices: Sequence[Any] = (), parse: Any = None) -> Any:
    """A settings field that becomes a flag of ``build``; ``flag`` defaults to ``--field-name``.

    A boolean field becomes ``--flag/--no-flag``. ``parse`` turns the flag's text into the value (default: the type of
    ``default``) and raises ``ValueError`` on nonsense.
    """
    metadata = {"help": help, "flag": flag, "choices": tuple(choices), "parse": parse}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class NoSettings:
    """Settings of a source that has none."""


class Source(ABC):
    """One kind of public dump. Subclasses are stateless apart from their frozen settings; one file each."""

    name: ClassVar[str]
    """Name given to ``--source``; also the folder of the output."""
    about: ClassVar[str]
    """One line for ``--help``."""
    extract_settings: ClassVar[type] = NoSettings
    """Frozen dataclass of :func:`option` fields that shape the extracts: a change makes new extracts."""
    pair_settings: ClassVar[type] = NoSettings
    """Frozen dataclass of :func:`option` fields that only shape the join: a change keeps the extracts."""
    extract_schema: ClassVar[pa.Schema] = CANDIDATE_SCHEMA
    """Columns of an extract. Joined sources add an ``int64`` column ``key``: rows with equal keys come together."""
    extract_version: ClassVar[int] = 1
    """Raise it when the code of ``read`` changes what comes out, so that old extracts are made anew."""
    forms: ClassVar[Mapping[str, str]]
    """Form name -> one line about it (shown by ``--dry-run`` and in error messages)."""
    unit: ClassVar[str] = "record"
    """What one record of a file is: line, row, page."""
    rows_per_input_byte: ClassVar[float] = 3.0
    """Bytes of extract rows that a byte of (compressed) input makes, as measured; warns before a run is too large."""

    def __init__(self, extract: Any = None, pair: Any = None, opt_out: OptOut | None = None) -> None:
        self.extract = extract if extract is not None else self.extract_settings()
        self.pair = pair if pair is not None else self.pair_settings()
        if opt_out is None:
            from pipelines.opt_out import OptOut

            opt_out = OptOut()
        self.opt_out = opt_out

    @abstractmethod
    def form_of(self, name: str) -> str | None:
        """The form of a file by its base name, or None where the name says that this source does not read it."""

    def sniff(self, file: InputFile, head: bytes) -> None:  # noqa: B027 - optional
        """Look at the first (decompressed) bytes of a file before anything runs; raise ``WrongSource`` if unfit."""

    def split(self, file: InputFile) -> Sequence[tuple[int, int]]:
        """Byte ranges of a file that may be read independently; empty where it must be read in one go."""
        return ()

    @abstractmethod
    def read(self, file: InputFile) -> Iterator[Outcome]:
        """Read one file (or one of its splits): one outcome per record.

        Raises ``DamagedInput`` where the container is truncated or corrupt.
        """

    def anonymised(self, reject: Reject) -> Reject:
        """A reject without names of users. It is called for the rejects that are kept, for most are only counted."""
        return reject

    def join(self, rows: beam.PCollection[pa.Table], plan: JoinPlan) -> Sequence[PairedUp] | None:
        """Bring extract rows together on the engine and pair them up; None where the rows are pairs already.

        Use ``plan.together(label)`` and ``plan.pair_up(label, function)``, where the function takes a table in which
        all rows of a key stand together and yields one :data:`JoinOutcome` after the other, such that over the whole
        join the ``rows`` of ``Joined`` and the ``records`` of ``Reject`` add up to the extract rows. Return what
        ``pair_up`` gave, one for each round. See ``pipelines/sources/reddit.py``.
        """
        return None

    def most_pairs(self, kinds: Mapping[str, int], rows: int) -> int:
        """An upper bound of the pairs that so many extract rows can make (it plans the number of shards)."""
        return rows
