"""Showing that long work moves on: a bar on a terminal, log lines elsewhere.

Workers may run anywhere, so progress is read from what they leave in the output folder.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tqdm import tqdm

SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BETWEEN_LINES = 15.0

log = logging.getLogger("ccpairs")


@dataclass(frozen=True)
class Done:
    """How far the work is, in the unit of the total."""

    amount: int
    note: str = ""


@contextmanager
def shown(
    label: str, total: int, look: Callable[[], Done], *, unit: str = "B", terminal: bool | None = None
) -> Iterator[None]:
    """Show progress while the block runs; ``look`` is called from a thread of its own. Of ``%`` the total is 100."""
    stop = threading.Event()
    on_terminal = sys.stderr.isatty() if terminal is None else terminal
    watch = _bar if on_terminal else _lines
    watcher = threading.Thread(target=watch, args=(label, total, look, unit, stop), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


def _seen(look: Callable[[], Done]) -> Done | None:
    try:
        return look()
    except OSError:  # the folder changes while it is looked at, and storage has its moods: the next look may see
        return None


def _bar(label: str, total: int, look: Callable[[], Done], unit: str, stop: threading.Event) -> None:
    with tqdm(total=total, desc=label, unit=unit, unit_scale=unit == "B", leave=False) as bar:
        while not stop.wait(SECONDS_BETWEEN_LOOKS):
            if (done := _seen(look)) is None:
                continue
            bar.set_postfix_str(done.note, refresh=False)
            bar.update(max(0, min(done.amount, total) - bar.n))


def _lines(label: str, total: int, look: Callable[[], Done], unit: str, stop: threading.Event) -> None:
    while not stop.wait(SECONDS_BETWEEN_LINES):
        if (done := _seen(look)) is None:
            continue
        share = 100 * min(done.amount, total) / max(total, 1)
        whole = "" if unit == "%" else f" of {total:,} {unit}"
        log.info("%s: %.0f %%%s%s", label, share, whole, f", {done.note}" if done.note else "")
