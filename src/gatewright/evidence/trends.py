"""What a history shows over many runs: how often they pass, which checks flake, how figures move. Pure."""

import statistics
from collections.abc import Iterable, Sequence
from datetime import datetime

from gatewright.core.model import Model
from gatewright.core.verdict import State, Verdict
from gatewright.evidence.ledger import LedgerCheck, LedgerEntry

__all__ = [
    "DURATION",
    "FlakeRate",
    "PassRate",
    "Point",
    "Trend",
    "check_names",
    "flake_rate",
    "metric_names",
    "pass_rate",
    "series",
    "trend",
]

DURATION = "duration_s"
"""The name under which the duration of a check is a figure like its metrics."""

NOT_MEASURED = {State.MISSING, State.EMPTY, State.SKIPPED, State.STALE, State.MISMATCH, State.TAMPERED}
"""States that tell nothing about what a check would have found."""


class PassRate(Model):
    """How many of some runs passed."""

    runs: int
    passed: int


class FlakeRate(Model):
    """How often one check was not of one mind.

    Attributes:
        check: its name.
        runs: runs in which it measured anything.
        repeats: those of them that repeat an earlier run: same tree, policy and profile. A change of verdict
            can show in these alone, so a rate that rests on few of them says little.
        changes: repeats whose verdict is another than that of the run before.
        flaky: runs with a test that passed only at a second try, whatever their tree.
        rate: runs that changed or were flaky, over `runs`; 0 where there are none.
    """

    check: str
    runs: int
    repeats: int
    changes: int
    flaky: int
    rate: float


class Point(Model):
    """One figure of one run."""

    run_id: str
    finished_at: datetime
    value: float


class Trend(Model):
    """How one figure of one check moved, oldest first."""

    check: str
    metric: str
    points: tuple[Point, ...]
    median: float
    minimum: float
    maximum: float

    @property
    def values(self) -> tuple[float, ...]:
        """The figures alone."""
        return tuple(point.value for point in self.points)


def pass_rate(entries: Sequence[LedgerEntry]) -> PassRate:
    """How many runs passed."""
    return PassRate(runs=len(entries), passed=sum(entry.verdict is Verdict.PASS for entry in entries))


def check_names(entries: Iterable[LedgerEntry]) -> tuple[str, ...]:
    """The checks of some runs, in the order in which they first appear from the newest run on."""
    newest_first = reversed(list(entries))
    return tuple(dict.fromkeys(name for entry in newest_first for name in entry.checks))


def metric_names(entries: Iterable[LedgerEntry], check: str) -> tuple[str, ...]:
    """The figures of a check that have a history: its duration, then its metrics by name."""
    found = {name for entry in entries if check in entry.checks for name in entry.checks[check].metrics}
    return (DURATION, *sorted(found))


def flake_rate(entries: Sequence[LedgerEntry], check: str) -> FlakeRate:
    """How often a check changed its verdict though nothing else had changed, or was flaky by its own count.

    Args:
        entries: runs, oldest first.
        check: its name.
    """
    last: dict[tuple[str, str, str], Verdict] = {}
    runs = repeats = changes = flaky = unstable = 0
    for entry in entries:
        found = entry.checks.get(check)
        if found is None or found.state in NOT_MEASURED:
            continue
        key = (entry.tree, entry.policy, entry.profile)
        changed = key in last and last[key] is not found.state.verdict
        runs += 1
        repeats += key in last
        changes += changed
        flaky += is_flaky(found)
        unstable += changed or is_flaky(found)
        last[key] = found.state.verdict
    rate = unstable / runs if runs else 0.0
    return FlakeRate(check=check, runs=runs, repeats=repeats, changes=changes, flaky=flaky, rate=rate)


def is_flaky(check: LedgerCheck) -> bool:
    """Whether a check counted a test that passed only at a second try."""
    return check.state is State.FLAKY or check.counts.flaky > 0


def series(entries: Iterable[LedgerEntry], check: str, metric: str) -> tuple[Point, ...]:
    """One figure of a check through all runs that measured it, in their order.

    Args:
        entries: runs, oldest first.
        check: its name.
        metric: the name of a metric, or `duration_s`.
    """
    points = []
    for entry in entries:
        found = entry.checks.get(check)
        if found is None or found.state in NOT_MEASURED:
            continue
        value = found.duration_s if metric == DURATION else found.metrics.get(metric)
        if value is not None:
            points.append(Point(run_id=entry.run_id, finished_at=entry.finished_at, value=value))
    return tuple(points)


def trend(entries: Iterable[LedgerEntry], check: str, metric: str) -> Trend | None:
    """How a figure moved; None where no run has it."""
    points = series(entries, check, metric)
    if not points:
        return None
    values = [point.value for point in points]
    return Trend(
        check=check,
        metric=metric,
        points=points,
        median=statistics.median(values),
        minimum=min(values),
        maximum=max(values),
    )
