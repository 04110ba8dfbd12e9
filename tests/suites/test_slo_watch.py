"""A watch stops when the answer is known, and begins anew when the generator spoiled a window."""

from math import inf

import pytest

from gatewright.core.verdict import Verdict


def verdicts(watch):
    return [decision.verdict for decision in watch.decisions]


def test_a_healthy_service_passes_as_soon_as_the_last_objective_is_decided(watch, follow):
    """Two seconds of warm-up, then about 501 clean runs at 40/s."""
    seen, _ = watch()
    recording, now = follow(seen)
    assert verdicts(seen) == [Verdict.PASS] * 4
    assert 14 <= now <= 16
    window = seen.finish(recording)
    assert window.start == seen.warm_up.runs == 80
    assert window.observed_rate() == pytest.approx(40, abs=0.2)


def test_a_slow_service_fails_after_the_least_duration(watch, follow):
    """All runs are slow: four measured seconds are enough."""
    seen, _ = watch()
    _, now = follow(seen, latency=lambda due: 0.4)
    assert verdicts(seen)[0] is Verdict.FAIL
    assert now <= 8


def test_a_service_that_gets_slow_fails(watch, follow):
    """Good for twelve seconds, slow from then on: the early good runs don't carry it."""
    seen, _ = watch()
    follow(seen, latency=lambda due: 0.01 if due < 12 else 2.0)
    assert Verdict.FAIL in verdicts(seen)


def test_a_hanging_service_does_not_pass_on_its_quick_runs(watch, follow):
    """Runs that are still under way hold the count back: only what came before them is judged."""
    seen, _ = watch()
    recording, _ = follow(seen, seconds=12, latency=lambda due: 0.01 if due < 8 or int(due * 40) % 2 else inf)
    window = seen.finish(recording)
    assert window.stop <= 8 * 40 + 1
    assert Verdict.PASS not in verdicts(seen)


def test_a_soak_goes_on_after_pass(watch, follow):
    """Growth needs time: only FAIL ends a soak early."""
    seen, _ = watch(stops_early=False)
    _, now = follow(seen, seconds=25)
    assert now == 25
    assert verdicts(seen) == [Verdict.PASS] * 4


def test_failing_runs_fail(watch, follow):
    """Every fifth run answers 500: success ratio and latency are broken."""
    seen, _ = watch()
    recording, _ = follow(seen, fails=lambda due: int(due * 40) % 5 == 0)
    assert verdicts(seen)[2] is Verdict.FAIL
    assert seen.finish(recording).failures()["step", "answered 500"] > 0


def test_a_late_generator_does_not_fail_a_service(watch, follow):
    """Runs sent 290 ms late break the p95 only by the generator's fault: the window is discarded, then unfit."""
    seen, _ = watch()
    recording, now = follow(seen, seconds=20, latency=lambda due: 0.02, lag=lambda due: 0.29)
    window = seen.finish(recording)
    assert now == 20
    assert len(seen.discarded) == 1
    assert not seen.stands(window, seen.prove(window))


def test_a_little_lag_does_not_keep_a_healthy_service_from_passing(watch, follow):
    """Sent 20 ms late, which the latencies include: PASS stands all the same."""
    seen, _ = watch()
    recording, now = follow(seen, lag=lambda due: 0.02)
    window = seen.finish(recording)
    proof = seen.prove(window)
    assert proof.late
    assert seen.stands(window, proof)
    assert now < 20
    assert seen.discarded == []


def test_a_slow_service_fails_also_under_a_late_generator(watch, follow):
    """FAIL is confirmed from the moment of sending."""
    seen, _ = watch()
    _, now = follow(seen, latency=lambda due: 0.4, lag=lambda due: 0.02)
    assert verdicts(seen)[0] is Verdict.FAIL
    assert now <= 8


def test_an_excess_within_the_lag_is_not_confirmed(watch, follow):
    """310 ms since sending, 300 allowed, and a generator 20 ms late, which may read answers as late as it sends."""
    seen, _ = watch()
    recording, _ = follow(seen, seconds=20, latency=lambda due: 0.31, lag=lambda due: 0.02)
    window = seen.finish(recording)
    assert not seen.stands(window, seen.prove(window))


def test_a_run_that_ended_within_its_warm_up_measured_nothing(watch, follow):
    """No window, no decision."""
    seen, _ = watch()
    recording, _ = follow(seen, seconds=1)
    window = seen.finish(recording)
    assert window.stop == window.start
    assert set(verdicts(seen)) == {Verdict.INCONCLUSIVE}


def test_glances_tell_the_warm_up_from_the_measurement(watch, follow):
    """Progress knows rate and percentiles from the measured runs only."""
    seen, glances = watch()
    follow(seen)
    assert glances[0].warming_up
    assert not glances[-1].warming_up
    assert glances[-1].rate == pytest.approx(40, abs=0.5)
    assert glances[-1].p99_s == pytest.approx(0.01, rel=0.01)


def test_runs_that_an_abort_gave_up_are_no_reason_to_doubt(watch, follow):
    """A service that hangs from the eighth second on: whoever ended it then, knew that; else nobody knows."""
    for aborted in (True, False):
        seen, _ = watch()
        recording, _ = follow(seen, seconds=10, latency=lambda due: 0.01 if due < 8 else inf)
        window = seen.finish(recording, aborted=aborted)
        told = " ".join(seen.prove(window).problems)
        assert ("runs never ended" in told) is not aborted
