from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from pipelines import progress
from pipelines.progress import Done, shown


class Looks:
    """A look that gives what it was told, one after the other, and says when it has been asked often enough."""

    def __init__(self, *answers: Done | Exception) -> None:
        self.answers = list(answers)
        self.enough = threading.Event()

    def __call__(self) -> Done:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if len(self.answers) == 1:
            self.enough.set()
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LOOKS", 0.001)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.001)


def lines(caplog: pytest.LogCaptureFixture, look: Looks, total: int, unit: str = "B") -> list[str]:
    """The lines that appear where nobody watches a terminal, until the look has said all it has to say."""
    with caplog.at_level(logging.INFO, "ccpairs"), shown("extract", total, look, unit=unit, terminal=False):
        assert look.enough.wait(10)
    return [record.getMessage() for record in caplog.records]


def test_lines_say_how_far_it_is(caplog: pytest.LogCaptureFixture) -> None:
    found = lines(caplog, Looks(Done(0), Done(1_000, "1 of 2 files"), Done(4_000, "2 of 2 files"), Done(4_000)), 4_000)
    assert found[:3] == [
        "extract: 0 % of 4,000 B",
        "extract: 25 % of 4,000 B, 1 of 2 files",
        "extract: 100 % of 4,000 B, 2 of 2 files",
    ]


def test_no_more_than_all_is_ever_done_and_nothing_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert lines(caplog, Looks(Done(9), Done(9)), 3, "shards")[0] == "extract: 100 % of 3 shards"
    caplog.clear()
    assert lines(caplog, Looks(Done(15), Done(15)), 100, "%")[0] == "extract: 15 %"
    caplog.clear()
    assert lines(caplog, Looks(Done(0), Done(0)), 0)[0] == "extract: 0 % of 0 B"


def test_a_bar_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "tqdm", quick_tqdm())
    look = Looks(*(Done(number, f"{number} of 4 files") for number in range(5)), Done(3), Done(9))
    with shown("extract", 4, look, unit="shards", terminal=True):
        assert look.enough.wait(10)
    text = capsys.readouterr().err
    assert "extract" in text
    assert "1 of 4 files" in text
    assert "0/4" in text


def quick_tqdm() -> Callable[..., object]:
    """The bar, drawn at every change."""
    from functools import partial

    from tqdm import tqdm

    return partial(tqdm, mininterval=0, miniters=0)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_folder_that_changes_under_the_look_does_not_end_it(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], terminal: bool
) -> None:
    look = Looks(FileNotFoundError("gone"), TimeoutError("slow store"), Done(1), Done(1))
    with caplog.at_level(logging.INFO, "ccpairs"), shown("extract", 2, look, terminal=terminal):
        assert look.enough.wait(10)
    assert terminal or "extract: 50 % of 2 B" in [record.getMessage() for record in caplog.records]
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_watches_on_when_the_work_has_ended(terminal: bool) -> None:
    before = threading.active_count()
    with shown("extract", 1, lambda: Done(1), terminal=terminal):
        pass
    with pytest.raises(ZeroDivisionError), shown("extract", 1, lambda: Done(1), terminal=terminal):
        _ = 1 // 0
    assert threading.active_count() == before


def test_short_work_says_nothing(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 15.0)
    with caplog.at_level(logging.INFO, "ccpairs"), shown("extract", 1, lambda: Done(1), terminal=False):
        pass
    assert not caplog.records
