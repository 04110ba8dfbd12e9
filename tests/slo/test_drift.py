"""Growth per run is found; warm-up, sawteeth, plateaus and idling are no growth."""

import math
import random

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict
from gatewright.slo import DriftLimit, DriftSeries, block_minima, judge_drifts

PAGE = 4096
ARENA = 131_072
BLOCKS = 40
RUNS = 22_500
LIMIT = DriftLimit("rss", 50.0, granularity=256e3)


def memory(seed, per_run, samples=300, runs=RUNS):
    """Resident bytes of a soak of 45 s at 500 runs/s: what the service needs, as an allocator takes it.

    Need: a warm-up of 3 MB, a collector's sawtooth of 400 kB, noise, and a leak. The allocator takes arenas at
    random moments, ever more rarely, keeps what it once had but for 300 kB, and all of it comes in pages.
    """
    chance = random.Random(seed)
    tooth, phase = chance.randint(7, 40), chance.random()
    arenas, peak, series = 0, 0.0, []
    for number in range(samples):
        share = number / samples
        arenas += chance.random() < 0.002 + 0.01 * math.exp(-share / 0.15)
        need = 18e6 + 3e6 * (1 - math.exp(-share / 0.06)) + per_run * share * runs
        need += 4e5 * ((number / tooth + phase) % 1) + abs(chance.gauss(0, 8e3)) + arenas * ARENA
        peak = max(peak, need - 3e5)
        series.append(max(need, peak) // PAGE * PAGE)
    return [number * runs // samples for number in range(samples)], series


def judged(runs, values, limit=LIMIT, rate=500.0):
    (drift,) = judge_drifts([DriftSeries(limit, *block_minima(runs, values, BLOCKS))], rate=rate)
    return drift


def test_no_leak_raises_no_alarm():
    """200 soaks without a leak: no FAIL, and nearly all pass."""
    verdicts = [judged(*memory(seed, 0)).verdict for seed in range(200)]
    assert verdicts.count(Verdict.FAIL) == 0
    assert verdicts.count(Verdict.PASS) >= 195


@pytest.mark.parametrize("leak", [100, 1000])
def test_a_leak_is_found_with_its_size(leak):
    """100 bytes a run are found in 20 of 20 soaks, and read as 100 to 130."""
    for seed in range(20):
        drift = judged(*memory(seed, leak))
        assert drift.verdict is Verdict.FAIL
        assert leak - 2 <= drift.slope <= leak + 30
        assert drift.lower <= drift.slope <= drift.upper


def test_a_leak_within_the_limit_passes():
    """25 bytes a run are allowed to a service that may take 50: it never fails."""
    verdicts = [judged(*memory(seed, 25)).verdict for seed in range(50)]
    assert verdicts.count(Verdict.FAIL) == 0
    assert verdicts.count(Verdict.PASS) >= 40


def test_growth_counts_by_runs_and_not_by_time():
    """The same leak, with the service idle for the second half of the time, has the same slope."""
    runs, values = memory(1, 1000)
    idle = len(runs)
    drift = judged([*runs, *[runs[-1] + number for number in range(idle)]], [*values, *[values[-1]] * idle])
    assert drift.verdict is not Verdict.PASS
    assert judged(runs, values).slope == pytest.approx(1000, rel=0.05)


def counted(per_run, *, noise=0, extra=0, samples=300, runs=2400, seed=1):
    """A small whole number, as of files or threads: a leak, a few that come and go, `extra` from a third on."""
    chance = random.Random(seed)
    numbers = [number * runs // samples for number in range(samples)]
    return numbers, [
        20 + int(per_run * run) + chance.randint(0, noise) + (extra if run > runs / 3 else 0)
        for run in numbers
    ]


FILES = DriftLimit("open_files", 0.005, granularity=3)


def test_a_file_leaked_every_100_runs_is_found():
    """24 files in a soak of 2,400 runs, though up to eight connections come and go."""
    for seed in range(20):
        drift = judged(*counted(0.01, noise=8, seed=seed), FILES, rate=40)
        assert drift.verdict is Verdict.FAIL
        assert drift.slope == pytest.approx(0.01, rel=0.25)


@pytest.mark.parametrize("extra", [0, 1, 2])
def test_a_thread_more_is_no_leak(extra):
    """A pool that starts a thread or two when it first needs them has done with it."""
    assert judged(*counted(0, extra=extra), FILES, rate=40).verdict is Verdict.PASS


def test_files_that_come_and_go_are_no_leak():
    """Connections are files, too."""
    verdicts = {judged(*counted(0, noise=8, seed=seed), FILES, rate=40).verdict for seed in range(50)}
    assert verdicts == {Verdict.PASS}


def latency(seed, per_run, blocks=30, runs_per_block=20):
    """The p95 of blocks of runs, in microseconds: neighbours come and go, and hold some blocks up by 20 ms."""
    chance = random.Random(seed)
    busy, series = False, []
    for number in range(blocks):
        busy ^= chance.random() < 0.2
        held_up = chance.expovariate(1 / 20e3) if busy else 0
        series.append(8e3 + abs(chance.gauss(0, 2e3)) + held_up + per_run * number * runs_per_block)
    return [number * runs_per_block for number in range(blocks)], series


SLOWER = DriftLimit("latency_p95", 100.0, granularity=10e3)


def test_busy_neighbours_are_no_slow_down():
    """In 200 loads of 15 s no FAIL; where the neighbours hide the answer it is INCONCLUSIVE."""
    verdicts = [judged(*latency(seed, 0), SLOWER, rate=40).verdict for seed in range(200)]
    assert verdicts.count(Verdict.FAIL) == 0
    assert verdicts.count(Verdict.PASS) >= 190


def test_a_growing_slow_down_is_found_in_spite_of_busy_neighbours():
    """300 us more at each of 600 runs: nearly always found, and never passed."""
    verdicts = [judged(*latency(seed, 300), SLOWER, rate=40).verdict for seed in range(200)]
    assert verdicts.count(Verdict.PASS) == 0
    assert verdicts.count(Verdict.FAIL) >= 190


def test_stored_runs_stay_within_what_is_allowed_to_them():
    """A database grows with each run, in steps; its limit is an allowance and not zero."""
    runs = [number * 8 for number in range(300)]
    size = [run // 400 * 400 * 900.0 for run in runs]
    assert judged(runs, size, DriftLimit("database", 8192.0)).verdict is Verdict.PASS
    drift = judged(runs, size, DriftLimit("database", 100.0))
    assert drift.verdict is Verdict.FAIL
    assert drift.slope == pytest.approx(900, rel=0.1)


def test_a_cache_that_fills_is_no_leak():
    """Growth beyond the limit that is nearly over in the later half is INCONCLUSIVE: a longer soak passes."""
    runs = [number * 75 for number in range(300)]
    filling = [2e7 + 1.2e7 * (1 - math.exp(-run / 4000)) for run in runs]
    drift = judged(runs, filling)
    assert drift.verdict is Verdict.INCONCLUSIVE
    assert "hardly in the later half: needs about" in drift.missing
    longer = [run * 20 for run in runs]
    filled = [2e7 + 1.2e7 * (1 - math.exp(-run / 4000)) for run in longer]
    assert judged(longer, filled).verdict is Verdict.PASS


def test_growth_must_be_significant_by_itself():
    """Beyond a tiny limit with 2% of error is not enough: that something grows must have less than 1%."""
    chance = random.Random(6)
    runs = [float(number) for number in range(BLOCKS)]
    values = [0.03 * run + chance.gauss(0, 1) for run in runs]
    drift = judged(runs, values, DriftLimit("rss", 0.001))
    assert drift.p_fail < 0.05
    assert drift.verdict is Verdict.INCONCLUSIVE
    assert drift.missing.startswith("its growth is not significant")


def test_growth_below_the_granularity_is_no_leak():
    """Half a megabyte in steps, where an allocator takes a megabyte at once: soak longer."""
    runs, values = memory(1, 100, runs=3000)
    drift = judged(runs, values, DriftLimit("rss", 50.0, granularity=1e6))
    assert drift.verdict is Verdict.INCONCLUSIVE
    assert "less than its granularity" in drift.missing


def test_at_the_limit_it_is_not_decided():
    """Bounds that enclose the limit are INCONCLUSIVE, and the words say how much longer it takes."""
    chance = random.Random(2)
    runs = [number * 10 for number in range(300)]
    values = [8e7 + 290 * run + chance.gauss(0, 1e5) for run in runs]
    drift = judged(runs, values, DriftLimit("rss", 300.0), rate=40)
    assert drift.verdict is Verdict.INCONCLUSIVE
    assert "its bounds enclose the limit: needs about" in drift.missing
    assert "more runs at 40/s" in drift.missing


def test_a_slope_at_the_very_limit_asks_for_another_limit():
    """No soak of bearable length would tell."""
    runs = [number * 10 for number in range(BLOCKS)]
    drift = judged(runs, [300.0 * run + (run % 20) * 1e4 for run in runs], DriftLimit("rss", 300.0))
    assert drift.missing.endswith("too close to the limit to tell, move it")


def test_series_share_one_error():
    """Growth that would fail alone is not enough where nine others are judged as well."""
    chance = random.Random(11)
    runs = [float(number) for number in range(40)]
    flat = DriftSeries(DriftLimit("flat", 1.0), runs, [5.0] * 40)
    values = [1.2 * run + chance.gauss(0, 2) for run in runs]
    grown = DriftSeries(DriftLimit("grown", 1.0), runs, values)
    assert judge_drifts([grown], rate=1)[0].verdict is Verdict.FAIL
    assert judge_drifts([grown, *[flat] * 9], rate=1)[0].verdict is Verdict.INCONCLUSIVE


def test_too_few_blocks_are_inconclusive():
    """A short soak says nothing, however flat, and says how long it would have to be."""
    drift = judged([0, 40, 80, 120], [5.0] * 4, rate=40)
    assert drift.verdict is Verdict.INCONCLUSIVE
    assert drift.missing == (
        "needs at least 12 blocks after the warm-up, has 3: needs about 360 more runs at 40/s (9 s)"
    )


def test_what_could_not_be_read_is_inconclusive():
    """Nothing known is nothing proven."""
    drift = judged([], [])
    assert drift.verdict is Verdict.INCONCLUSIVE
    assert drift.missing == "it could not be read"


def test_no_runs_are_no_soak():
    """A series without progress in runs is not judged."""
    drift = judged([0] * 40, list(range(40)))
    assert drift.verdict is Verdict.INCONCLUSIVE
    assert drift.missing == "no runs were made meanwhile"


def test_block_minima_keep_the_runs_of_their_points():
    """Each block's least value stands at its own number of runs."""
    assert block_minima([0, 10, 20, 30], [4.0, 3.0, 1.0, 2.0], 2) == ([10.0, 20.0], [3.0, 1.0])
    assert block_minima([], [], 10) == ([], [])


@pytest.mark.parametrize("limit", [(0, 0), (math.nan, 0), (math.inf, 0), (1, -1), (1, math.nan)])
def test_a_limit_that_means_nothing_is_refused(limit):
    """No growth at all can't be proven, and a granularity is a number."""
    with pytest.raises(ConfigurationError, match="rss"):
        DriftLimit("rss", *limit)
