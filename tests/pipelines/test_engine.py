from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest

from ccpairs.errors import UserError
from pipelines import engine
from pipelines.engine import Engine, check_flags, cores, flink_command, warn_of_size

OWN = ["--source", "--input", "--output", "--num-shards", "--rows-per-shard", "--comments-per-post", "--opt-out"]


def refused(*flags: str) -> str:
    with pytest.raises(UserError) as caught:
        check_flags(flags, OWN)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize("runner", ["Foo", "no.such.Runner", "json.NoRunner"])
def test_a_runner_that_is_none_is_refused(runner: str) -> None:
    assert refused(f"--runner={runner}").startswith(f"--runner {runner}: ")


@pytest.mark.parametrize(
    ("typo", "nearest"),
    [
        ("--num_shards=4", "--num-shards"),
        ("--num-shard", "--num-shards"),
        ("--imput", "--input"),
        ("--ouptut", "--output"),
        ("--comment-per-post", "--comments-per-post"),
        ("--optout", "--opt-out"),
        ("--runer=FlinkRunner", "--runner"),
        ("--direct_num_worker=4", "--direct_num_workers"),
    ],
)
def test_a_typo_gets_the_nearest_flag(typo: str, nearest: str) -> None:
    assert refused(typo) == f"unknown argument '{typo}'; did you mean {nearest}?"


@pytest.mark.parametrize("argument", ["--zzzzz", "RC_2015-01.zst", "-q"])
def test_what_resembles_nothing_gets_the_help(argument: str) -> None:
    assert refused(argument) == f"unknown argument '{argument}'; ccpairs build --help lists the flags"


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["--runner=DirectRunner"],
        ["--runner", "FnApiRunner"],
        ["--direct_num_workers", "4", "--direct_running_mode=multi_processing"],
        ["--temp_location=/tmp/x", "--job_name", "pairs", "--save_main_session"],
    ],
)
def test_flags_of_beam_pass(flags: list[str]) -> None:
    check_flags(flags, OWN)


def test_a_value_that_beam_cannot_read_is_one_line_too() -> None:
    message = refused("--direct_num_workers=many")
    assert "--direct_num_workers" in message
    assert "'many'" in message


def test_other_runners_have_flags_of_their_own() -> None:
    check_flags(["--runner=FlinkRunner", "--some_flag_of_flink=1"], OWN)


@pytest.mark.parametrize(
    ("flags", "runner", "is_local"),
    [
        ([], "FnApiRunner", True),
        (["--runner=DirectRunner"], "DirectRunner", True),
        (["--runner", "FnApiRunner"], "FnApiRunner", True),
        (["--runner=fnapirunner"], "fnapirunner", True),
        (["--runner=FlinkRunner"], "FlinkRunner", False),
        (["--runner", "apache_beam.runners.portability.flink_runner.FlinkRunner"], None, False),
        (["--runner=PrismRunner"], "PrismRunner", False),
    ],
)
def test_which_runner_it_is(flags: list[str], runner: str | None, is_local: bool) -> None:
    found = Engine(tuple(flags))
    assert found.is_local is is_local
    assert runner is None or found.runner == runner


def squares(pipeline: Any, *, out: str) -> None:
    def write(numbers: Sequence[int]) -> None:
        with open(out, "w", encoding="ascii") as file:
            file.write(" ".join(map(str, sorted(numbers))))

    _ = pipeline | beam.Create(range(4)) | beam.Map(lambda n: n * n) | beam.combiners.ToList() | beam.Map(write)


@pytest.mark.parametrize("flags", [(), ("--runner=DirectRunner",)])
def test_a_graph_runs_to_its_end_in_this_process(tmp_path: Path, flags: tuple[str, ...]) -> None:
    out = str(tmp_path / "out")
    Engine(flags).run(lambda pipeline: squares(pipeline, out=out), seconds=0.1, parts=4)
    with open(out, encoding="ascii") as file:
        assert file.read() == "0 1 4 9"


def processes_of(tmp_path: Path, flags: tuple[str, ...], *, seconds: float, parts: int) -> set[int]:
    """The processes in which the parts of a graph ran."""
    out = str(tmp_path)

    def leave_process(number: int) -> None:
        with open(f"{out}/{number}", "w", encoding="ascii") as file:
            file.write(str(os.getpid()))

    def graph(pipeline: Any) -> None:
        _ = pipeline | beam.Create(range(8)) | beam.Reshuffle() | beam.Map(leave_process)

    Engine(flags).run(graph, seconds=seconds, parts=parts)
    assert len(list(tmp_path.iterdir())) == 8
    return {int(path.read_text()) for path in tmp_path.iterdir()}


def test_much_work_runs_in_processes_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "cores", lambda: 2)
    used = processes_of(tmp_path, (), seconds=1000, parts=2)
    assert os.getpid() not in used
    assert 1 <= len(used) <= 2


@pytest.mark.parametrize(("seconds", "parts"), [(0.1, 2), (1000, 1)])
def test_little_work_and_work_of_one_part_stays_in_this_process(tmp_path: Path, seconds: float, parts: int) -> None:
    assert processes_of(tmp_path, (), seconds=seconds, parts=parts) == {os.getpid()}


def test_how_many_workers_is_for_the_flags_to_say(tmp_path: Path) -> None:
    assert processes_of(tmp_path, ("--direct_num_workers=1",), seconds=1000, parts=2) == {os.getpid()}


def test_errors_of_a_graph_raise() -> None:
    def graph(pipeline: Any) -> None:
        _ = pipeline | beam.Create([1]) | beam.Map(lambda n: n // 0)

    with pytest.raises(Exception, match="integer division or modulo by zero"):
        Engine().run(graph, seconds=0.1, parts=1)


def command_in(argv: Sequence[str]) -> list[str]:
    """The words that a shell makes of the printed command."""
    return shlex.split(flink_command(argv))


def test_the_command_of_an_embedded_flink(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CCPAIRS_FLINK_JAR", raising=False)
    words = command_in(["--source", "reddit", "--input", "dumps"])
    assert words[:8] == [
        *("JAVA_TOOL_OPTIONS=-Xmx4g", "python", "-m", "ccpairs.build", "--source", "reddit", "--input", "dumps"),
    ]
    assert {"--runner=FlinkRunner", "--flink_master=[local]", "--environment_type=LOOPBACK"} < set(words)
    assert f"--parallelism={cores()}" in words
    assert any(word.startswith("--flink_version=") for word in words)


def test_the_command_names_the_jar_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCPAIRS_FLINK_JAR", "/my jars/server.jar")
    words = command_in([])
    assert "--flink_job_server_jar=/my jars/server.jar" in words
    assert not any(word.startswith("--flink_version=") for word in words)


@pytest.mark.parametrize("value", ["/my dumps/RC_*.zst", "it's", "$HOME", "a;b", "RC_[12].zst", "@list"])
def test_the_command_can_be_pasted_into_a_shell(value: str) -> None:
    assert command_in(["--input", value])[4:6] == ["--input", value]


def test_a_shuffle_that_fits_gives_no_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(engine, "available_memory", lambda: 10_000_000_000)
    fits = int((10_000_000_000 - engine.MEMORY_OF_PROCESSES) / engine.MEMORY_PER_SHUFFLED_BYTE)
    assert not warn_of_size(fits, [], "before the start")
    assert warn_of_size(fits + 1, [], "before the start")
    caplog.clear()
    assert not warn_of_size(fits, [], "before the start")
    assert not caplog.records


def test_a_shuffle_that_does_not_fit_gives_the_command_that_can(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(engine, "available_memory", lambda: 10_000_000_000)
    argv = ["--source", "reddit"]
    with caplog.at_level(logging.WARNING, "ccpairs"):
        assert warn_of_size(20_000_000_000, argv, "before the start")
    (record,) = caplog.records
    message = record.getMessage()
    assert message.startswith("before the start: about 20.0 GB of rows to shuffle need about 70.7 GB")
    assert "10.0 GB are free" in message
    assert message.endswith(f"\n  {flink_command(argv, 20_000_000_000)}")


def test_where_the_system_says_nothing_of_memory_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "available_memory", lambda: None)
    assert not warn_of_size(1 << 60, [], "before the start")


def test_the_cores_of_this_process() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("flags", "packed", "needed"),
    [
        (["--runner=FlinkRunner", "--flink_master=[local]", "--parallelism=2"], 3 << 30, 7),
        (["--runner=PortableRunner", "--parallelism=4"], 10 << 30, 22),
    ],
)
def test_a_shuffle_that_would_hang_in_flink_is_refused(flags: list[str], packed: int, needed: int) -> None:
    with pytest.raises(UserError, match=rf"--parallelism={needed}$") as caught:
        Engine(tuple(flags)).check_shuffle(packed)
    assert len(str(caught.value).splitlines()) == 1
    Engine((*flags[:-1], f"--parallelism={needed}")).check_shuffle(packed)


@pytest.mark.parametrize(
    "flags", [[], ["--runner=FlinkRunner", "--flink_master=host:8081"], ["--runner=DataflowRunner"]]
)
def test_no_shuffle_is_refused_where_the_limit_is_unknown_or_none(flags: list[str]) -> None:
    Engine(tuple(flags)).check_shuffle(1 << 40)


def test_the_flink_command_holds_no_secret() -> None:
    argv = ["--input", "reddit=https://me:SECRET@host/RC_1.zst?token=SECRET", "--s3_secret_access_key", "SECRET"]
    words = command_in(argv)
    assert "SECRET" not in " ".join(words)
    assert "reddit=https://…@host/RC_1.zst?…" in words


def test_the_flink_command_has_the_tasks_and_the_heap_that_the_rows_need() -> None:
    small, large = flink_command([], 1 << 20), flink_command([], 20 << 30)
    assert small.startswith("JAVA_TOOL_OPTIONS=-Xmx4g ")
    assert f"--parallelism={cores()}" in small
    assert large.startswith("JAVA_TOOL_OPTIONS=-Xmx15g ")
    assert "--parallelism=20" in large
