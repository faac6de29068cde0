from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from ccpairs import exhaustion
from ccpairs.command_line import exit_code
from ccpairs.errors import DamagedInput, UserError
from ccpairs.exhaustion import explain, is_out_of_memory, unwrapped_errors


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """3 GB of memory are free, and 4 MB on every disk."""
    monkeypatch.setattr(exhaustion, "available_memory", lambda: 3_000_000_000)
    monkeypatch.setattr(exhaustion, "free_space", lambda path: (os.path.dirname(path) or path, 4_000_000))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/scratch")


def raised(call: object) -> BaseException:
    try:
        call()  # type: ignore[operator]
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: np.empty(10**14), "memory ran out: it takes 728. TiB more, 3.0 GB are free now; use less"),
        (lambda: torch.empty(10**14), "memory ran out: it takes 400,000.0 GB more, 3.0 GB are free now; use less"),
        (lambda: pa.allocate_buffer(10**15), "memory ran out: it takes 1,000,000.0 GB more, 3.0 GB are free now; "
         "use less"),
        (lambda: bytearray(10**15), "memory ran out, 3.0 GB are free now; use less"),
    ],
)  # fmt: skip
def test_memory_that_libraries_do_not_get(call: object, line: str) -> None:
    assert explain(raised(call), "use less") == line


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("MemoryError [while running 'extract files']"),
        ValueError("Unable to decompress Zstandard data: Allocation error : not enough memory"),
    ],
)
def test_other_ways_to_say_that_memory_ran_out(error: Exception) -> None:
    assert explain(error) == (
        "memory ran out, 3.0 GB are free now; end other programs, or use a machine with more memory"
    )
    assert is_out_of_memory(error)


def test_the_memory_of_a_gpu() -> None:
    text = (
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 15.77 GiB of which 1 GiB is free"
    )
    assert explain(torch.OutOfMemoryError(text), "lower --batch-tokens") == (
        "the memory of the GPU ran out: it takes 2.00 GiB more; lower --batch-tokens"
    )


def test_the_memory_of_flink() -> None:
    error = RuntimeError("Pipeline x failed in state FAILED: java.lang.OutOfMemoryError: Java heap space")
    assert explain(error) == (
        "Flink's memory ran out; raise -Xmx in JAVA_TOOL_OPTIONS, or --parallelism (docs/engines.md)"
    )


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/data/out/x.parquet"),
            "cannot write /data/out/x.parquet: the disk is full (4.0 MB are free in /data/out); make room",
        ),
        (
            OSError(errno.EDQUOT, "Disk quota exceeded", "/data/x"),
            "cannot write /data/x: the disk quota is used up (4.0 MB are free in /data); make room",
        ),
        (
            OSError(errno.EFBIG, "File too large", "/data/x"),
            "/data/x grows past the largest size that a file may have here; raise the limit (ulimit -f)",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "/scratch/tmpabc/x"),
            "cannot write /scratch/tmpabc/x: the disk is full (4.0 MB are free in /scratch/tmpabc); make room, or name "
            "another folder in TMPDIR",
        ),
        (
            OSError(errno.EROFS, "Read-only file system", "/data/x"),
            "cannot write /data/x: the file system is read-only; choose another folder, or allow it",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/data/x"),
            "cannot write /data/x: permission denied; choose another folder, or allow it",
        ),
        (OSError(errno.EMFILE, "Too many open files"), "too many files are open; raise the limit (ulimit -n)"),
        (
            RuntimeError("can't start new thread"),
            "no more processes or threads can be started, for memory or their number is used up (ulimit -v, -u)",
        ),
        (
            Exception("No space left on device (os error 28)"),
            "cannot write OUT: the disk is full (4.0 MB are free in OUT); make room",
        ),
        (
            RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534"),
            "cannot write OUT: the disk is full (4.0 MB are free in OUT); make room",
        ),
        (
            RuntimeError("util/file.cc:228 threw FDException because `ret < 1'.\nNo space left on device in /data/x"),
            "cannot write OUT: the disk is full (4.0 MB are free in OUT); make room",
        ),
        (
            OSError("100000 requested and 2032 written"),
            "cannot write OUT: the disk is full (4.0 MB are free in OUT); make room",
        ),
        (
            RuntimeError("OSError: [Errno 28] No space left on device: '/data/x' [while running 'write']"),
            "cannot write /data/x: the disk is full (4.0 MB are free in /data); make room",
        ),
    ],
)
def test_disks_and_limits(error: Exception, line: str) -> None:
    assert explain(error, path="OUT") == line


def test_a_full_disk_of_which_the_file_is_not_known() -> None:
    assert explain(OSError(errno.ENOSPC, "No space left on device")) == (
        "cannot write a file: the disk is full (4.0 MB are free in . and 4.0 MB are free in /); make room"
    )


def test_a_library_in_rust_on_a_full_disk() -> None:
    tokenizer = Tokenizer(WordLevel({"a": 0}, "a"))
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    error = raised(lambda: tokenizer.save("/dev/full"))
    assert explain(error, path="tokenizer.json") == (
        "cannot write tokenizer.json: the disk is full (4.0 MB are free in tokenizer.json); make room"
    )


@pytest.mark.parametrize(
    "error",
    [
        KeyError("x"),
        FileNotFoundError(errno.ENOENT, "No such file or directory", "/x"),
        RuntimeError("KeyError: 'No such key' [while running 'x']"),
        AssertionError("3 read, 2 accounted for"),
    ],
)
def test_a_bug_is_not_explained_away(error: Exception) -> None:
    assert explain(error) is None


def test_a_refused_file_that_was_being_handled_does_not_explain_a_bug() -> None:
    def call() -> None:
        try:
            raise PermissionError(errno.EACCES, "Permission denied", "/x")
        except PermissionError:
            raise KeyError("bug")  # noqa: B904

    assert explain(raised(call)) is None


def test_the_cause_counts() -> None:
    def call() -> None:
        try:
            bytearray(10**15)
        except MemoryError as error:
            raise DamagedInput("x.gz is corrupt") from error

    assert is_out_of_memory(raised(call))


WORKER = """\
Traceback (most recent call last):
  File "apache_beam/runners/common.py", line 1512, in apache_beam.runners.common.DoFnRunner.process
  File "pipelines/join.py", line 3, in process
{first}

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "sdk_worker.py", line 310, in _execute
    response = task()
               ^^^^^^
{last} [while running 'extract files']
"""


def test_an_error_of_ours_comes_out_of_the_text_of_a_worker() -> None:
    line = "ccpairs.errors.UserError: x.parquet was changed; make it again"
    with pytest.raises(UserError, match=r"^x\.parquet was changed; make it again$"), unwrapped_errors():
        raise RuntimeError(WORKER.format(first=line, last=line))
    with pytest.raises(DamagedInput, match=r"^x is cut$"), unwrapped_errors():
        raise RuntimeError(WORKER.format(first="EOFError", last="ccpairs.errors.DamagedInput: x is cut"))


def test_an_error_of_ours_loses_the_name_of_the_step() -> None:
    with pytest.raises(UserError, match=r"^give another$"), unwrapped_errors():
        raise UserError("give another [while running 'extract files']")


def test_a_bug_met_while_an_error_of_ours_was_handled_stays_a_bug() -> None:
    text = WORKER.format(first="ccpairs.errors.UserError: inner", last='KeyError: "ccpairs.errors.UserError: x"')
    with pytest.raises(RuntimeError, match="KeyError"), unwrapped_errors():
        raise RuntimeError(text)


def test_a_full_disk_in_the_text_of_a_worker() -> None:
    line = "OSError: [Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device: '/data/x'"
    error = RuntimeError(WORKER.format(first=line, last=f"RuntimeError: {line}"))
    assert explain(error) == "cannot write /data/x: the disk is full (4.0 MB are free in /data); make room"


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (
            MemoryError(),
            2,
            "ccpairs: memory ran out, 3.0 GB are free now; use fewer processes; the same command goes on\n",
        ),
        (
            DamagedInput("x.zst: not enough memory"),
            3,
            "ccpairs: memory ran out, 3.0 GB are free now; use fewer processes; nothing was made\n",
        ),
    ],
)
def test_the_line_and_the_code_of_a_command(
    error: Exception, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(_: object) -> int:
        raise error

    assert exit_code(command, [], "the same command goes on", "use fewer processes") == code
    assert capsys.readouterr().err == line


def test_a_bug_keeps_its_traceback() -> None:
    def command(_: object) -> int:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        exit_code(command, [])
