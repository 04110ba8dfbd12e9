"""What a comparison with a base found, typed: the evidence that is written and read back."""

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, NonNegativeFloat, NonNegativeInt, PositiveFloat

from gatewright.core.verdict import Verdict
from gatewright.evidence.report import Model, SuiteReport
from gatewright.slo import Measure, Side
from gatewright.suites.slo.report import Noise

__all__ = ["SCHEMA", "BaseResult", "BlockResult", "CompareReport", "MeasureResult", "PlanResult"]

SCHEMA: Literal["gatewright.compare/1"] = "gatewright.compare/1"


class BaseResult(Model):
    """The base: the revision as it was named, its commit, and the environment that it ran in, in words.

    `same_as_candidate` says that the work tree held the very same files: an A/A run, which shows nothing
    but the noise of the measurement.
    """

    revision: str
    commit: str
    environment: str
    same_as_candidate: bool


class PlanResult(Model):
    """How it was measured: `rate` in runs/s, times in seconds; `looks` are numbers of blocks.

    `alpha` is the error of all bounds of a measure together: both sides, all looks.
    """

    rate: PositiveFloat
    block_s: PositiveFloat
    warm_up_s: PositiveFloat
    deadline_s: PositiveFloat
    seed: int
    looks: tuple[NonNegativeInt, ...]
    alpha: Annotated[float, Field(gt=0, lt=1)]


class MeasureResult(Model):
    """One measure of both sides, and what was decided about their ratio.

    Attributes:
        measure: which.
        base_ms: over all blocks: CPU milliseconds per run, or the percentile of the pooled latencies.
        candidate_ms: likewise.
        ratio: candidate/base, the geometric mean over rounds; null before there are enough blocks.
        lower: its lower bound; FAIL when above `fail_above`.
        upper: its upper bound; PASS when below `pass_below`.
        fail_above: the margin of policy.
        pass_below: likewise.
        verdict: of this measure.
        missing: in words, what would make it conclusive; empty when it is.
    """

    measure: Measure
    base_ms: NonNegativeFloat | None
    candidate_ms: NonNegativeFloat | None
    ratio: PositiveFloat | None
    lower: NonNegativeFloat | None
    upper: PositiveFloat | None
    fail_above: FiniteFloat
    pass_below: FiniteFloat
    verdict: Verdict
    missing: str = ""


class BlockResult(Model):
    """One block, in the order in which they were measured; two of them are a round.

    `cpu_pressure` is the share of the time in which some task of the machine waited for a CPU.
    """

    side: Side
    seed: int
    runs: NonNegativeInt
    failed: NonNegativeInt
    cpu_ms_per_run: FiniteFloat | None
    p50_ms: NonNegativeFloat | None
    p95_ms: NonNegativeFloat | None
    lag_p99_ms: NonNegativeFloat
    cpu_pressure: NonNegativeFloat | None


class CompareReport(SuiteReport):
    """The report of `gatewright slo compare`: the shared envelope, the decisions, and every block."""

    schema_version: Literal["gatewright.compare/1"] = SCHEMA
    service: str
    base: BaseResult
    plan: PlanResult
    measures: tuple[MeasureResult, ...]
    blocks: tuple[BlockResult, ...]
    noise: Noise | None
    remarks: tuple[str, ...] = ()
