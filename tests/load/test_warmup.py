"""The warm-up ends when the service has settled, or at the latest when the rule says so."""

import pytest

from gatewright.load import Recording, WarmUp, WarmUpRule, find_warm_up


def recorded(latency_of, seconds=10, rate=20, pending_from=None):
    """A recording of even arrivals whose latency is a function of time."""
    recording = Recording(("step",))
    for number in range(seconds * rate):
        due = number / rate
        recording.begin(due, due)
        if pending_from is None or due < pending_from:
            recording.succeed(number, due + latency_of(due))
    return recording


def test_a_steady_service_is_settled_after_two_windows():
    """Two windows that agree are enough; both are discarded."""
    assert find_warm_up(recorded(lambda due: 0.05), 3.0, WarmUpRule()) == WarmUp(2.0, 40, settled=True)


def test_a_service_that_gets_faster_is_waited_for():
    """Windows of 400, 200, 100 ms disagree; from there on it is steady."""
    recording = recorded(lambda due: max(0.1, 0.4 / 2 ** int(due)))
    assert find_warm_up(recording, 9.0, WarmUpRule()) == WarmUp(4.0, 80, settled=True)


def test_a_service_that_never_settles_is_measured_all_the_same():
    """At the longest duration the measurement begins, and the record says unsettled."""
    recording = recorded(lambda due: 0.01 * 2 ** int(due))
    assert find_warm_up(recording, 5.9, WarmUpRule()) is None
    assert find_warm_up(recording, 6.0, WarmUpRule()) == WarmUp(6.0, 120, settled=False)


@pytest.mark.parametrize("now", [1.5, 5.0])
def test_runs_that_have_not_ended_keep_the_warm_up_open(now):
    """A window is compared only when all of its runs are over."""
    assert find_warm_up(recorded(lambda due: 0.05, pending_from=1.5), now, WarmUpRule()) is None


def test_no_run_at_all_ends_unsettled():
    """A schedule without arrivals has no warm-up to find."""
    assert find_warm_up(Recording(("step",)), 7.0, WarmUpRule()) == WarmUp(6.0, 0, settled=False)
