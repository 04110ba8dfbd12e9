"""A schedule that was not kept is found out."""

import pytest

from gatewright.load import LagLimits, Outcome, Recording, prove_schedule


def sent_with(lags, dropped=0):
    recording = Recording(("step",))
    for number, lag in enumerate(lags):
        run = recording.begin(number * 0.1, number * 0.1 + lag)
        if run < dropped:
            recording.fail(run, number * 0.1 + 1, step=0, reason="dropped", outcome=Outcome.DROPPED)
        else:
            recording.succeed(run, number * 0.1 + 1)
    return recording


def proof(lags, dropped=0, threshold=0.25):
    return prove_schedule(sent_with(lags, dropped), 0, len(lags), LagLimits.for_threshold(threshold))


def test_a_kept_schedule_has_no_problems():
    """Little lag, all sent."""
    kept = proof([0.001] * 200)
    assert kept.problems == ()
    assert not kept.late
    assert kept.achieved_rate == pytest.approx(10)


def test_nothing_measured_is_a_problem():
    """An empty measurement is never fit."""
    assert proof([]).problems == ("nothing was measured",)


def test_lag_is_judged_by_its_p99():
    """One late run in 200 is borne; three are not."""
    assert not proof([0.02] + [0.001] * 199).late
    assert proof([0.02] * 3 + [0.001] * 197).late


def test_a_strict_threshold_bears_less_lag():
    """5% of 20 ms is 1 ms."""
    assert proof([0.002] * 200, threshold=0.02).late
    assert not proof([0.002] * 200, threshold=0.2).late


def test_a_drop_is_a_problem_of_the_generator():
    """A single dropped run makes the measurement unfit, even when 99% were sent."""
    assert proof([0.001] * 200, dropped=1).problems == ("the generator dropped 1 runs",)


def test_a_lag_of_milliseconds_is_late_and_never_unfit():
    """However strict the threshold: 2 ms of lag offer the same load."""
    found = proof([0.002] * 200, threshold=0.0005)
    assert found.late
    assert found.problems == ()
    assert proof([0.03] * 200, threshold=0.0005).problems


def test_a_clock_that_goes_backwards_is_a_problem():
    """A run that ended before it was due would count as fast; one due before its forerunner has no place."""
    early = sent_with([0.001] * 200)
    early.ended[7] = early.scheduled[7] - 0.5
    unsent = sent_with([0.001] * 200)
    unsent.sent[7] = unsent.scheduled[7] - 0.5
    disordered = sent_with([0.001] * 200)
    disordered.scheduled[8] = disordered.scheduled[7] - 0.05
    timeless = sent_with([0.001] * 200)
    timeless.ended[7] = float("nan")
    for recording in (early, unsent, disordered, timeless):
        found = prove_schedule(recording, 0, 200, LagLimits.for_threshold(0.25))
        assert found.problems == ("the clock went backwards in 1 runs",)


@pytest.mark.parametrize(
    ("planned", "kept"), [(200, True), (260, True), (120, False), (400, False), (None, True)]
)
def test_as_many_runs_are_due_as_were_planned_or_chance_allows(planned, kept):
    """200 of 260 may be bad luck; 200 of 400 are a generator that offers less, and of 120 runs counted twice."""
    found = prove_schedule(sent_with([0.001] * 200), 0, 200, LagLimits.for_threshold(0.25), planned=planned)
    assert (found.problems == ()) == kept
    assert all("were planned" in problem for problem in found.problems)


def test_runs_that_never_ended_are_a_problem():
    """What they hide can't be told."""
    found = prove_schedule(sent_with([0.001] * 200), 0, 200, LagLimits.for_threshold(0.25), unresolved=3)
    assert found.problems == ("3 runs never ended",)
