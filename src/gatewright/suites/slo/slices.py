"""Promises about slices of time: the judged window is cut into them once it is over."""

from collections.abc import Sequence
from dataclasses import replace

from gatewright.core.verdict import Verdict, merge_verdicts
from gatewright.slo import (
    SliceDecision,
    SlicePromise,
    TimeslicesObjective,
    cut_slices,
    judge_slices,
)
from gatewright.suites.slo.report import Bounds, ScenarioResult, SlicesResult
from gatewright.suites.slo.tallies import tally_of
from gatewright.suites.slo.units import MILLISECONDS
from gatewright.suites.slo.watch import Window

__all__ = ["with_slices"]

UNCONFIRMED = (
    "the generator was late, and counted from the sending it is not surely broken: quieten the machine"
)


def with_slices(
    result: ScenarioResult, promises: Sequence[SlicePromise], window: Window, alpha: float
) -> ScenarioResult:
    """The result with what became of slices; an unfit measurement stays INCONCLUSIVE.

    Args:
        result: of the scenario, without them.
        promises: they share the error evenly.
        window: the judged runs.
        alpha: probability of a wrong PASS, and of a wrong FAIL, of all of them together.
    """
    schedule = result.schedule
    late_s = schedule.lag_p99_ms / MILLISECONDS if schedule.late else None
    judged = [judge(each, window, alpha / len(promises), late_s) for each in promises]
    verdict = result.verdict
    if not schedule.problems:
        verdict = merge_verdicts([verdict, *(each.verdict for each in judged)])
    return result.model_copy(update={"slices": tuple(judged), "verdict": verdict})


def judge(promise: SlicePromise, window: Window, alpha: float, late_s: float | None) -> SlicesResult:
    """Judge a promise; FAIL under a late generator must also hold from the moment of sending.

    Args:
        promise: about slices.
        window: the judged runs.
        alpha: of this promise.
        late_s: the send lag's p99, in seconds, of a generator that was late; else None.
    """
    decision = decide(promise, window, alpha)
    if decision.verdict is Verdict.FAIL and late_s is not None:
        confirmed = decide(promise, window, alpha, allowance_s=late_s, since_sent=True)
        if confirmed.verdict is not Verdict.FAIL:
            decision = replace(decision, verdict=Verdict.INCONCLUSIVE, missing=UNCONFIRMED)
    return result_of(promise, decision)


def decide(
    promise: SlicePromise,
    window: Window,
    alpha: float,
    *,
    allowance_s: float = 0.0,
    since_sent: bool = False,
) -> SliceDecision:
    """Cut the window into slices and decide about them."""
    recording = window.recording
    tally = tally_of(recording, promise.run, allowance_s=allowance_s, since_sent=since_sent)
    moments: list[float] = []
    for run in range(window.start, window.stop):
        # A tally does not tell which runs are its business, so it is shown one at a time.
        tally.advance(run, run + 1)
        if tally.samples > len(moments):
            moments.append(recording.scheduled[run] - window.begins)
    objective = promise.objective
    slices = cut_slices(moments, tally.exceedances, objective.slice_s, window.seconds)
    return judge_slices(objective, slices, alpha=alpha)


def result_of(promise: SlicePromise, decision: SliceDecision) -> SlicesResult:
    """A decision as evidence."""
    held = promise.objective
    return SlicesResult(
        name=promise.name,
        target=held.target,
        slice_s=held.slice_s,
        slice_target=held.slice_target if isinstance(held, TimeslicesObjective) else None,
        at_most_ms=None if promise.threshold_s is None else promise.threshold_s * MILLISECONDS,
        slices=decision.slices,
        empty=decision.empty,
        observed=decision.observed,
        bounds=Bounds(lower=decision.lower, upper=decision.upper),
        p_pass=decision.evidence.p_pass,
        p_fail=decision.evidence.p_fail,
        verdict=decision.verdict,
        missing=decision.missing,
    )
