"""Metrics against the limits of the policy: absolute ones, and those against what earlier runs measured."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from gatewright.core.verdict import State
from gatewright.evidence.report import Counts
from gatewright.evidence.results import Result
from gatewright.evidence.strict import json_pointer
from gatewright.gate.baseline import BASELINE, Baseline
from gatewright.gate.demands import Limit
from gatewright.gate.finding import Finding, Place, command_to_see
from gatewright.gate.measure import bound
from gatewright.gate.policy import Check

__all__ = ["bounds", "find_broken_limits", "find_flaky_excess"]

FIRST_RUNS = {"inconclusive": State.INCONCLUSIVE, "warn": State.WARN}

REMEDIES = {
    "inconclusive": 'set first_runs = "warn" in gate.toml until enough runs have passed',
    "warn": "gatewright gate",
}
"""A run that only warns is one of those that the next ones are compared with."""


@dataclass(frozen=True)
class Bound:
    """One bound of a metric: what breaks it, and what that makes of the check."""

    rule: str
    state: State
    low: float | None = None
    high: float | None = None
    words: str = ""

    def is_kept(self, value: float) -> bool:
        """Whether a finite value keeps it; a value on the bound does."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        parts = [
            f">= {self.low:g}" if self.low is not None else "",
            f"<= {self.high:g}" if self.high is not None else "",
        ]
        return " and ".join(part for part in parts if part) + self.words


@dataclass(frozen=True)
class Metric:
    """One metric of a check, what was measured of it, and its limit."""

    place: Place
    name: str
    value: float
    limit: Limit

    @property
    def see(self) -> str:
        """The command that shows what earlier runs measured of it."""
        pointer = json_pointer(["checks", self.place.check, "metrics", self.name])
        return command_to_see(f"runs/{self.place.run_id}/{BASELINE}", pointer)


def find_broken_limits(
    place: Place, check: Check, results: Sequence[Result], baseline: Baseline | None, profile: str
) -> Iterator[Finding]:
    """Metrics beyond the limits of the policy; one that nobody measured proves nothing.

    Args:
        place: the check that is judged.
        check: what the policy says of it.
        results: what it measured.
        baseline: what earlier runs measured, as the run recorded it.
        profile: the profile of the evidence.
    """
    for name, limit in check.limits.items():
        # Two results may have the same metric; no good one may hide a bad one.
        values = [result.metrics[name] for result in results if name in result.metrics]
        if not values:
            yield bound(
                place,
                State.INCONCLUSIVE,
                "limit-measured",
                f"{name} was not measured",
                expected=f"{name} {bounds(limit)}",
                observed="no figure",
            )
        for value in values:
            metric = Metric(place, name, value, limit)
            yield from find_broken_bounds(metric, absolute_bounds(limit))
            if limit.is_relative:
                yield from find_drift(metric, comparable(metric, baseline, profile))


def absolute_bounds(limit: Limit) -> tuple[Bound, ...]:
    """The bounds that hold whatever earlier runs measured."""
    return (
        Bound("limit", State.FAIL, limit.min, limit.max),
        Bound("limit-warning", State.WARN, limit.warn_min, limit.warn_max),
    )


def bounds(limit: Limit) -> str:
    """A limit in words."""
    fails, warns = absolute_bounds(limit)
    parts = [str(fails), f"{warns} or it warns" if str(warns) else "", *relative_words(limit)]
    return ", ".join(part for part in parts if part)


def relative_words(limit: Limit) -> Iterator[str]:
    """The bounds against earlier runs in words."""
    for name, side, end in (
        ("max_increase", "above", ""),
        ("max_decrease", "below", ""),
        ("warn_increase", "above", " or it warns"),
        ("warn_decrease", "below", " or it warns"),
    ):
        if (change := getattr(limit, name)) is not None:
            yield f"at most {change * 100:g}% {side} the median of {limit.runs} runs{end}"


def find_broken_bounds(metric: Metric, ordered: Sequence[Bound], see: str = "") -> Iterator[Finding]:
    """The first bound that a value breaks: what fails need not warn as well."""
    for each in ordered:
        if not each.is_kept(metric.value):
            verb = "is beyond" if each.state is State.FAIL else "nears"
            yield bound(
                metric.place,
                each.state,
                each.rule,
                f"{metric.name} {verb} its limit",
                expected=f"{metric.name} {each}",
                observed=f"{metric.value:g}",
                see=see,
            )
            return


def comparable(metric: Metric, baseline: Baseline | None, profile: str) -> list[float] | str:
    """What earlier runs measured of a metric, oldest first; or why it can't be compared with anything."""
    if baseline is None:
        return "the run recorded nothing of earlier runs"
    if baseline.problem:
        return f"the history can't be used: {baseline.problem}"
    if baseline.profile != profile:
        return f"the run recorded earlier runs of profile {baseline.profile}, and this is {profile}"
    check = baseline.checks.get(metric.place.check)
    if check is None or metric.name not in check.metrics:
        return f"the run recorded nothing of {metric.name} in earlier runs"
    return [sample.value for sample in check.metrics[metric.name]]


def find_drift(metric: Metric, earlier: list[float] | str) -> Iterator[Finding]:
    """A metric that moved too far from the median of earlier runs, or has nothing to be compared with."""
    limit = metric.limit
    if isinstance(earlier, str):
        yield incomparable(metric, State.INCONCLUSIVE, earlier)
    elif len(earlier) < limit.min_runs:
        state, observed = FIRST_RUNS[limit.first_runs], f"{len(earlier)} earlier runs"
        yield incomparable(metric, state, observed, see=metric.see, command=REMEDIES[limit.first_runs])
    elif not math.isfinite(median := statistics.median(earlier[-limit.runs :])):
        observed = "a median that is not finite"
        yield incomparable(metric, State.INCONCLUSIVE, observed, see=metric.see)
    else:
        yield from find_broken_bounds(metric, relative_bounds(limit, median), metric.see)


def incomparable(metric: Metric, state: State, observed: str, *, see: str = "", command: str = "") -> Finding:
    """A metric that has too little to be compared with."""
    return bound(
        metric.place,
        state,
        "limit-comparable",
        f"{metric.name} can't be compared with earlier runs",
        expected=f"{metric.limit.min_runs} earlier runs that passed",
        observed=observed,
        see=see,
        command=command,
    )


def relative_bounds(limit: Limit, median: float) -> tuple[Bound, ...]:
    """The bounds around a median; a share of a negative one counts by its size."""

    def bound_of(rule: str, state: State, decrease: float | None, increase: float | None) -> Bound:
        low = None if decrease is None else median - decrease * abs(median)
        high = None if increase is None else median + increase * abs(median)
        return Bound(rule, state, low, high, f" (the median of earlier runs is {median:g})")

    return (
        bound_of("limit-baseline", State.FAIL, limit.max_decrease, limit.max_increase),
        bound_of("limit-baseline-warning", State.WARN, limit.warn_decrease, limit.warn_increase),
    )


def find_flaky_excess(
    place: Place, check: Check, counts: Counts, baseline: Baseline | None, profile: str
) -> Iterator[Finding]:
    """More flaky tests over the latest runs, this one included, than the policy's budget allows."""
    budget = check.flaky_budget
    if budget is None:
        return
    allowed = f"at most {budget.rate:g} of all tests in {budget.runs} runs"
    recorded = baseline.checks.get(place.check) if baseline and baseline.profile == profile else None
    if recorded is None:
        observed = (baseline.problem if baseline else "") or "nothing was recorded of earlier runs"
        message = "nobody knows how flaky its tests have been"
        yield bound(place, State.INCONCLUSIVE, "flaky-history", message, expected=allowed, observed=observed)
        return
    collected = counts.collected + sum(run.collected for run in recorded.tests)
    flaky = counts.flaky + sum(run.flaky for run in recorded.tests)
    if flaky > Fraction(repr(budget.rate)) * collected:  # exact: 29 of 100 keep a rate of 0.29
        observed = f"{flaky} of {collected} tests in {len(recorded.tests) + 1} runs"
        message = "too many flaky tests over the latest runs"
        yield bound(place, State.FLAKY, "flaky-budget", message, expected=allowed, observed=observed)
