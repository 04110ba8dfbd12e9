"""What earlier runs measured, written down when a run opens, so that its verdict is derived again offline."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from gatewright.core.model import Model
from gatewright.core.verdict import State, Verdict
from gatewright.evidence.ledger import LedgerCheck, LedgerEntry
from gatewright.evidence.manifest import CheckId, RunId
from gatewright.evidence.strict import EvidenceError, read_model
from gatewright.gate.policy import Check, Policy

__all__ = [
    "BASELINE",
    "Baseline",
    "CheckBaseline",
    "Sample",
    "TestRun",
    "compute_baseline",
    "needs_baseline",
    "read_baseline",
]

BASELINE = "baseline.json"
"""In the run folder, covered by its `SHA256SUMS`; there where the policy compares with earlier runs."""

Count = Annotated[int, Field(ge=0)]


class Sample(Model):
    """What one earlier run measured of a metric."""

    run_id: RunId
    value: FiniteFloat


class TestRun(Model):
    """How many tests one earlier run collected, and how many of them were flaky."""

    __test__ = False

    run_id: RunId
    collected: Count
    flaky: Count


class CheckBaseline(Model):
    """What a check is compared with, oldest first. A metric that nobody measured has an empty list."""

    metrics: dict[str, tuple[Sample, ...]] = Field(default_factory=dict)
    tests: tuple[TestRun, ...] = ()


class Baseline(Model):
    """What the checks of one run are compared with; `problem` says why there is nothing, if so."""

    schema_version: Literal["gatewright.baseline/1"] = "gatewright.baseline/1"
    profile: str
    problem: str = ""
    checks: dict[CheckId, CheckBaseline] = Field(default_factory=dict)


def needs_baseline(policy: Policy) -> bool:
    """Whether a policy compares with earlier runs at all."""
    return any(find_compared(check) or check.flaky_budget for check in policy.checks.values())


def find_compared(check: Check) -> list[str]:
    """The metrics of a check that are compared with earlier runs."""
    return [name for name, limit in check.limits.items() if limit.is_relative]


def compute_baseline(policy: Policy, history: Sequence[LedgerEntry], profile: str) -> Baseline:
    """Pick from the history what a policy compares with. Pure.

    Args:
        policy: says which metrics, and over how many runs.
        history: earlier runs, oldest first.
        profile: only runs of this profile count: another one measures something else.
    """
    earlier = [entry for entry in history if entry.profile == profile]
    checks = {
        name: CheckBaseline(
            metrics={
                metric: tuple(find_samples(earlier, name, metric))[-check.limits[metric].runs :]
                for metric in find_compared(check)
            },
            tests=find_tests(earlier, name, check),
        )
        for name, check in policy.checks.items()
        if find_compared(check) or check.flaky_budget
    }
    return Baseline(profile=profile, checks=checks)


def find_samples(history: Sequence[LedgerEntry], name: str, metric: str) -> Iterator[Sample]:
    """A metric in every run that a release could have gone out with, where the check itself was good."""
    for entry in history:
        check = entry.checks.get(name)
        if check and entry.verdict is Verdict.PASS and is_good(check) and metric in check.metrics:
            yield Sample(run_id=entry.run_id, value=check.metrics[metric])


def is_good(check: LedgerCheck) -> bool:
    """Whether a check settled by itself."""
    return check.state.settles and not check.waived


def find_tests(history: Sequence[LedgerEntry], name: str, check: Check) -> tuple[TestRun, ...]:
    """The latest runs that collected tests, whatever came of them, as long as they can be believed."""
    if check.flaky_budget is None or check.flaky_budget.runs == 1:
        return ()
    runs = [
        TestRun(run_id=entry.run_id, collected=found.counts.collected, flaky=found.counts.flaky)
        for entry in history
        if (found := entry.checks.get(name)) and found.counts.collected and not found.state.breaks_integrity
    ]
    return tuple(runs[1 - check.flaky_budget.runs :])


def read_baseline(folder: Path) -> Baseline | None:
    """What a run recorded of earlier runs; None where its policy asked for nothing."""
    try:
        return read_model(folder / BASELINE, Baseline)
    except EvidenceError as error:
        if error.state is State.MISSING:
            return None
        return Baseline(profile="", problem=error.message)
