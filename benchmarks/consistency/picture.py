"""True kept against near kept over k, a line for each judge."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

MARKED = (2, 5, 10, 20)


def draw(path: Path, lines: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    """``lines``: name of a judge -> the shares kept at k = 1, 2, ... ; writes a PNG."""
    try:
        import matplotlib
    except ImportError:
        sys.exit("the plot needs matplotlib; pip install matplotlib brings it")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 5), dpi=100)
    for name, shares in lines.items():
        near, true = [100 * each["near"] for each in shares], [100 * each["true"] for each in shares]
        (line,) = axes.plot(near, true, marker=".", label=name)
        for k in MARKED:
            axes.annotate(str(k), (near[k - 1], true[k - 1]), fontsize=7, color=line.get_color())
    axes.axvline(2, color="grey", linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.set_xticks([0.2, 0.5, 1, 2, 5, 10, 20, 50, 100], ["0.2", "0.5", "1", "2", "5", "10", "20", "50", "100"])
    axes.minorticks_off()
    axes.set_xlabel("near mismatches kept, %")
    axes.set_ylabel("right pairs kept, %")
    axes.set_title("k = 1 to 20; the dotted line: 2 %")
    axes.legend(loc="upper left")
    axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, bbox_inches="tight")
