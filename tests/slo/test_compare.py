"""A comparison fails what is slower, passes what is not, and says nothing on too little or broken figures."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict
from gatewright.slo import Block, CompareRules, Margins, Measure, Side, compare, looks_for

RULES = CompareRules(resamples=500)
RUNS = 20
CPU_S, LATENCY_S = 0.003, 0.006
PROCESS_NOISE, BLOCK_NOISE, LATENCY_NOISE = 0.012, 0.02, 0.10
"""Spreads of logarithms that were measured: between processes of the same code, and between blocks."""


def measure(turns, *, cpu=1.0, added_s=0.0, drift=0.0, stalls=0.0, bursts=0.05, seed=1):
    """Pairs of rounds of simulated blocks; the candidate uses `cpu` times as much, and takes `added_s` longer.

    `drift` slows each block down against the one before; `stalls` and `bursts` are the chances that a block is hit
    by half a second of waiting, or by neighbours that add 5 to 65% of CPU.
    """
    chance, blocks = np.random.default_rng(seed), []
    for _ in range(turns):
        for side in (Side.BASE, Side.CANDIDATE, Side.CANDIDATE, Side.BASE):
            slower = (1 + drift) ** len(blocks)
            burst = chance.uniform(0.05, 0.5) if chance.random() < bursts else 0
            noise = chance.normal(0, PROCESS_NOISE) + chance.normal(0, BLOCK_NOISE) + burst
            used = CPU_S * RUNS * math.exp(noise) * slower
            typical = LATENCY_S * math.exp(chance.normal(0, LATENCY_NOISE)) * slower
            latencies = typical * np.exp(0.3 * chance.standard_normal(RUNS)) + 0.5 * (
                chance.random() < stalls
            )
            if side is Side.CANDIDATE:
                used, latencies = used * cpu, latencies + added_s
            blocks.append(Block(side, RUNS, 0, used, tuple(latencies)))
    return blocks


def decide(blocks, rules=RULES):
    """Verdict and number of blocks, with all the looks on the way there."""
    for look in rules.looks:
        verdict = compare(blocks[:look], rules).verdict
        if verdict is not Verdict.INCONCLUSIVE:
            return verdict, look
    return Verdict.INCONCLUSIVE, rules.looks[-1]


def trials(count, rules=RULES, **options):
    """How often each verdict came out, over all looks."""
    found = [decide(measure(16, seed=seed, **options), rules) for seed in range(count)]
    return Counter(verdict for verdict, _ in found), [look for _, look in found]


def verdicts(comparison):
    return {each.measure: each.verdict for each in comparison.decisions}


def test_the_same_code_raises_no_alarm():
    """Two hundred comparisons of A with A, three looks each: 2.5% error are allowed, margins leave less."""
    found, _ = trials(200)
    assert found[Verdict.FAIL] <= 3
    assert found[Verdict.PASS] >= 190


@pytest.mark.thorough
def test_the_same_code_raises_no_alarm_on_a_machine_that_stalls():
    """Every tenth block is hit: the figures say nothing then, rather than something wrong."""
    found, _ = trials(200, stalls=0.1, bursts=0.1)
    assert found[Verdict.FAIL] <= 3


def test_drift_of_the_machine_is_no_difference():
    """Each block is slower than the one before by half a percent: ABBA takes it out."""
    comparison = compare(measure(8, drift=0.005), RULES)
    assert comparison.verdict is Verdict.PASS
    assert comparison.decisions[0].ratio == pytest.approx(1, abs=0.02)


def test_ten_percent_more_cpu_is_found_in_64_blocks():
    """Nearly always, and never passed."""
    found, _ = trials(100, cpu=1.1)
    assert found[Verdict.FAIL] >= 97
    assert found[Verdict.PASS] == 0


def test_twenty_percent_more_cpu_is_found_in_16_blocks():
    """At the first look."""
    found, looks = trials(100, cpu=1.2)
    assert found[Verdict.FAIL] == 100
    assert looks.count(16) >= 95


def test_a_delay_without_cpu_is_found_by_both_latencies():
    """50 ms on every run, which cost no CPU."""
    comparison = compare(measure(8, added_s=0.05), RULES)
    assert comparison.verdict is Verdict.FAIL
    assert verdicts(comparison) == {
        Measure.CPU: Verdict.PASS,
        Measure.P50: Verdict.FAIL,
        Measure.P95: Verdict.FAIL,
    }


@pytest.mark.thorough
def test_a_slowdown_at_the_margin_seldom_fails_and_one_beyond_the_other_never_passes():
    """The error of either side is bounded where the margins lie."""
    at_fail_margin, _ = trials(200, cpu=1.02)
    at_pass_margin, _ = trials(200, cpu=1.08)
    assert at_fail_margin[Verdict.FAIL] <= 8
    assert at_pass_margin[Verdict.PASS] <= 8


def test_a_faster_candidate_passes():
    """The question is whether it is slower."""
    assert decide(measure(16, cpu=0.7)) == (Verdict.PASS, 32)


def test_processes_vary_and_more_blocks_within_them_would_not_help():
    """One pair of processes that differs by 3%, measured to the last digit, is no evidence against the code.

    Rounds with fresh processes see the spread; of a difference of the code every round would tell.
    """
    chance = np.random.default_rng(4)
    blocks = [
        replace(block, cpu_s=RUNS * CPU_S * math.exp(spread if block.side is Side.CANDIDATE else 0))
        for number, spread in enumerate(chance.normal(0, 0.03, 16))
        for block in measure(8)[2 * number : 2 * number + 2]
    ]
    assert compare(blocks, RULES).decisions[0].verdict is not Verdict.FAIL


def test_few_blocks_pass_nothing_and_say_how_many_are_needed():
    """28 blocks without any difference."""
    comparison = compare(measure(7), RULES)
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert comparison.problems == ("needs at least 32 blocks, has 28",)
    assert not comparison.hopeless


@pytest.mark.parametrize("blocks", [0, 1, 3, 4, 15])
def test_hardly_any_blocks_decide_nothing(blocks):
    """Not even a tenfold slowness: there is no telling how it varies."""
    comparison = compare(measure(4, cpu=10)[:blocks], RULES)
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert all(each.ratio is None for each in comparison.decisions)


def test_doubt_says_how_many_more_blocks_would_settle_it():
    """The nearer margin counts, and no more blocks are named than would do."""
    rules = replace(RULES, margins={measure: Margins() for measure in Measure})
    comparison = compare(measure(8), rules)
    p50 = comparison.decisions[1]
    assert p50.verdict is Verdict.INCONCLUSIVE
    more = int(p50.missing.split()[1])
    assert p50.missing == f"about {more} more blocks would give PASS, if the ratio stays {p50.ratio:.3f}"
    enough = compare(measure(8 + math.ceil(more / 4) * 2), rules).decisions[1]
    assert enough.upper < p50.upper


@pytest.mark.parametrize(
    ("side", "change", "problem"),
    [
        (Side.BASE, {"runs": 0}, "1 of 16 blocks of the base had no run"),
        (Side.CANDIDATE, {"runs": 0}, "1 of 16 blocks of the candidate had no run"),
        (Side.BASE, {"cpu_s": None}, "the server CPU of the base is not known"),
        (Side.CANDIDATE, {"cpu_s": math.nan}, "the server CPU of the candidate is not known"),
        (Side.CANDIDATE, {"cpu_s": math.inf}, "the server CPU of the candidate is not known"),
        (Side.CANDIDATE, {"cpu_s": 0.0}, "the server CPU of the candidate is not known"),
        (Side.CANDIDATE, {"cpu_s": -1.0}, "the server CPU of the candidate is not known"),
        (Side.CANDIDATE, {"latencies_s": ()}, "a block of the candidate has no latencies"),
        (Side.BASE, {"latencies_s": (0.1, math.nan)}, "a block of the base has no latencies"),
        (Side.BASE, {"failed": 1}, "1 runs of the base failed, so it is no measure for the candidate"),
    ],
)
@pytest.mark.parametrize("cpu", [0.5, 1.0, 10.0])
def test_a_broken_block_decides_nothing(side, change, problem, cpu):
    """However clear the others are, and there is no use in going on."""
    blocks = measure(8, cpu=cpu)
    place = next(number for number, block in enumerate(blocks) if block.side is side)
    blocks[place] = replace(blocks[place], **change)
    comparison = compare(blocks, RULES)
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert problem in comparison.problems
    assert comparison.hopeless


def test_failed_runs_of_the_candidate_keep_it_from_pass_only():
    """Refusing is cheap: it may look fast by it, and never slow."""
    same, slower = (
        [replace(block, failed=int(block.side is Side.CANDIDATE)) for block in measure(8, cpu=cpu)]
        for cpu in (1.0, 1.5)
    )
    assert compare(same, RULES).verdict is Verdict.INCONCLUSIVE
    assert compare(same, RULES).problems == ("16 runs of the candidate failed",)
    assert compare(slower, RULES).verdict is Verdict.FAIL


def test_blocks_out_of_order_decide_nothing():
    """All of one side first: drift would look like a difference."""
    blocks = sorted(measure(8), key=lambda block: block.side)
    assert compare(blocks, RULES).problems == ("blocks are not in the order ABBA",)
    assert compare(blocks, RULES).verdict is Verdict.INCONCLUSIVE


def test_few_runs_pass_nothing():
    """A p95 of two runs a block, forty in all, is next to nothing."""
    blocks = [
        replace(block, runs=2, cpu_s=block.cpu_s / 10, latencies_s=block.latencies_s[:2])
        for block in measure(8)
    ]
    comparison = compare(blocks, replace(RULES, margins={measure: Margins(1.02, 9.0) for measure in Measure}))
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert "needs at least 100 runs of the base, has 32" in comparison.problems[0]


def test_the_same_blocks_give_the_same_decision():
    """The bootstrap is seeded."""
    assert compare(measure(8), RULES) == compare(measure(8), RULES)


def test_looks_are_at_a_quarter_half_and_all():
    """Never before 16 blocks, and always at the end."""
    assert looks_for(64) == (16, 32, 64)
    assert looks_for(128) == (32, 64, 128)
    assert looks_for(32) == (16, 32)
    assert looks_for(8) == (8,)


def test_more_looks_make_wider_bounds():
    """Whoever looks more often may err less often each time."""
    blocks = measure(8)
    once, often = (
        compare(blocks, replace(RULES, looks=looks)).decisions[0] for looks in ((32,), (16, 32, 64))
    )
    assert often.lower < once.lower < once.ratio < once.upper < often.upper


@pytest.mark.parametrize(
    "make",
    [
        lambda: Margins(fail_above=0.9),
        lambda: Margins(pass_below=math.nan),
        lambda: Margins(pass_below=1.0),
        lambda: CompareRules(looks=()),
        lambda: CompareRules(looks=(30,)),
        lambda: CompareRules(looks=(32, 16)),
        lambda: looks_for(0) and CompareRules(looks=looks_for(0)),
    ],
)
def test_rules_that_can_not_be_kept_are_refused(make):
    """In one line."""
    with pytest.raises(ConfigurationError):
        make()


def test_a_late_generator_passes_nothing():
    """It reads answers as late as it sends requests: 400 ms on both sides hide that one is twice as slow."""
    late = [
        replace(block, lag_s=0.4, latencies_s=tuple(0.4 + latency for latency in block.latencies_s))
        for block in measure(16, added_s=LATENCY_S)
    ]
    comparison = compare(late, RULES)
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert "the generator was late by 400.0 ms" in " ".join(comparison.problems)
    punctual = [replace(block, lag_s=0.001) for block in measure(16)]
    assert compare(punctual, RULES).problems == ()
