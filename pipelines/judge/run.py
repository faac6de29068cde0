"""A run of ``judge`` from end to end: pools and folds, then in each round models, vectors, decoys, shards, manifests.

::

    OUTPUT/pairs/SOURCE/SOURCE-*.parquet     kept pairs, and _manifest.json, written last
    OUTPUT/dropped/SOURCE/SOURCE-*.parquet   all others, with the same columns and names
    OUTPUT/decoys/SOURCE.parquet             known mismatches, judged alike
    OUTPUT/_work/                            pools, models, notes of shards that are done, earlier rounds

Every step finds what it did before by a hash of what went into it, so a rerun after any interruption redoes only what
is missing, and the bytes are the same.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from apache_beam.utils.shared import Shared

from ccpairs import storage
from ccpairs.output_folder import check_unfinished
from filters.consistency import HIGH_LEAKAGE, Consistency, leakage
from models.ranks.bm25 import VERSION as BM25_VERSION
from models.ranks.rule import TOLERANCE
from pipelines.build import counted
from pipelines.engine import Engine, cores
from pipelines.judge.candidates import Candidates
from pipelines.judge.decoy_files import VERSION as DECOYS_VERSION
from pipelines.judge.decoy_files import check_decoys_file, decoys_by_k, numbers_of
from pipelines.judge.decoy_judging import judge_decoys
from pipelines.judge.fold_groups import FoldGroups
from pipelines.judge.fold_joining import make_groups
from pipelines.judge.fold_models import check_models, trained
from pipelines.judge.judge_shards import judge_graph
from pipelines.judge.judges import JudgePlan, Judges
from pipelines.judge.manifests import JudgedReport, Judgement, finished, judge_versions, write_manifests
from pipelines.judge.pool import ROLES, Pool, make_pools
from pipelines.judge.request import JudgeRequest
from pipelines.judge.rules import with_k_of_decoys
from pipelines.judge.shards import ShardTask, begin, found_notes, raise_failures
from pipelines.judge.vectors import encode_pool, vectors_file
from pipelines.progress import Done, shown
from pipelines.shard_run import digest

log = logging.getLogger("ccpairs")


def judge(request: JudgeRequest, engine: Engine) -> list[JudgedReport]:
    """Do whatever is not done yet; one report for each source."""
    for each in request.candidates:
        check_unfinished(request.output, each.source, "pairs", {"dropped": each.source})
        check_decoys_file(request.output, each.source)
    pools = make_pools(request.pool_plans(), engine, request.output, request.work)
    warn_of_small_data(request, pools)
    groups = make_groups(request.candidates, engine, request.output, request.work) if request.folds > 1 else None
    before: Sequence[JudgedReport] = ()
    for number in range(1, request.rounds + 1):
        last = number == request.rounds
        output = request.output if last else storage.join(request.output, "_work", "rounds", str(number))
        if request.rounds > 1:
            log.info("round %d of %d", number, request.rounds)
        before = Round(request, engine, pools, groups, output, before).run()
    return list(before)


def warn_of_small_data(request: JudgeRequest, pools: Sequence[Pool]) -> None:
    """Say where a pool is all of the data."""
    small = [f"{pool.name} {pool.rows:,}" for pool in pools if pool.rows < request.pool_size]
    if small:
        log.warning(
            "pool: there are fewer pairs than --pool-size %s, so it is all of them: %s",
            *(f"{request.pool_size:,}", ", ".join(small)),
        )


@dataclass(frozen=True)
class Round:
    """One round: judge all candidates by models of the candidates, or of what the round ``before`` kept."""

    request: JudgeRequest
    engine: Engine
    pools: Sequence[Pool]
    groups: Path | None
    output: str
    before: Sequence[JudgedReport]

    def run(self) -> list[JudgedReport]:
        plan = self._plan()
        shared = Shared()
        judges: Judges = shared.acquire(lambda: Judges(plan))
        check_models(plan.models, judges.encoders)
        self._encode(judges)
        decoys = self._decoys(judges)
        rules = {each.source: self._rule(each.source, decoys) for each in self.request.candidates}
        self._warn_of_leakage(rules, judges)
        judgements = [self._judgement(each, rules[each.source], judges, decoys) for each in self.request.candidates]
        done = {each.source: finished(each) for each in judgements}
        for source, report in done.items():
            if report is not None:
                log.info("judge %s: found done (%s pairs kept)", source, f"{report.manifest.rows:,}")
        missing = [each for each in judgements if done[each.source] is None]
        if missing:
            judges.open_all()
            self._shards(missing, plan, rules, shared)
        for each in missing:
            done[each.source] = write_manifests(each, found_notes(each.tasks), judges.paths)
        return [report for report in done.values() if report is not None]

    def _plan(self) -> JudgePlan:
        request = self.request
        models: tuple[Any, ...] = tuple(request.models)
        if request.needs_models and not models:
            data = [folder for each in self.before for folder in (each.folder, each.dropped)]
            survivors = request.rule.loosest(request.max_rank) if data else None
            data = data or [each.folder for each in request.candidates]
            models = trained(
                *(data, request.folds, request.preset, request.work, survivors, request.trust_remote_code),
                groups=FoldGroups.load(self.groups),
            )
        by_name = {pool.name: pool.folder for pool in self.pools}
        pools = {
            each.source: by_name["all" if request.pool_scope == "all" else each.source]
            for each in request.candidates
            if each.manifest.rows
        }
        return JudgePlan(
            work=request.work,
            pools=pools,
            models=models if request.needs_models else (),
            sublinear_tf=request.term_frequency == "sublinear",
            folds=request.folds,
            max_rank=request.max_rank,
            rank_path=request.rank_path,
            bm25_size=request.bm25_pool_size or 0,
            threads=threads_of(self.engine),
            trust_remote_code=request.trust_remote_code,
            prompts=request.prompts,
            groups=self.groups,
        )

    def _encode(self, judges: Judges) -> None:
        """Encode every pool by every model, as far as that is not done."""
        missing = [
            (pool, encoder, role)
            for pool in self.pools
            for encoder in judges.encoders
            for role in ROLES
            if not vectors_file(self.request.work, pool, encoder.fingerprint, role).is_file()
        ]
        total = sum(pool.rows for pool, _, _ in missing)
        done = 0

        def told(number: int) -> None:
            nonlocal done
            done += number

        if total:
            log.info("encode: %s of the pool", counted(total, "text"))
        with shown("encode", total, lambda: Done(done), unit="texts"):
            for pool, encoder, role in missing:
                encode_pool(self.request.work, pool, encoder, role, told)

    def _decoys(self, judges: Judges) -> Mapping[str, Any]:
        """The judged decoys of each source that has any pairs."""
        request = self.request
        if not request.decoys:
            return {}
        keys = {
            each.source: digest([self._shaped(judges, each.source), request.decoys, each.source, DECOYS_VERSION])
            for each in request.candidates
            if each.manifest.rows
        }
        done = 0

        def told(number: int) -> None:
            nonlocal done
            done += number

        with shown("decoys", 2 * request.decoys * len(keys), lambda: Done(done), unit="decoys"):
            found = judge_decoys(judges, keys, request.decoys, self.output, told)
        few = {source: min(numbers_of(table).values()) for source, table in found.items()}
        if few := {source: number for source, number in few.items() if number < request.decoys}:
            told_few = ", ".join(f"{source} {number:,}" for source, number in few.items())
            log.info(
                "decoys: fewer than %s of a kind, for few pairs are in the pool: %s", f"{request.decoys:,}", told_few
            )
        return found

    def _shaped(self, judges: Judges, source: str) -> dict[str, Any]:
        """Everything but the rule that shapes a judgement of a source's pairs."""
        request = self.request
        return {
            "models": [encoder.fingerprint for encoder in judges.encoders],
            "pool": judges.pool(source).fingerprint if source in judges.plan.pools else None,
            "folds": request.folds,
            "fold_rule": request.told()["fold_rule"],
            "fold_groups": judges.groups.identity,
            "max_rank": request.max_rank,
            "bm25_pool_size": request.bm25_pool_size,
            "tolerance": TOLERANCE,
            "bm25_version": BM25_VERSION if request.bm25_pool_size else None,
            "versions": judge_versions(),
        }

    def _rule(self, source: str, decoys: Mapping[str, Any]) -> Consistency:
        rule = self.request.rule_of(source)
        counts = decoys_by_k(rule, decoys[source])[rule.direction] if source in decoys else {}
        return with_k_of_decoys(rule, self.request.rule.limits(source), counts, source)

    def _warn_of_leakage(self, rules: Mapping[str, Consistency], judges: Judges) -> None:
        """Warn where a pool is so small that a noticeable share of random pairs passes a direction."""
        lax: dict[tuple[int, int], list[str]] = {}
        for source, rule in rules.items():
            if source in judges.plan.pools:
                rows = judges.pool(source).rows
                sizes = {"model": rows, "bm25": min(rows, self.request.bm25_pool_size or rows)}
                size = min(sizes[judge] for judge in rule.judges)
                if leakage(rule.k, size) > HIGH_LEAKAGE:
                    lax.setdefault((rule.k, size), []).append(source)
        for (k, size), sources in lax.items():
            log.warning(
                "%s: k = %d of a pool of %s lets about %.1e of random pairs pass a direction, which is above %.0e",
                *(", ".join(sources), k, f"{size:,}", leakage(k, size), HIGH_LEAKAGE),
            )

    def _judgement(self, each: Candidates, rule: Consistency, judges: Judges, decoys: Mapping[str, Any]) -> Judgement:
        """What is to be made of a source, and what is known of it already."""
        pool = judges.pool(each.source) if each.source in judges.plan.pools else None
        shaped = self._shaped(judges, each.source)
        old = next((report for report in self.before if report.manifest.source == each.source), None)
        tasks = [
            ShardTask(
                source=each.source,
                shard=(each.uri(shard),),
                sha256=(shard.sha256,),
                kept=storage.join(self.output, "pairs", each.source, shard.name),
                dropped=storage.join(self.output, "dropped", each.source, shard.name),
                note=storage.join(self.output, "_work", "notes", f"{shard.name}.json"),
                key=digest([shaped, repr(rule), shard.sha256, old.manifest.settings_hash if old else None]),
                before=storage.join(old.folder, shard.name) if old else None,
            )
            for shard in each.shards
        ]
        return Judgement(
            request=self.request,
            candidates=each,
            output=self.output,
            rule=rule,
            shaped=shaped,
            pool=pool,
            decoys=decoys.get(each.source),
            tasks=tasks,
            before=old,
        )

    def _shards(
        self, missing: Sequence[Judgement], plan: JudgePlan, rules: Mapping[str, Consistency], shared: Shared
    ) -> None:
        """Judge the shards that have no note yet, in one run of the engine over all sources."""
        for each in missing:
            each.make_room()
        tasks = [task for each in missing for task in each.tasks]
        undone = [task for task, note in zip(tasks, found_notes(tasks), strict=True) if note is None]
        if len(undone) < len(tasks):
            log.info("judge: %d of %d shards found done", len(tasks) - len(undone), len(tasks))
        if not undone:
            return
        rows = {each.uri(shard): shard.rows for each in self.request.candidates for shard in each.shards}
        # Largest first: the engine deals the shards out in turn, so the last to finish are small.
        undone.sort(key=lambda task: (-rows[task.shard[0]], task.kept))
        listing = storage.join(self.output, "_work", "judge.jsonl")
        begin(undone, listing)
        total = sum(rows[task.shard[0]] for task in undone)
        log.info("judge: %s, %s", counted(len(undone), "shard"), counted(total, "pair"))

        def look() -> Done:
            notes = set(storage.names_in(storage.join(self.output, "_work", "notes")))
            ready = [task for task in undone if task.note.rpartition("/")[2] in notes]
            return Done(sum(rows[task.shard[0]] for task in ready), f"{len(ready)} of {len(undone)} shards")

        hints = {"accelerator": self.request.accelerator, "min_ram": "8GB"} if self.request.accelerator else {}
        graph = partial(judge_graph, listing=listing, plan=plan, rules=rules, shared=shared, hints=hints)
        with shown("judge", total, look, unit="pairs"):
            self.engine.run(graph, seconds=0, parts=len(undone))
        raise_failures(undone)


def threads_of(engine: Engine) -> int:
    """Threads of one worker process."""
    return max(1, cores() // engine.worker_processes) if engine.is_local else 1
