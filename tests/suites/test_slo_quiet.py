"""On a noisy machine a decision close to its limit is doubtful; nothing else changes."""

from dataclasses import replace

import pytest

from gatewright.core.verdict import Verdict
from gatewright.load import NoiseMeter, NoiseReading, Recording
from gatewright.slo import Decision, Evidence, LatencyObjective, SuccessObjective
from gatewright.suites.slo.quiet import QuietRule, doubtful
from gatewright.suites.slo.tallies import tally_of

QUIET = NoiseReading(10.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1, 0.1)
NOISES = ("CPU pressure 60%",)
LIMIT_S = 0.1
P95 = LatencyObjective(0.95, LIMIT_S)


def decided(verdict, latencies, objective=P95, *, noises=NOISES, failing=False):
    recording = Recording(("step",))
    for run, latency in enumerate(latencies):
        recording.begin(0.0, 0.0)
        if failing:
            recording.fail(run, latency, step=0, reason="answered 500")
        else:
            recording.succeed(run, latency)
    counts = tally_of(recording, objective)
    counts.advance(0, len(latencies))
    decision = Decision(objective, verdict, "", counts.samples, 0, Evidence(1.0, 1.0), 0.0, 1.0, "")
    return doubtful(decision, counts, noises)


def burst(level):
    """Latencies at a level; a neighbour adds 30% to 45 of 800 runs, and so to the p95 of whoever has them."""
    return [level * (1.3 if 300 <= run < 345 else 1.0) for run in range(800)]


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.FAIL])
@pytest.mark.parametrize("level", [0.7 * LIMIT_S, 0.8 * LIMIT_S])
def test_a_decision_within_the_margin_is_doubtful_on_a_noisy_machine(verdict, level):
    """The words name the noise and the margin, and the verdict that a quiet machine would have had is kept."""
    decision = decided(verdict, burst(level))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.demoted_from is verdict
    assert "CPU pressure 60%" in decision.missing
    assert "noise alone moves it by" in decision.missing


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_decision_far_from_its_limit_stands(verdict):
    """Half or twice the limit is beyond what noise explains."""
    for level in (0.4 * LIMIT_S, 2 * LIMIT_S):
        assert decided(verdict, burst(level)).verdict is verdict


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_quiet_machine_changes_nothing(verdict):
    """However close the limit is."""
    decision = decided(verdict, burst(0.8 * LIMIT_S), noises=())
    assert (decision.verdict, decision.demoted_from) == (verdict, None)


def test_noise_never_turns_anything_into_pass():
    """Neither a doubt nor a failure becomes better."""
    for verdict in (Verdict.INCONCLUSIVE, Verdict.FAIL):
        for level in (0.2, 0.8, 1.0, 3.0):
            assert decided(verdict, burst(level * LIMIT_S)).verdict is not Verdict.PASS


def test_failures_are_no_noise():
    """Where no run succeeded there is no percentile that noise could have moved."""
    assert decided(Verdict.FAIL, [0.1] * 200, failing=True).verdict is Verdict.FAIL
    assert decided(Verdict.FAIL, [0.1] * 200, SuccessObjective(0.9)).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("noise", "words"),
    [
        ({"cpu_pressure": 0.6}, "CPU pressure 60%"),
        ({"io_pressure": 0.5}, "disk pressure 50%"),
        ({"steal": 0.1}, "steal 10%"),
        ({"own_run_delay": 0.3}, "run delay of the generator 30%"),
        ({"server_run_delay": 0.3}, "run delay of the server 30%"),
    ],
)
def test_each_noise_is_named(noise, words):
    """What is louder than allowed, and nothing else."""
    assert list(QuietRule().noises(replace(QUIET, **noise))) == [words]


def test_what_the_system_does_not_tell_is_no_noise():
    """And a quiet machine has none."""
    silent = NoiseReading(10.0, None, None, None, None, None, 0.1, None)
    assert list(QuietRule().noises(silent)) == list(QuietRule().noises(QUIET)) == []


def test_a_watch_asks_how_noisy_the_machine_was(watch, follow):
    """With a machine that is never quiet enough, a service just within its limit is not passed."""
    never = QuietRule(-1, -1, -1, -1)
    if not list(never.noises(NoiseMeter().read())):
        pytest.skip("this system tells nothing about its noise")

    def latency(due):
        return 0.24 if 8 <= due < 8.8 else 0.18

    seen, _ = watch(quiet=never)
    recording, _ = follow(seen, latency=latency, seconds=17)
    seen.finish(recording)
    assert seen.decisions[0].demoted_from is Verdict.PASS
    calm, _ = watch()
    follow(calm, latency=latency, seconds=17)
    assert calm.decisions[0].verdict is Verdict.PASS
