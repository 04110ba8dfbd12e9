"""A recording counts exactly, and keeps slow runs in."""

from gatewright.load import Recording


def three_runs():
    recording = Recording(("step",))
    for due in (0.0, 1.0, 2.0):
        recording.begin(due, due + 0.1)
    return recording


def test_only_the_gapless_beginning_is_resolved():
    """A quick later run does not count before the slow earlier one has ended."""
    recording = three_runs()
    recording.succeed(2, 2.2)
    assert recording.resolved() == 0
    recording.succeed(0, 0.2)
    assert recording.resolved() == 1
    recording.fail(1, 3.0, step=0, reason="answered 500")
    assert recording.resolved() == 3


def test_a_run_that_failed_has_no_latency():
    """A quick failure would make a service look fast."""
    recording = three_runs()
    recording.fail(0, 0.01, step=0, reason="answered 500")
    recording.succeed(1, 1.5)
    recording.succeed(2, 2.6)
    assert list(recording.latencies(0, 3)) == [0.5, 2.6 - 2.0]


def test_the_number_of_different_failures_is_bounded():
    """A service that invents a new error each time fills no memory."""
    recording = Recording(("step",))
    for number in range(1000):
        recording.fail(recording.begin(0.0, 0.0), 1.0, step=0, reason=f"error {number}")
    assert len(recording.failures) == 51
    assert recording.failures.total() == 1000


def test_a_failure_keeps_its_step():
    """Which step of which journey a run failed at, and who made which call."""
    recording = Recording(("a/ask", "b/ask", "b/pay"), ("a", "b"))
    for journey in (1, 0):
        recording.begin(0.0, 0.0, journey)
    recording.answer(0, 1, 0.2)
    recording.answer(1, 0, 0.1)
    recording.fail(0, 0.3, step=2, reason="answered 500")
    recording.succeed(1, 0.1)
    assert list(recording.journey_of) == [1, 0]
    assert list(recording.failed_at) == [2, -1]
    assert [list(callers) for callers in recording.callers] == [[1], [0], []]
    assert recording.failures == {("b/pay", "answered 500"): 1}
