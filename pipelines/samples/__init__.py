"""Sample dumps for all sources, in the containers and layouts of the real ones, from text that we wrote ourselves.

A demo and the tests run on them. They hold what can be learned from (facts about the world in varied wording) and dirt
that is known: the report says how many records of which kind went where, and what they must be rejected for. The same
seed makes the same bytes.
"""

from __future__ import annotations

import importlib
import os
import random
from collections.abc import Sequence

from pipelines.samples.report import SampleFile, SampleReport
from pipelines.samples.wording import Voice

SOURCES = ("reddit", "stackexchange", "wikipedia", "s2orc", "commoncrawl", "news", "communityqa")
"""Each is a module of this package, with a function ``write(folder, voice)``, and a folder of what it writes."""


def write_samples(folder: str, seed: int = 0, sources: Sequence[str] | None = None) -> SampleReport:
    """Write the sample dumps of the given sources (of all by default) and ``dirt.json``; raises ``ValueError``.

    What a source gets does not depend on the others.
    """
    for source in sources or ():
        if source not in SOURCES:
            raise ValueError(f"no samples for a source {source!r}; there are {', '.join(SOURCES)}")
    report = SampleReport(seed)
    for source in SOURCES if sources is None else sources:
        writer = importlib.import_module(f"pipelines.samples.{source}")
        report.files += writer.write(folder, Voice(random.Random(f"{seed}/{source}")))
    report.files.sort(key=lambda file: file.path)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "dirt.json"), "w", encoding="utf-8") as file:
        file.write(report.as_json())
    return report


__all__ = ["SOURCES", "SampleFile", "SampleReport", "write_samples"]
