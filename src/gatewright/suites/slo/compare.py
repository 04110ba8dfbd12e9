"""Measures the work tree against a base, until it is decided or the blocks are spent."""

import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.core.verdict import Verdict
from gatewright.evidence.report import Counts, Reason
from gatewright.load import DEFAULT_DEADLINE_S, LogHistogram, NoiseMeter, NoiseReading
from gatewright.slo import (
    BLOCKS_OF_A_ROUND,
    Block,
    CompareRules,
    Comparison,
    Measure,
    MeasureDecision,
    Side,
    compare,
)
from gatewright.slo.compare import PERCENTILES
from gatewright.suites.slo.base_environment import find_environment
from gatewright.suites.slo.base_tree import Revision, find_revision, unpack
from gatewright.suites.slo.compare_report import (
    BaseResult,
    BlockResult,
    CompareReport,
    MeasureResult,
    PlanResult,
)
from gatewright.suites.slo.findings import noise
from gatewright.suites.slo.measured_service import MeasuredService
from gatewright.suites.slo.rounds import LoadedBlock, RoundPlan, Stage, run_round
from gatewright.suites.slo.units import MILLISECONDS, in_ms

__all__ = ["CompareConfig", "CompareRun", "begun_comparison", "run_comparison"]

SUITE = "slo-compare"
ARTIFACT = "report.json"


@dataclass(frozen=True)
class CompareConfig:
    """What is compared, and how.

    Attributes:
        project: the work tree, the top folder of a checkout.
        base: the revision that it is compared with.
        service: what is started and what a run does.
        rate: runs offered per second.
        block_s: length of a block, in seconds.
        warm_up_s: load before the first block after each start of a server, in seconds.
        deadline_s: a run that takes longer is given up and counts as failed.
        seed: of the arrivals.
        rules: when and how to decide.
        base_python: a command that starts the base's interpreter; None to find or make one.
        command: what repeats the comparison.
    """

    project: Path
    base: str
    service: MeasuredService
    rate: float
    block_s: float = 1.0
    warm_up_s: float = 0.5
    deadline_s: float = DEFAULT_DEADLINE_S
    seed: int = 1
    rules: CompareRules = field(default_factory=CompareRules)
    base_python: str | None = None
    command: str = ""

    def __post_init__(self) -> None:
        for name in ("rate", "block_s", "warm_up_s", "deadline_s"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigurationError(f"{name} must be a positive number, not {getattr(self, name):g}")
        if self.rate * self.block_s < 1:
            raise ConfigurationError(
                f"blocks of {self.block_s:g} s at {self.rate:g} runs/s are empty",
                remedy="raise the rate, or lengthen the blocks",
            )

    @property
    def round_plan(self) -> RoundPlan:
        """How each round is measured."""
        return RoundPlan(self.rate, self.block_s, self.warm_up_s, self.deadline_s, self.seed)


@dataclass
class CompareRun:
    """What is known so far; a report can be made of it at any moment.

    `decided` is of the last look.
    """

    config: CompareConfig
    revision: Revision
    started_at: datetime
    environment: str = ""
    blocks: list[LoadedBlock] = field(default_factory=list)
    decided: Comparison | None = None
    noise: NoiseReading | None = None

    def report(self, problem: Reason | None = None) -> CompareReport:
        """The report; a problem keeps it from PASS and from FAIL."""
        reasons = [*([problem] if problem else []), *explain(self)]
        verdict = Verdict.INCONCLUSIVE if problem or self.decided is None else self.decided.verdict
        return CompareReport(
            suite=SUITE,
            verdict=verdict,
            reasons=tuple(reasons),
            counts=self._counts(),
            metrics=dict(metrics(self.decided)),
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
            service=self.config.service.name,
            base=self._base(),
            plan=self._plan(),
            measures=tuple(measure_results(self)),
            blocks=tuple(map(block_result, self.blocks)),
            noise=None if self.noise is None else noise(self.noise),
            remarks=tuple(remarks(self)),
        )

    def _counts(self) -> Counts:
        decisions = self.decided.decisions if self.decided else ()
        return Counts(
            collected=len(Measure),
            passed=sum(each.verdict is Verdict.PASS for each in decisions),
            failed=sum(each.verdict is Verdict.FAIL for each in decisions),
            samples=sum(each.block.runs for each in self.blocks),
        )

    def _base(self) -> BaseResult:
        return BaseResult(
            revision=self.revision.name,
            commit=self.revision.commit,
            environment=self.environment,
            same_as_candidate=self.revision.is_candidate,
        )

    def _plan(self) -> PlanResult:
        config = self.config
        return PlanResult(
            rate=config.rate,
            block_s=config.block_s,
            warm_up_s=config.warm_up_s,
            deadline_s=config.deadline_s,
            seed=config.seed,
            looks=config.rules.looks,
            alpha=config.rules.alpha,
        )


def begun_comparison(config: CompareConfig) -> CompareRun:
    """A comparison in which nothing is measured yet.

    Raises:
        ConfigurationError: the base is no revision.
        GatewrightError: git can't be asked.
    """
    return CompareRun(config, find_revision(config.project, config.base), datetime.now(UTC))


def run_comparison(run: CompareRun, show: Callable[[CompareRun], None]) -> CompareReport:
    """Measure round after round until a look decides, or the blocks are spent.

    Whatever keeps it from being measured (a base that does not start, packages that can't be installed)
    gives an INCONCLUSIVE report with its reason.

    Args:
        run: as it was begun; holds what was measured, also when this is interrupted.
        show: called after each round.

    Raises:
        ConfigurationError: the base's interpreter, as it was given, can't be used.
    """
    meter = NoiseMeter()
    try:
        with tempfile.TemporaryDirectory(prefix="slo-compare-") as name:
            stages = prepare(run, Path(name))
            for number in range(1, run.config.rules.looks[-1] // BLOCKS_OF_A_ROUND + 1):
                run_round(number, stages, run.config.round_plan, Path(name), run.blocks.append)
                run.noise = meter.read()
                ends = look(run)
                show(run)
                if ends:
                    break
    except ConfigurationError:
        raise
    except GatewrightError as error:
        return run.report(Reason(rule="comparable", message=str(error), command=run.config.command))
    return run.report()


def prepare(run: CompareRun, folder: Path) -> Mapping[Side, Stage]:
    """The trees and environments of both sides."""
    config = run.config
    source = folder / "base"
    source.mkdir()
    unpack(config.project, run.revision, source)
    environment = find_environment(
        candidate=config.project,
        base=source,
        locks=config.service.locks,
        given=config.base_python,
        folder=folder / "environment",
    )
    run.environment = environment.origin
    pythons = {Side.BASE: environment.python, Side.CANDIDATE: Path(sys.executable)}
    sources = {Side.BASE: source, Side.CANDIDATE: config.project}
    return {
        side: Stage(config.service, pythons[side], sources[side], os.environ, config.project) for side in Side
    }


def look(run: CompareRun) -> bool:
    """Decide where it is time to; whether no more blocks are needed."""
    rules = run.config.rules
    comparison = compare([each.block for each in run.blocks], rules)
    if len(run.blocks) in rules.looks or comparison.hopeless:
        run.decided = comparison
    return comparison.hopeless or (
        run.decided is comparison and comparison.verdict is not Verdict.INCONCLUSIVE
    )


def explain(run: CompareRun) -> Iterator[Reason]:
    """Why it is no PASS: problems first, then each measure."""
    if run.decided is None:
        return
    command = run.config.command
    if dropped := sum(each.dropped for each in run.blocks):
        yield Reason(rule="schedule-kept", message=f"the generator dropped {dropped} runs", artifact=ARTIFACT)
    if run.decided.verdict is not Verdict.FAIL:
        for problem in run.decided.problems:
            yield Reason(
                rule="comparable", message=problem, artifact=ARTIFACT, pointer="/blocks", command=command
            )
    for place, each in enumerate(run.decided.decisions):
        if each.ratio is not None and each.verdict is not Verdict.PASS and counts(each, run.decided):
            yield Reason(
                rule=each.measure.value,
                message=words_of(each),
                artifact=ARTIFACT,
                pointer=f"/measures/{place}",
                expected=f"upper bound below {each.margins.pass_below:g}",
                observed=f"{each.lower:.4g} .. {each.upper:.4g}",
                command=command,
            )


def counts(decision: MeasureDecision, whole: Comparison) -> bool:
    """Whether a measure is a reason for the whole's verdict: doubts are none when something has failed."""
    return decision.verdict is whole.verdict or whole.verdict is Verdict.INCONCLUSIVE


def words_of(each: MeasureDecision) -> str:
    """A measure that did not pass, in one line."""
    bounds = f"{each.ratio:.3f} of the base, 95% bounds {each.lower:.3f} to {each.upper:.3f}"
    if each.verdict is Verdict.FAIL:
        return f"{each.measure} is {bounds}: slower by more than {100 * (each.margins.fail_above - 1):.3g}%"
    return f"{each.measure} is not decided: {bounds}; {each.missing}"


def remarks(run: CompareRun) -> Iterator[str]:
    """What a reader should know beside the figures."""
    if run.revision.is_candidate:
        yield "A/A: the base holds the same files as the work tree; a difference is the measurement's own."
    lags = [each.lag_p99_s for each in run.blocks]
    if lags:
        yield f"The generator sent late by {max(lags) * MILLISECONDS:.1f} ms at most (p99 of a block)."


def metrics(comparison: Comparison | None) -> Iterator[tuple[str, float]]:
    """Figures that a policy may name."""
    for each in comparison.decisions if comparison else ():
        for name, value in (("", each.ratio), ("_lower", each.lower), ("_upper", each.upper)):
            if value is not None:
                yield f"{each.measure}_ratio{name}", value


def measure_results(run: CompareRun) -> Iterator[MeasureResult]:
    """Each measure as evidence."""
    for each in run.decided.decisions if run.decided else ():
        base, candidate = (
            overall(each.measure, [loaded.block for loaded in run.blocks if loaded.block.side is side])
            for side in (Side.BASE, Side.CANDIDATE)
        )
        yield MeasureResult(
            measure=each.measure,
            base_ms=base,
            candidate_ms=candidate,
            ratio=each.ratio,
            lower=each.lower,
            upper=each.upper,
            fail_above=each.margins.fail_above,
            pass_below=each.margins.pass_below,
            verdict=each.verdict,
            missing=each.missing,
        )


def overall(measure: Measure, blocks: Sequence[Block]) -> float | None:
    """A measure over all blocks of a side, in milliseconds; latencies are pooled, never averaged."""
    if measure is Measure.CPU:
        used = [block.cpu_s for block in blocks if block.cpu_s is not None]
        runs = sum(block.runs for block in blocks)
        return in_ms(sum(used) / runs) if runs and len(used) == len(blocks) else None
    pooled = LogHistogram(max(0.0, latency) for block in blocks for latency in block.latencies_s)
    return in_ms(pooled.percentile(PERCENTILES[measure]))


def block_result(loaded: LoadedBlock) -> BlockResult:
    """One block as evidence."""
    block = loaded.block
    cpu, p50, p95 = (in_ms(block.figure(measure)) for measure in (Measure.CPU, Measure.P50, Measure.P95))
    return BlockResult(
        side=block.side,
        seed=loaded.seed,
        runs=block.runs,
        failed=block.failed,
        cpu_ms_per_run=cpu,
        p50_ms=p50,
        p95_ms=p95,
        lag_p99_ms=loaded.lag_p99_s * MILLISECONDS,
        cpu_pressure=loaded.cpu_pressure,
    )
