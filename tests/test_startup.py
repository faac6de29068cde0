"""A folder of the user's that hides one of our packages is named in one line; the console script does not care."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ccpairs.__main__ import COMMANDS, main

HOME = Path(__file__).resolve().parents[1]
CHECK = "from ccpairs.startup import refuse_shadowed_packages; refuse_shadowed_packages(); print('went on')"

safe_path = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="before 3.11 workers always look in the current folder"
)


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(HOME)}
    environment.pop("PYTHONSAFEPATH", None)
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["filters", "models", "pipelines"])
def test_a_package_of_the_same_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    done = python(tmp_path, "-c", CHECK)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"ccpairs: {tmp_path / name} hides the package '{name}' of ccpairs; run from another folder, "
        "or type 'ccpairs build' in place of 'python -m ccpairs.build'"
    ]


def test_a_file_of_the_same_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "models.py").touch()
    done = python(tmp_path, "-c", CHECK)
    assert done.returncode == 2
    assert f"{tmp_path / 'models.py'} hides the package 'models'" in done.stderr


def test_a_folder_of_weights_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "weights.bin").touch()
    done = python(tmp_path, "-c", CHECK)
    assert (done.returncode, done.stdout, done.stderr) == (0, "went on\n", "")


def test_a_package_hidden_by_pythonpath_is_named_with_the_folder_to_take_out(tmp_path: Path) -> None:
    theirs, here = tmp_path / "theirs", tmp_path / "here"
    here.mkdir()
    (theirs / "filters").mkdir(parents=True)
    (theirs / "filters" / "__init__.py").touch()
    done = python(here, "-c", f"import sys; sys.path.insert(0, {str(theirs)!r}); {CHECK}")
    assert done.returncode == 2
    assert done.stderr.endswith(f"take {theirs} out of PYTHONPATH\n")


def test_the_command_itself_refuses(tmp_path: Path) -> None:
    (tmp_path / "filters.py").touch()
    done = python(tmp_path, "-m", "ccpairs.build", "--source", "reddit", "--output", "out")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "hides the package 'filters'" in done.stderr


@safe_path
def test_the_console_script_works_beside_a_folder_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "filters").mkdir()
    (tmp_path / "filters" / "__init__.py").touch()
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "ccpairs"  # as pip writes it: sys.path starts with its own folder
    script.write_text("import sys\nfrom ccpairs.__main__ import main\nsys.exit(main())\n")
    done = python(tmp_path, str(script), "build", "--help")
    assert done.returncode == 0, done.stderr
    assert "--source" in done.stdout


@safe_path
def test_workers_of_the_console_script_do_not_look_into_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "filters.py").touch()
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "command.py"
    script.write_text(
        "import subprocess, sys\n"
        "from ccpairs.startup import keep_children_out_of_the_current_folder\n"
        "keep_children_out_of_the_current_folder()\n"
        "sys.exit(subprocess.call([sys.executable, '-c', 'import filters; print(filters.__file__)']))\n"
    )
    done = python(tmp_path, str(script))
    assert (done.returncode, done.stdout) == (0, f"{HOME / 'filters' / '__init__.py'}\n")


def test_workers_of_a_checkout_do_look_into_the_current_folder() -> None:
    code = (
        "import os\n"
        "from ccpairs.startup import keep_children_out_of_the_current_folder\n"
        "keep_children_out_of_the_current_folder()\n"
        "print(os.environ.get('PYTHONSAFEPATH'))\n"
    )
    assert python(HOME, "-c", code).stdout == "None\n"


def test_help_lists_the_commands_and_unknown_ones_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert [name for name in COMMANDS if f"  {name}  " not in shown] == []
    assert main(["biuld"]) == 2
    assert (
        capsys.readouterr().err
        == "ccpairs: no command 'biuld'; there is: build, judge, refilter, train, evaluate, lm\n"
    )
