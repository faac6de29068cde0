from __future__ import annotations

import bz2
import io
import random
import re
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import bzip2_blocks
from pipelines.bzip2_blocks import UNFED, ShiftedDecoder, block_starts, start_at_seam

BLOCK_TEXT = 99_981
"""Bytes of text without runs that a block of ``BZh1`` holds."""

SEAM = re.compile(rb"</history>(<posts>)")
NEW, OLD = b"<posts>", b"</history>"


def varied(size: int, seed: int = 1, letters: bytes = b"abcdefghijklmnopqrstuvwxyz 0123456789") -> bytes:
    """Text without runs of four, so that every block holds the same number of bytes."""
    chance = random.Random(seed)
    words = [bytes(chance.choices(letters, k=chance.randint(2, 9))) + b"." for _ in range(3000)]
    text = b" ".join(chance.choices(words, k=size // 6))
    return re.sub(rb"(.)\1{2,}", rb"\1", text, flags=re.DOTALL)[:size]


TEXT = varied(1_200_000)


def text_from(data: bytes, before: int, total: int) -> bytes | None:
    """What is decoded from the seam on, with the decoder fed a little at a time; None where it is not found."""
    raw = io.BytesIO(b"head" + data + b"tail")
    started = start_at_seam(raw, 4, len(data), before, total, SEAM)
    if started is None:
        return None
    rest = data[started.fed : len(data) - UNFED]
    pieces = [started.text]
    for at in range(0, len(rest), 5000):
        pieces.append(started.decoder.decompress(rest[at : at + 5000], -1))
    while piece := started.decoder.decompress(b"", -1):
        pieces.append(piece)
    return b"".join(pieces)


def found_in(before: bytes, after: bytes, level: int = 1) -> bytes | None:
    text = before + after
    return text_from(bz2.compress(text, level), len(before), len(text))


def test_every_block_can_be_decoded_from() -> None:
    data = bz2.compress(TEXT, 1)
    starts = block_starts(io.BytesIO(data), 0, len(data))
    assert starts[0] == 32
    assert len({start % 8 for start in starts}) > 3
    for number, start in enumerate(starts):
        decoder = ShiftedDecoder(b"BZh1", start)
        assert decoder.decompress(data[start // 8 : -UNFED], -1) == TEXT[number * BLOCK_TEXT :]
    assert len(starts) == -(-len(TEXT) // BLOCK_TEXT)


@pytest.mark.parametrize("chunk", [1, 5, 16, 1000])
def test_block_starts_that_two_reads_cut(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bz2.compress(TEXT[:250_000], 1)
    whole = block_starts(io.BytesIO(b"x" + data), 1, len(data))
    monkeypatch.setattr(bzip2_blocks, "CHUNK", chunk)
    assert len(whole) == 3
    assert block_starts(io.BytesIO(b"x" + data), 1, len(data)) == whole


def test_blocks_behind_the_stream_do_not_count() -> None:
    data = bz2.compress(TEXT[:250_000], 1)
    assert len(block_starts(io.BytesIO(data * 2), 0, len(data))) == 3


def test_the_place_is_found_in_any_block() -> None:
    for size in range(350_000, 1_200_000, 77_777):
        after = NEW + TEXT[size:]
        assert found_in(TEXT[:size] + OLD, after) == after


@pytest.mark.parametrize("cut", range(-len(OLD) - 2, len(NEW) + 3))
def test_a_seam_that_two_blocks_cut(cut: int) -> None:
    before = TEXT[: 5 * BLOCK_TEXT - len(OLD) - cut] + OLD
    after = NEW + TEXT[:150_000]
    assert found_in(before, after) == after


def test_a_place_in_the_last_block() -> None:
    for size in range(610_000, 690_000, 9_000):  # the block begins and ends at any bit
        assert found_in(TEXT[:size] + OLD, NEW + b"last") == NEW + b"last"


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([b" ", b"\0", b"ab"]), st.integers(1, 40)), max_size=6),
    st.integers(300_000, 900_000),
    st.integers(0, 300_000),
)
def test_the_place_is_right_or_not_found_whatever_runs_there_are(
    runs: list[tuple[bytes, int]], size: int, rest: int
) -> None:
    before = TEXT[:size]
    for number, (run, length) in enumerate(runs):
        at = size * number // len(runs)
        before = before[:at] + run * (length * 5000) + before[at:]
    after = NEW + TEXT[:rest]
    assert found_in(before + OLD, after) in (after, None)


def test_a_few_long_runs_do_no_harm() -> None:
    before = TEXT[:300_000] + b" " * 60_000 + TEXT[300_000:] + OLD
    assert found_in(before, NEW + TEXT[:400_000]) == NEW + TEXT[:400_000]


def test_blocks_that_hold_very_unequal_text_are_not_looked_through() -> None:
    before = b"\0" * 20_000_000 + TEXT[:600_000] + OLD
    assert found_in(before, NEW + TEXT) is None


def test_a_block_that_a_run_makes_long_is_given_up() -> None:
    before = TEXT[: 4 * BLOCK_TEXT] + TEXT[:500] + b" " * 250_000 + OLD
    assert found_in(before, NEW + TEXT) is None


def test_an_absent_seam() -> None:
    assert found_in(TEXT, NEW + TEXT) is None


@pytest.mark.parametrize("size", [0, 1000, 200_000])
def test_little_text_before_is_not_worth_the_search(size: int) -> None:
    assert found_in(TEXT[:size] + OLD, NEW + TEXT) is None


def test_a_stream_by_a_block_size_of_its_own() -> None:
    before, after = TEXT + TEXT + OLD, NEW + TEXT[:300_000]
    assert found_in(before, after, level=3) == after


def test_several_streams_in_a_row_are_left_alone() -> None:
    data = bz2.compress(TEXT + OLD + NEW + TEXT, 1) + bz2.compress(TEXT, 1)
    assert text_from(data, len(TEXT + OLD), 3 * len(TEXT) + len(OLD + NEW)) is None


@pytest.mark.parametrize("behind", [b"x" * 20, b"\0" * 20])
def test_a_stream_with_something_behind_it_is_left_alone(behind: bytes) -> None:
    text = TEXT + OLD + NEW + TEXT
    assert text_from(bz2.compress(text, 1) + behind, len(TEXT + OLD), len(text)) is None


@pytest.mark.parametrize("data", [b"", b"BZh", b"BZh9", b"PK\3\4" * 9, b"BZh9" + bytes(40)])
def test_what_is_no_bzip2_stream(data: bytes) -> None:
    assert text_from(data, 3_000_000, 4_000_000) is None


def test_a_damaged_block_at_the_place() -> None:
    text = TEXT[:500_000] + OLD + NEW + TEXT
    data = bytearray(bz2.compress(text, 1))
    start = block_starts(io.BytesIO(data), 0, len(data))[5]
    data[start // 8 + 9000] ^= 1
    assert text_from(bytes(data), 500_000 + len(OLD), len(text)) is None


def test_a_damaged_block_elsewhere() -> None:
    text = TEXT[:500_000] + OLD + NEW + TEXT
    data = bytearray(bz2.compress(text, 1))
    data[1000] ^= 1
    assert text_from(bytes(data), 500_000 + len(OLD), len(text)) == NEW + TEXT


def test_a_damaged_block_behind_the_place() -> None:
    text = TEXT[:500_000] + OLD + NEW + TEXT
    data = bytearray(bz2.compress(text, 1))
    data[-5000] ^= 1
    with pytest.raises(OSError, match="Invalid data stream"):
        text_from(bytes(data), 500_000 + len(OLD), len(text))


def test_the_magic_inside_a_block() -> None:
    # A block lists which bytes occur in it, 16 bits for each 16 values: which ones do can spell the magic.
    planted = bytes(
        128 + 16 * group + value
        for group, bits in enumerate((0x3141, 0x5926, 0x5359))
        for value in range(16)
        if bits >> (15 - value) & 1
    )
    before = varied(700_000, letters=b"abcdefgh" + planted) + OLD
    text = before + NEW + TEXT
    data = bz2.compress(text, 1)
    assert len(block_starts(io.BytesIO(data), 0, len(data))) > len(text) // BLOCK_TEXT + 5
    assert text_from(data, len(before), len(text)) in (NEW + TEXT, None)


def test_the_magic_over_and_over_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bzip2_blocks, "MAX_BLOCKS", 1000)
    magics = bzip2_blocks.BLOCK_MAGIC.to_bytes(6) * (1 << 18)
    assert len(block_starts(io.BytesIO(magics), 0, len(magics))) < 1000 + bzip2_blocks.CHUNK // 6 + 1


BEFORE = random.Random(1).randbytes(6_000_000) + OLD
NO_BLOCK = random.Random(2).randbytes(40_000_000)
LAST = bz2.compress(TEXT, 1)


@pytest.mark.parametrize(
    ("data", "before", "after"),
    [
        (bz2.compress(BEFORE + NEW + TEXT[:100_000], 1), len(BEFORE), len(NEW) + 100_000),
        (LAST[: len(LAST) // 2] + NO_BLOCK + LAST[len(LAST) // 2 :], len(TEXT) // 2, len(TEXT) // 2),
    ],
    ids=["many blocks", "one that seems endless"],
)
def test_memory_stays_flat(data: bytes, before: int, after: int) -> None:
    raw = io.BytesIO(data)
    tracemalloc.start()
    try:
        started = start_at_seam(raw, 0, len(data), before, before + after, SEAM)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (started is not None) == (before == len(BEFORE))
    assert peak < 16 << 20
