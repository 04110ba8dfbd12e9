"""A recording counts exactly, and keeps slow runs in."""

from gatewright.load import Outcome, Recording


def three_runs():
    recording = Recording(("step",))
    for due in (0.0, 1.0, 2.0):
        recording.begin(due, due + 0.1)
    return recording


def test_only_the_gapless_beginning_is_resolved():
    """A quick later run does not count before the slow earlier one has ended."""
    recording = three_runs()
    recording.end(2, Outcome.SUCCEEDED, 2.2)
    assert recording.resolved() == 0
    recording.end(0, Outcome.SUCCEEDED, 0.2)
    assert recording.resolved() == 1
    recording.end(1, Outcome.FAILED, 3.0)
    assert recording.resolved() == 3


def test_failures_exceed_every_limit():
    """A run that failed quickly is no fast run."""
    recording = three_runs()
    recording.end(0, Outcome.FAILED, 0.01)
    recording.end(1, Outcome.SUCCEEDED, 1.5)
    recording.end(2, Outcome.SUCCEEDED, 2.6)
    assert list(recording.exceedances(0.55, 0, 3)) == [0, 2]
    assert list(recording.exceedances(float("inf"), 0, 3)) == [0]
    assert list(recording.latencies(0, 3)) == [0.5, 2.6 - 2.0]


def test_counting_since_the_sending_leaves_the_lag_out():
    """With 0.1 s of lag, 0.6 s from the schedule are 0.5 s from the sending."""
    recording = three_runs()
    for run in range(3):
        recording.end(run, Outcome.SUCCEEDED, recording.scheduled[run] + 0.6)
    assert list(recording.exceedances(0.55, 0, 3)) == [0, 1, 2]
    assert list(recording.exceedances(0.55, 0, 3, since_sent=True)) == []


def test_the_number_of_different_failures_is_bounded():
    """A service that invents a new error each time fills no memory."""
    recording = Recording(("step",))
    for number in range(1000):
        recording.count_failure(0, f"error {number}")
    assert len(recording.failures) == 51
    assert recording.failures.total() == 1000
