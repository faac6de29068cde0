from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from ccpairs import machine
from ccpairs.machine import available_memory, free_space, readable


def test_what_the_machine_has() -> None:
    memory = available_memory()
    assert memory is not None
    assert 1 << 20 < memory <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def control_group(folder: Path, limit: str) -> Path:
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text("900000\n")
    (folder / "memory.stat").write_text("anon 300000\nfile 600000\ninactive_file 500000\nactive_file 100000\n")
    return folder


def test_in_a_container_its_limit_counts_and_files_in_memory_are_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_CONTROL_GROUP", control_group(tmp_path, "1000000"))
    assert available_memory() == 600_000


@pytest.mark.parametrize("limit", ["max", "900000000000000000", None])
def test_without_a_limit_there_is_what_the_machine_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str | None
) -> None:
    monkeypatch.setattr(machine, "_free_in_machine", lambda: 7_000_000)
    monkeypatch.setattr(machine, "_CONTROL_GROUP", control_group(tmp_path, limit) if limit else tmp_path / "none")
    assert available_memory() == 7_000_000


def test_a_limit_of_address_space_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_free_in_machine", lambda: 1 << 60)
    monkeypatch.setattr(machine, "_CONTROL_GROUP", Path("/none"))
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (used + (1 << 40), used + (1 << 40)))
    memory = available_memory()
    assert memory is not None
    assert (1 << 40) - (1 << 30) < memory <= (1 << 40) + (1 << 30)


def test_the_space_of_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    found = free_space(str(tmp_path / "out" / "candidates" / "x.parquet"))
    assert found is not None
    assert found[0] == str(tmp_path)
    assert found[1] > 0


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (12_345, "12.3 kB"), (7_000_000, "7.0 MB"), (4_321_000_000_000, "4,321.0 GB")],
)
def test_sizes_are_easy_to_read(size: int, text: str) -> None:
    assert readable(size) == text
