"""Time and memory of the loss and its gradient: row blocks beside autograd over the whole matrix.

    python -m benchmarks.loss [--batches 8192 32768] [--dimension 384] [--whole]

Each row runs in a process of its own. Memory is what the process held at most beyond what it held with torch and the
two matrices of vectors loaded. "Two threads" is how a static encoder in training calls the loss. ``--whole`` runs the
whole matrix too: at 32,768 it takes 12 GiB.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import Literal

import torch

from benchmarks.measuring import cpu_seconds, peak_memory_mb
from models.loss.collisions import Hashes
from models.loss.info_nce import InfoNce

TEMPERATURE = 0.02
KINDS = {
    "fp32": "row blocks",
    "bf16": "row blocks, bf16",
    "fp32, threads": "the same, two threads",
    "bf16, threads": "the same, two threads, bf16",
}


def one(kind: str, batch: int, dimension: int) -> None:
    """Measure in this process; print CPU seconds and MB."""
    torch.manual_seed(0)
    queries = torch.nn.functional.normalize(torch.randn(batch, dimension), dim=1)
    passages = torch.nn.functional.normalize(queries + torch.randn(batch, dimension) / dimension**0.5, dim=1)
    hashes = Hashes(torch.arange(batch), torch.arange(batch))
    InfoNce(TEMPERATURE)(queries[:64], passages[:64])
    before, begun = peak_memory_mb(), cpu_seconds()
    if kind == "whole":
        queries.requires_grad_()
        passages.requires_grad_()
        scores = queries @ passages.T / TEMPERATURE
        torch.nn.functional.cross_entropy(scores, torch.arange(batch)).backward()  # type: ignore[no-untyped-call]
    else:
        products: Literal["bf16", "fp32"] = "bf16" if "bf16" in kind else "fp32"
        threads = 2 if "threads" in kind else None
        InfoNce(TEMPERATURE, products=products)(queries, passages, hashes=hashes, threads=threads)
    print(f"{cpu_seconds() - begun} {peak_memory_mb() - before}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, nargs="+", default=[8192, 32768])
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--one", choices=[*KINDS, "whole"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one, arguments.batches[0], arguments.dimension)
        return
    print(f"{'batch':>7}  {'how':<28}{'CPU s':>8}{'MB':>8}")
    for batch in arguments.batches:
        names = KINDS | ({"whole": "whole matrix, autograd"} if arguments.whole else {})
        for kind, name in names.items():
            told = [
                sys.executable, "-m", "benchmarks.loss", "--one", kind, "--batches", str(batch),
                "--dimension", str(arguments.dimension),
            ]  # fmt: skip
            seconds, memory = map(float, subprocess.check_output(told, text=True).split())
            print(f"{batch:>7,}  {name:<28}{seconds:>8.2f}{memory:>8.0f}", flush=True)


if __name__ == "__main__":
    main()
