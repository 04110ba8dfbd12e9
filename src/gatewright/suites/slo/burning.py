"""The error budget of a scenario: judged at its end, and an alarm that ends it when it burns too fast."""

from bisect import bisect_left
from math import inf

from gatewright.core.verdict import Verdict, merge_verdicts
from gatewright.load import Outcome
from gatewright.slo import (
    BurnAlarm,
    BurnReading,
    BurnRules,
    ErrorBudget,
    Requirements,
    SuccessObjective,
    Tally,
    judge_budget,
)
from gatewright.suites.slo.plan import Plan
from gatewright.suites.slo.report import Bounds, BudgetResult, ScenarioResult
from gatewright.suites.slo.tallies import tally_of
from gatewright.suites.slo.watch import Window

__all__ = ["BurnWatch", "with_budget"]


class BurnWatch:
    """Feeds an alarm with every whole second of the judged window whose runs are over.

    Runs count in the second in which they were due: one that hangs is bad once it is given up.

    Args:
        budget: what is allowed.
        seconds: the longest duration of the measurement.
    """

    def __init__(self, budget: ErrorBudget, seconds: float) -> None:
        self.ringing: BurnReading | None = None
        self._alarm = BurnAlarm(budget.target, BurnRules.for_length(seconds))
        self._fed_to = -inf

    def __call__(self, window: Window, now: float) -> bool:
        """Look at the window; returns whether to abort."""
        recording = window.recording
        if window.start >= len(recording):
            return False
        self._fed_to = max(self._fed_to, window.begins)
        while self.ringing is None and self._fed_to + 1 <= now:
            first, last = (bisect_left(recording.scheduled, self._fed_to + edge) for edge in (0, 1))
            if recording.resolved() < last:
                break
            good = recording.count(Outcome.SUCCEEDED, first, last)
            reading = self._alarm.feed(good, last - first - good)
            self._fed_to += 1
            if reading.rings:
                self.ringing = reading
        return self.ringing is not None


def with_budget(
    result: ScenarioResult, budget: ErrorBudget, window: Window, plan: Plan, burn: BurnWatch
) -> ScenarioResult:
    """The result with what became of the error budget; an unfit measurement stays INCONCLUSIVE.

    Args:
        result: of the scenario, without it.
        budget: what is allowed.
        window: the judged runs.
        plan: of the scenario.
        burn: what watched it.
    """
    judged = judge(budget, window, plan.requirements, rate=result.offer.rate)
    if burn.ringing is not None:
        judged = judged.model_copy(
            update={"verdict": Verdict.FAIL, "aborted": burn.ringing.words, "missing": ""}
        )
    verdict = result.verdict
    if not result.schedule.problems:
        verdict = merge_verdicts([verdict, judged.verdict])
    return result.model_copy(update={"budget": judged, "verdict": verdict})


def judge(budget: ErrorBudget, window: Window, needs: Requirements, *, rate: float) -> BudgetResult:
    """Judge the runs of a window: those that failed are bad."""
    failed = tally_of(window.recording, SuccessObjective(budget.target))
    failed.advance(window.start, window.stop)
    decision = judge_budget(budget, Tally(failed.samples, failed.exceedances, rate), window.seconds, needs)
    return BudgetResult(
        target=budget.target,
        period_s=budget.period_s,
        samples=decision.samples,
        bad=decision.bad,
        burn=decision.burn,
        bounds=Bounds(lower=decision.lower, upper=decision.upper),
        spent=decision.spent,
        verdict=decision.verdict,
        missing=decision.missing,
    )
