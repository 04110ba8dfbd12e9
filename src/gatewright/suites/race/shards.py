"""Shards: the parts of one run, made on several machines, become the evidence of the whole."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.core.provenance import UNKNOWN, read_tree
from gatewright.core.verdict import Verdict, merge_verdicts
from gatewright.evidence.record import EVIDENCE
from gatewright.evidence.report import Reason
from gatewright.evidence.strict import EvidenceError, read_model
from gatewright.race import MissBound, Share, read_share
from gatewright.suites.race.config import RaceSuiteConfig
from gatewright.suites.race.evidence import miss_bound, replay_command
from gatewright.suites.race.reasons import counts, metrics, reasons
from gatewright.suites.race.report import (
    Aggregate,
    Counterexample,
    InvariantResult,
    MissBoundResult,
    RaceReport,
    ScenarioResult,
    SelfCheckResult,
)

__all__ = ["amount_of", "merge", "only_a_shard", "read_shards", "source_of"]

REPORTS = ("latest.json", "report.json")
OWN_TO_A_SHARD = frozenset({"output", "shard", "keep", "profile"})
SAME = ("suite", "seed", "amount", "source", "modes")


def amount_of(config: RaceSuiteConfig) -> str:
    """A digest of how much is raced and how; shards of one run agree in it."""
    values = [
        (each.name, getattr(config, each.name))
        for each in fields(RaceSuiteConfig)
        if each.name not in OWN_TO_A_SHARD
    ]
    plain = [(name, sorted(value.items()) if isinstance(value, dict) else value) for name, value in values]
    return hashlib.sha256(repr(plain).encode()).hexdigest()[:16]


def source_of(folder: Path) -> str:
    """The digest of the work tree around a folder; unknown outside of any."""
    roots = [each for each in (folder, *folder.parents) if (each / "gate.toml").is_file()]
    return read_tree(roots[0], EVIDENCE).digest if roots else UNKNOWN


def only_a_shard(share: Share) -> Reason:
    """Why the report of one shard can't pass by itself."""
    return Reason(
        rule="race/shards",
        message=f"this is shard {share} only",
        expected="the evidence of all shards together",
        observed=str(share),
        command="python -m gatewright merge FOLDER...",
    )


def read_shards(folders: Iterable[Path]) -> list[RaceReport]:
    """The reports in these folders.

    Raises:
        ConfigurationError: a folder without a report, or with one that can't be believed.
    """
    reports = []
    for folder in folders:
        paths = [folder / name for name in REPORTS if (folder / name).is_file()]
        if not paths:
            raise ConfigurationError(f"{folder}: no {' or '.join(REPORTS)}")
        try:
            reports.append(read_model(paths[0], RaceReport))
        except EvidenceError as error:
            raise ConfigurationError(f"{folder}: {error.message}") from error
    return reports


def merge(reports: Sequence[RaceReport], output: Path) -> RaceReport:
    """One report of all shards; missing ones leave it INCONCLUSIVE.

    Args:
        reports: of the shards, in any order.
        output: where the merged report and its tapes will stand.

    Raises:
        ConfigurationError: no shards, a shard twice, or shards of different runs.
    """
    if not reports:
        raise ConfigurationError("no shards to merge", remedy="name the folders of their evidence")
    reports = sorted(reports, key=lambda report: read_share(report.shard).index)
    check_same(reports)
    first = reports[0]
    results = merged_results(reports, output)
    checked = merged_self_check(reports)
    broken = [reason for report in reports for reason in report.reasons if reason.rule == "race/finished"]
    missing = [*broken, *missing_shards(reports)]
    verdicts = [result.verdict for result in results]
    if missing:
        verdicts.append(Verdict.INCONCLUSIVE)
    if checked is not None:
        verdicts.append(checked.verdict)
    skipped = tuple(dict.fromkeys(part for report in reports for part in report.skipped))
    return RaceReport(
        suite=first.suite,
        verdict=merge_verdicts(verdicts),
        reasons=(*reasons(results, checked, first.command), *missing),
        counts=counts(results, len(skipped)),
        metrics=metrics(results, checked),
        started_at=min(report.started_at for report in reports),
        finished_at=max(report.finished_at for report in reports),
        modes=first.modes,
        seed=first.seed,
        profile=first.profile,
        amount=first.amount,
        source=first.source,
        command=first.command,
        merged_from=tuple(report.shard for report in reports),
        scenarios=tuple(results),
        self_check=checked,
        skipped=skipped,
        timings={
            f"{report.shard} {name}": value for report in reports for name, value in report.timings.items()
        },
    )


def check_same(reports: Sequence[RaceReport]) -> None:
    """Refuse shards that are not of one run."""
    for name in SAME:
        values = {str(getattr(report, name)) for report in reports}
        if len(values) > 1:
            raise ConfigurationError(f"the shards differ in {name}: {', '.join(sorted(values))}")
    shards = Counter(read_share(report.shard) for report in reports)
    if len({share.count for share in shards}) > 1:
        raise ConfigurationError(f"shards of different runs: {', '.join(map(str, shards))}")
    if twice := [share for share, number in shards.items() if number > 1]:
        raise ConfigurationError(f"shard {twice[0]} was given twice")


def missing_shards(reports: Sequence[RaceReport]) -> list[Reason]:
    """A reason for each shard that is not there."""
    count = read_share(reports[0].shard).count
    there = {read_share(report.shard).index for report in reports}
    return [
        Reason(
            rule="race/shards",
            message=f"shard {index}/{count} is missing",
            expected=f"the evidence of {count} shards",
            observed=f"{len(there)}",
            command=f"{reports[0].command} --shard {index}/{count}",
        )
        for index in range(1, count + 1)
        if index not in there
    ]


def merged_self_check(reports: Sequence[RaceReport]) -> SelfCheckResult | None:
    """Every planted fault belongs to one shard."""
    checks = [report.self_check for report in reports if report.self_check is not None]
    if not checks:
        return None
    return SelfCheckResult(
        planted=sum(check.planted for check in checks),
        killed=sum(check.killed for check in checks),
        faults=tuple(fault for check in checks for fault in check.faults),
    )


def merged_results(reports: Sequence[RaceReport], output: Path) -> list[ScenarioResult]:
    """The scenarios of all shards, each once in each mode."""
    parts: dict[tuple[str, str, str], list[tuple[str, ScenarioResult]]] = {}
    for report in reports:
        for result in report.scenarios:
            key = (result.mode, result.database, result.scenario)
            parts.setdefault(key, []).append((report.shard, result))
    return [merged_result(each, len(reports), output) for each in parts.values()]


def merged_result(parts: Sequence[tuple[str, ScenarioResult]], shards: int, output: Path) -> ScenarioResult:
    """One scenario in one mode; iterations are numbered on from shard to shard."""
    results = renumbered([result for _, result in parts])
    doubts = list(dict.fromkeys(doubt for result in results for doubt in result.doubts))
    if len(parts) < shards:
        doubts.append(f"only {len(parts)} of {shards} shards raced it")
    failed = sum(result.failed for result in results)
    undecided = Verdict.INCONCLUSIVE if doubts else Verdict.PASS
    iterations = sum(result.iterations for result in results)
    examples = [result.counterexample for result in results if result.counterexample is not None]
    return results[0].model_copy(
        update={
            "verdict": Verdict.FAIL if failed else undecided,
            "iterations": iterations,
            "failed": failed,
            "overlapped": sum(result.overlapped for result in results),
            "strategies": dict(sum((Counter(result.strategies) for result in results), Counter())),
            "achieved": achieved(parts),
            "pruned": sum(result.pruned for result in results),
            "miss_bounds": miss_bounds(results),
            "first_failure": min((r.first_failure for r in results if r.first_failure), default=0),
            "metrics": aggregates(results, iterations),
            "invariants": invariants(results),
            "doubts": tuple(doubts),
            "details": tuple(detail for result in results for detail in result.details),
            "counterexample": placed(min(examples, key=lambda each: each.preemptions), output)
            if examples
            else None,
        }
    )


def renumbered(results: Sequence[ScenarioResult]) -> list[ScenarioResult]:
    """The same results, their iterations numbered on from one to the next."""
    moved, before = [], 0
    for result in results:
        example = result.counterexample
        moved.append(
            result.model_copy(
                update={
                    "first_failure": result.first_failure and result.first_failure + before,
                    "details": tuple(
                        each.model_copy(update={"iteration": each.iteration + before})
                        for each in result.details
                    ),
                    "invariants": tuple(shifted(each, before) for each in result.invariants),
                    "counterexample": example
                    and example.model_copy(update={"iteration": example.iteration + before}),
                }
            )
        )
        before += result.iterations
    return moved


def shifted(seen: InvariantResult, before: int) -> InvariantResult:
    """The same failures in later iterations."""
    failures = tuple(each.model_copy(update={"iteration": each.iteration + before}) for each in seen.failures)
    return seen.model_copy(update={"failures": failures})


def achieved(parts: Sequence[tuple[str, ScenarioResult]]) -> dict[str, str]:
    """What each strategy covered; told shard by shard where they differ."""
    told: dict[str, dict[str, list[str]]] = {}
    for shard, result in parts:
        for name, text in result.achieved.items():
            told.setdefault(name, {}).setdefault(text, []).append(shard)
    return {
        name: next(iter(texts))
        if len(texts) == 1
        else "; ".join(f"{', '.join(shards)}: {text}" for text, shards in texts.items())
        for name, texts in told.items()
    }


def miss_bounds(results: Sequence[ScenarioResult]) -> tuple[MissBoundResult, ...]:
    """The bounds of all runs together; runs under a shorter horizon than the longest guarantee nothing."""
    bounds = [bound for result in results for bound in result.miss_bounds]
    merged = []
    for depth in sorted({bound.depth for bound in bounds}):
        same = [bound for bound in bounds if bound.depth == depth]
        horizon = max(bound.horizon for bound in same)
        runs = sum(bound.runs for bound in same if bound.horizon == horizon)
        merged.append(miss_bound(MissBound(depth, max(bound.actors for bound in same), horizon, runs)))
    return tuple(merged)


def aggregates(results: Sequence[ScenarioResult], iterations: int) -> dict[str, Aggregate]:
    """The metrics over the iterations of all shards."""
    merged = {}
    for name in sorted({name for result in results for name in result.metrics}):
        values = [result.metrics[name] for result in results if name in result.metrics]
        total = sum(value.sum for value in values)
        merged[name] = Aggregate(
            min=min(value.min for value in values),
            max=max(value.max for value in values),
            sum=total,
            avg=round(total / iterations, 3),
        )
    return merged


def invariants(results: Sequence[ScenarioResult]) -> tuple[InvariantResult, ...]:
    """Every invariant, counted over all shards."""
    by_name: dict[str, list[InvariantResult]] = {}
    for result in results:
        for seen in result.invariants:
            by_name.setdefault(seen.name, []).append(seen)
    return tuple(
        same[0].model_copy(
            update={
                "evaluated": sum(seen.evaluated for seen in same),
                "violated": sum(seen.violated for seen in same),
                "failures": tuple(failure for seen in same for failure in seen.failures),
            }
        )
        for _, same in sorted(by_name.items())
    )


def placed(example: Counterexample, output: Path) -> Counterexample:
    """The same counterexample, its tape beside the merged report."""
    return example.model_copy(update={"command": replay_command(output / example.tape_file)})
