"""The judge says PASS or FAIL only when a sample carries it, and else what is missing."""

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict
from gatewright.slo import (
    Flow,
    Judge,
    LatencyObjective,
    Measured,
    Requirements,
    SuccessObjective,
    Tally,
    ThroughputObjective,
    UnusableFiguresError,
)
from gatewright.slo.judge import holm

P95 = LatencyObjective(0.95, 0.3)
P99 = LatencyObjective(0.99, 0.3)
SUCCESS = SuccessObjective(0.99)


def judged(samples, exceeded=(), objective=P95, *, elapsed_s=20.0, requirements=None):
    judge = Judge([objective], requirements)
    tallies = {objective.name: Tally(samples, list(exceeded), 40.0)}
    return judge.decide(Measured(elapsed_s, tallies, flows={}))[0]


def spread(count, samples):
    """Exceedances at even distances, but not too even."""
    return [int((number + 0.5) * samples / count) + number % 3 for number in range(count)]


def test_a_clean_sample_that_is_large_enough_passes():
    """83 clean runs would do for p95, but the least is 100."""
    assert judged(100).verdict is Verdict.PASS


@pytest.mark.parametrize(("samples", "objective"), [(0, P95), (99, P95), (400, P99), (416, SUCCESS)])
def test_too_few_clean_runs_are_inconclusive(samples, objective):
    """Nothing bad was seen, and that is not enough: the words say how much is missing."""
    decision = judged(samples, objective=objective)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.missing.startswith("needs about ")
    assert "runs at 40/s" in decision.missing


def test_a_short_clean_run_does_not_pass():
    """Minimum duration: short runs hide stalls."""
    decision = judged(5000, elapsed_s=5.0)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.missing == "needs about 200 more runs at 40/s (5 s)"


def test_a_broken_objective_fails():
    """Every tenth run over the limit of p95, in 600."""
    decision = judged(600, spread(60, 600))
    assert decision.verdict is Verdict.FAIL
    assert decision.missing == ""


def test_one_stall_fails_nothing():
    """40 slow runs in a row are 10% of 400, and one event."""
    decision = judged(400, range(100, 140))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "clumped" in decision.rule


def test_a_stall_at_the_very_beginning_fails_nothing():
    """FAIL has a minimum duration too."""
    assert judged(120, range(120), elapsed_s=3.0).verdict is Verdict.INCONCLUSIVE
    assert judged(160, range(160), elapsed_s=4.0).verdict is Verdict.FAIL


def test_close_to_the_limit_is_said_to_be_close():
    """A share of exactly what is allowed is not decided by more samples."""
    decision = judged(1000, spread(50, 1000))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "too close to the limit" in decision.missing


def test_the_advice_holds():
    """As many more runs as were asked for, with the same share, are enough."""
    decision = judged(200, spread(4, 200))
    more = int(decision.missing.split()[2].replace(",", ""))
    samples = 200 + more
    assert judged(samples, spread(round(samples * 0.02), samples)).verdict is Verdict.PASS


def test_a_strict_limit_needs_a_sample_that_would_have_shown_a_stall():
    """Below 250 ms a missed stall could have broken the objective: 100 clean runs are not enough."""
    strict = LatencyObjective(0.95, 0.02)
    assert judged(100, objective=strict).verdict is Verdict.INCONCLUSIVE
    assert judged(3200, objective=strict).verdict is Verdict.PASS
    assert judged(100, objective=strict, requirements=Requirements(stall_s=0)).verdict is Verdict.PASS


def test_stalls_that_came_near_the_limit_ask_for_more_runs():
    """450 clean runs pass p99; not when stalls of five runs came half-way to its limit."""
    near = tuple(start + step for start in (20, 260) for step in range(5))

    def verdict(samples, near_misses):
        tallies = {P99.name: Tally(samples, (), 40.0, near_misses)}
        return Judge([P99]).decide(Measured(20.0, tallies, {}))[0].verdict

    assert verdict(450, ()) is Verdict.PASS
    assert verdict(450, near) is Verdict.INCONCLUSIVE
    assert verdict(4000, near) is Verdict.PASS


def test_a_break_that_is_assumed_costs_a_longer_clean_run():
    """Breaks of 0.2 s may be missed in 80 s of a p99, not in 140 s, wherever the threshold is."""
    needs = Requirements(break_s=0.2)
    for objective in (P99, SUCCESS, LatencyObjective(0.99, 30)):
        assert judged(3200, objective=objective, requirements=needs).verdict is Verdict.INCONCLUSIVE
        assert judged(5600, objective=objective, requirements=needs).verdict is Verdict.PASS


def test_a_pass_says_which_stalls_it_excludes():
    """Half a minute of clean runs excludes short stalls only, two minutes longer ones; a doubt excludes none."""
    short, long = judged(1200, objective=P99), judged(4800, objective=P99)
    assert 0.02 < short.excluded_s < 0.06
    assert 0.15 < long.excluded_s < 0.2
    assert judged(200, objective=P99).excluded_s is None


def test_objectives_share_the_error():
    """Two objectives at once need more than each alone: 417 clean runs pass p99 alone, not p99 and success."""
    both = Judge([P99, SUCCESS])

    def clean(samples):
        nothing = Tally(samples, (), 40.0)
        return both.decide(Measured(20.0, {P99.name: nothing, SUCCESS.name: nothing}, flows={}))

    assert judged(417, objective=P99).verdict is Verdict.PASS
    assert both.verdict(clean(417)) is Verdict.INCONCLUSIVE
    assert both.verdict(clean(501)) is Verdict.PASS


def test_one_broken_objective_is_enough_to_fail():
    """FAIL outranks what is proven and what is not."""
    throughput = ThroughputObjective(20)
    judge = Judge([P95, SUCCESS, throughput])
    tallies = {P95.name: Tally(800, spread(120, 800), 40.0), SUCCESS.name: Tally(800, (), 40.0)}
    flows = {throughput.name: Flow(1.0, [40] * 20, [40] * 20, 40.0)}
    decisions = judge.decide(Measured(20.0, tallies, flows))
    assert [decision.verdict for decision in decisions] == [Verdict.FAIL, Verdict.PASS, Verdict.PASS]
    assert judge.verdict(decisions) is Verdict.FAIL


def test_holm_steps_down_and_stops():
    """The smallest p must beat alpha/3, the next alpha/2; after one that doesn't, none is refuted."""
    assert holm([0.04, 0.01, 0.02], 0.05) == [True, True, True]
    assert holm([0.02, 0.02, 0.02], 0.05) == [False, False, False]
    assert holm([0.03, 0.001, 0.04], 0.05) == [False, True, False]
    assert holm([], 0.05) == []


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_numbers_that_promise_nothing_are_refused(value):
    """Zero, negative and non-finite thresholds are errors of usage."""
    for make in (
        lambda: LatencyObjective(0.95, value),
        lambda: SuccessObjective(value),
        lambda: ThroughputObjective(value),
    ):
        with pytest.raises(ConfigurationError, match="must be above 0"):
            make()


def test_a_ratio_of_one_is_refused():
    """No finite sample proves that nothing ever fails."""
    with pytest.raises(ConfigurationError, match="below 1"):
        SuccessObjective(1.0)


@pytest.mark.parametrize(
    "figures",
    [
        lambda: Tally(-1, (), 40.0),
        lambda: Tally(100, (), float("nan")),
        lambda: Tally(100, (), float("inf")),
        lambda: Tally(100, (), -40.0),
        lambda: Tally(100, (100,), 40.0),
        lambda: Tally(100, (-1, 5), 40.0),
        lambda: Tally(100, (5, 5), 40.0),
        lambda: Tally(100, (7, 5), 40.0),
        lambda: Tally(100, (), 40.0, (200,)),
        lambda: Measured(float("nan"), {}, {}),
        lambda: Measured(-3.0, {}, {}),
        lambda: Flow(1.0, [40], [40, 40], 40.0),
        lambda: Flow(1.0, [40, -40], [40, 0], 40.0),
        lambda: Flow(0.0, [40], [40], 40.0),
        lambda: Flow(1.0, [40], [40], float("nan")),
        lambda: Judge([P95]).decide(Measured(20.0, {P99.name: Tally(900, (), 40.0)}, {})),
    ],
)
def test_figures_that_nobody_can_have_measured_are_refused(figures):
    """In one line; nothing is decided on them."""
    with pytest.raises(UnusableFiguresError) as caught:
        figures()
    assert "\n" not in str(caught.value)
