"""KenLM's programs: ``lmplz`` estimates a model, ``build_binary`` makes it quick to load. No wheel has them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from ccpairs.errors import UserError
from ccpairs.exhaustion import explain
from ccpairs.interruption import child_command

BUILT = Path(__file__).resolve().parents[2] / ".kenlm" / "bin"
"""Where ``make kenlm`` puts them."""


def find_tool(name: str) -> str:
    """The path of a program, from PATH or from ``make kenlm``; raises ``UserError`` where there is none."""
    found = shutil.which(name) or shutil.which(name, path=str(BUILT))
    if found is None:
        raise UserError(
            f"{name} is missing, and no wheel has it; 'make kenlm' in a checkout of ccpairs builds it in a minute, "
            "or put it into PATH"
        )
    return found


def estimate(
    lines: Iterable[str], order: int, arpa: Path, *, prune: Sequence[int], vocabulary: Path, memory: str, folder: Path
) -> None:
    """Estimate a model of ``lines`` (space-separated pieces) with modified Kneser-Ney smoothing, as an ARPA file.

    N-grams of order *i* that occur ``prune[i - 1]`` times or less are left out, and so are those with a word that is
    not in the file ``vocabulary``. ``memory`` is what lmplz may take for sorting (``1G``, ``50%``); it sorts in
    ``folder``. Where the counts are too few to estimate discounts it takes customary ones (``--discount_fallback``).
    """
    command = [find_tool("lmplz"), "-o", str(order), "--discount_fallback", "-S", memory, "-T", f"{folder}/"]
    command += ["--limit_vocab_file", str(vocabulary), "--arpa", str(arpa), "--skip_symbols"]
    if prune:
        command += ["--prune", *map(str, prune)]
    with (folder / "lmplz.log").open("w+b") as log:
        process = subprocess.Popen(child_command(command), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log)
        assert process.stdin is not None
        try:
            with process.stdin as stream:
                for line in lines:
                    stream.write(line.encode() + b"\n")
        except BrokenPipeError:
            pass  # it says why it ended
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.wait() != 0:
            log.seek(0)
            raise UserError(f"lmplz failed: {_reason(log.read(), process.returncode, folder)}")


def make_binary(arpa: Path, binary: Path, *, structure: str, bits: int | None, memory: str, folder: Path) -> None:
    """Make KenLM's binary of an ARPA file: ``structure`` is ``trie`` (small) or ``probing`` (fast).

    With ``bits``, a trie's probabilities and back-offs are kept in so many bits each, and its pointers are compressed.
    """
    command = [find_tool("build_binary"), "-S", memory, "-T", f"{folder}/"]
    if bits is not None:
        command += ["-q", str(bits), "-b", str(bits), "-a", "22"]
    command = child_command([*command, structure, str(arpa), str(binary)])
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        raise UserError(f"build_binary failed: {_reason(done.stderr, done.returncode, folder)}")


def _reason(log: bytes, code: int, folder: Path) -> str:
    """What a log says went wrong, in a line and without the place in KenLM's source."""
    text = log.decode("utf-8", "replace")
    if reason := explain(RuntimeError(text), "give it less with --memory", path=str(folder)):
        return reason
    if code < 0:
        return f"it was ended by signal {-code}; too little memory? Give it less with --memory"
    lines = [line.strip() for line in text.splitlines() if line.strip() not in ("", "ERROR")]
    thrown = next((number for number, line in enumerate(lines) if " threw " in line), len(lines) - 1)
    said = " ".join(lines[thrown + 1 :]) or lines[thrown].rpartition(" threw ")[2] if lines else f"exit code {code}"
    return said.removesuffix(".")
