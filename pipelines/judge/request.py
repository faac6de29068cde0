"""What ``judge`` is asked for, checked."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ccpairs import storage
from ccpairs.errors import UserError
from filters.consistency import Consistency
from models.encoders import Role
from models.hub import find_model
from models.model_folder import read_model_folder
from models.prompts import parse_prompts, shown_prompts
from pipelines.judge.candidates import Candidates
from pipelines.judge.identity import FOLD_RULE
from pipelines.judge.pool import PoolPlan
from pipelines.judge.rules import RuleChoice

log = logging.getLogger("ccpairs")

BM25_POOL_SIZE = 100_000

Scope = Literal["all", "source"]
TermFrequency = Literal["sublinear", "linear"]


@dataclass(frozen=True)
class JudgeRequest:
    """All choices of a run. ``models``: given ones, one for each fold; none are given where they are to be trained.

    ``term_frequency``: how static models count a token that a text repeats. ``bm25_pool_size``: None where BM25 does
    not judge. ``trust_remote_code``: run the code that models bring. ``prompts``: in the place of the given models'
    own; ``model_prompts``: those that each of these models encodes with.
    """

    candidates: Sequence[Candidates]
    output: str
    work: Path
    rule: RuleChoice = field(default_factory=RuleChoice)
    folds: int = 2
    models: Sequence[Path] = ()
    preset: str = "preliminary"
    term_frequency: TermFrequency = "sublinear"
    pool_size: int = 1_000_000
    pool_scope: Scope = "all"
    bm25_pool_size: int | None = None
    max_rank: int = 20
    rank_path: str = "auto"
    decoys: int = 2_000
    rounds: int = 1
    accelerator: str | None = None
    trust_remote_code: bool = False
    prompts: Mapping[Role, str] | None = None
    model_prompts: Sequence[Mapping[Role, str]] = ()
    argv: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Raises ``UserError`` where choices do not go together."""
        if self.models and len(self.models) != self.folds:
            raise UserError(
                f"{len(self.models)} models for {self.folds} folds; name one for each fold, in order, "
                f"or say --folds {len(self.models)}"
            )
        if self.models and self.rounds > 1:
            raise UserError("--rounds trains models again, so it takes none by --model; leave one of the two out")
        if self.rule.max_false_keep is not None and not self.decoys:
            raise UserError("--max-false-keep counts decoys; leave out --decoys 0")
        if not self.needs_models and self.rounds > 1:
            raise UserError("--rounds trains models, and BM25 has none; leave it out, or say --judge either")
        if not self.needs_models and self.rule.min_similarity is not None:
            raise UserError("--min-similarity is the model's; say --judge model, either or both")
        for each in self.candidates:
            self.rule_of(each.source)
        if unknown := sorted(set(self.rule.top_k_of) - {each.source for each in self.candidates}):
            raise UserError(
                f"--top-k {unknown[0]}=…: no such source; there is {', '.join(each.source for each in self.candidates)}"
            )
        if not any(each.manifest.rows for each in self.candidates):
            raise UserError("there is no pair to judge; name a build's output with rows in it")
        for each in self.candidates:
            for name in ("pairs", "dropped"):
                if storage.same_place(each.folder, storage.join(self.output, name, each.source)):
                    raise UserError(f"--output {self.output} is where the input lies; choose another --output")

    @property
    def needs_models(self) -> bool:
        return self.rule.judge != "bm25"

    def rule_of(self, source: str) -> Consistency:
        return self.rule.rule(source, self.max_rank)

    def pool_plans(self) -> list[PoolPlan]:
        """The pools to be drawn: one, or one for each source that has pairs."""
        if self.pool_scope == "all":
            return [PoolPlan("all", self.pool_size, tuple(self.candidates))]
        return [PoolPlan(each.source, self.pool_size, (each,)) for each in self.candidates if each.manifest.rows]

    def told(self) -> dict[str, Any]:
        """The choices that shape judged shards, apart from the rule, for their manifest."""
        return {
            "folds": self.folds,
            "fold_rule": FOLD_RULE,
            "trained_by": None if self.models or not self.needs_models else self.preset,
            "term_frequency": self.term_frequency if self.needs_models else None,
            "pool_size": self.pool_size,
            "pool_scope": self.pool_scope,
            "bm25_pool_size": self.bm25_pool_size,
            "max_rank": self.max_rank,
            "decoys": self.decoys,
            "rounds": self.rounds,
            **({"prompts": [dict(each) for each in self.model_prompts]} if self.models else {}),
        }


def asked_for(given: Any, candidates: Sequence[Candidates], rule: RuleChoice) -> JudgeRequest:
    """The request that flags make. Raises ``UserError`` where they do not go together."""
    models, prompts = [find_model(each) for each in given.model or ()], parse_prompts(given.prompts)
    if prompts is not None and not models:
        raise UserError(
            "--prompts is for models that --model names; a preset says those of the models that are trained"
        )
    stated = [read_model_folder(model, prompts, trust_remote_code=given.trust_remote_code) for model in models]
    for each in stated:
        log.info("%s: %s", each.folder, shown_prompts(each.prompts))
    work = given.work
    if work is None:
        if "://" in given.output:
            raise UserError(
                "models and pools are mapped from a local folder, which --output is not; name one by --work (on a "
                "cluster one that every worker sees)"
            )
        work = storage.join(given.output, "_work")
    lexical = rule.judge != "model" or given.bm25_pool_size is not None
    return JudgeRequest(
        candidates=candidates,
        output=given.output,
        work=Path(work).expanduser().absolute(),
        rule=rule,
        folds=given.folds or len(models) or 2,
        models=models,
        preset=given.preset,
        term_frequency=given.term_frequency,
        pool_size=given.pool_size,
        pool_scope=given.pool_scope,
        bm25_pool_size=(given.bm25_pool_size or BM25_POOL_SIZE) if lexical else None,
        max_rank=given.max_rank,
        rank_path=given.rank_path,
        decoys=given.decoys,
        rounds=given.rounds,
        accelerator=given.accelerator,
        trust_remote_code=given.trust_remote_code,
        prompts=prompts,
        model_prompts=[each.prompts for each in stated],
    )


def by_source(candidates: Sequence[Candidates]) -> Mapping[str, Candidates]:
    return {each.source: each for each in candidates}
