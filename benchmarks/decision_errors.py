"""How often the SLO decision is wrong, undecided, and after how many runs, beside what others do.

Usage: PYTHONPATH=src python benchmarks/decision_errors.py [--trials N] [--seed N] [--only WORDS]

Every trial is a stream of runs whose true percentile is known. Ours is the judge itself, over the four usual
objectives, of which the other three are healthy: it looks every half second, later at every 5% of growth.
"At the limit" every verdict is wrong. Cases named quick have the budget and the requirements of a quick load,
those named full of a full one, the others ten minutes.
Beside it: a quantile of n runs against the threshold, as k6 and others do (`point`), and a binomial test at
5% repeated every 50 runs (`peeking`).
"""

import argparse
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from statistics import median, quantiles

import numpy as np
from scipy import special, stats

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
)

SIGMA = 0.5
"""Of the logarithm of a latency, in the independent cases."""
POINT_SIZES = (300, 1_000, 10_000)
PEEK = 50
LOOK_S = 0.5
LOOK_GROWTH = 1.05
QUICK_S, FULL_S, LONG_S = 28.0, 238.0, 600.0
"""What the warm-up leaves of a quick and a full load, and a budget that clear cases never use up."""
OTHERS = {0.95: 0.99, 0.99: 0.95}

Stream = Callable[[np.random.Generator, int], np.ndarray]
"""Draws the latencies of n runs in a row, in thresholds: what is above 1 exceeds."""


def independent(percentile: float, distance: float) -> Stream:
    """Lognormal latencies whose percentile lies at (1 + distance) thresholds."""
    middle = math.log1p(distance) - SIGMA * stats.norm.ppf(percentile)
    return lambda chance, runs: chance.lognormal(middle, SIGMA, runs)


def clumped(share: float, length: float, part: float) -> Stream:
    """A part of the exceedances comes in clumps of geometric length, starting at random."""

    def draw(chance: np.random.Generator, runs: int) -> np.ndarray:
        latencies = np.where(chance.random(runs) < share * (1 - part), 2.0, 0.0)
        starts = np.flatnonzero(chance.random(runs) < share * part / length)
        for start, size in zip(starts, chance.geometric(1 / length, len(starts)), strict=True):
            latencies[start : start + size] = 2.0
        return latencies

    return draw


def regular(share: float, rate: float, *, every_s: float = 3.0) -> Stream:
    """A stall every three seconds that breaks the objective for just the share, at a random phase."""

    def draw(chance: np.random.Generator, runs: int) -> np.ndarray:
        moments = np.cumsum(chance.exponential(1 / rate, runs)) + chance.random() * every_s
        return np.where(moments % every_s < share * every_s, 2.0, 0.0)

    return draw


def stalling(share: float, rate: float, *, mean_s: float, threshold_s: float = 0.5) -> Stream:
    """Stalls of exponential length, so often that the share exceeds; shorter ones are seen before."""
    every_s = mean_s * math.exp(-threshold_s / mean_s) / share

    def draw(chance: np.random.Generator, runs: int) -> np.ndarray:
        moments = np.cumsum(chance.exponential(1 / rate, runs))
        latencies = np.zeros(runs)
        count = chance.poisson(moments[-1] / every_s)
        for start, length in zip(
            chance.random(count) * moments[-1], chance.exponential(mean_s, count), strict=True
        ):
            held = slice(*np.searchsorted(moments, (start, start + length)))
            latencies[held] = np.maximum(latencies[held], (start + length - moments[held]) / threshold_s)
        return latencies

    return draw


@dataclass(frozen=True)
class Case:
    """A service whose truth is known.

    Attributes:
        words: what it is like.
        percentile: of the objective that is tested.
        rate: arrivals per second.
        stream: its latencies.
        wrong: what it would be wrong to say; both at the limit itself.
        budget_s: seconds after which the judge has to do without.
        profile: whose requirements the judge has.
    """

    words: str
    percentile: float
    rate: float
    stream: Stream
    wrong: str
    budget_s: float
    profile: str = "quick"


@dataclass(frozen=True)
class Outcome:
    """How one case ended, over all trials, in percent; numbers of runs over the trials that were decided."""

    passed: float
    failed: float
    undecided: float
    median_runs: float
    p90_runs: float
    point_wrong: tuple[float, ...]
    peeking: tuple[float, float]


REQUIREMENTS = {"quick": Requirements(), "full": Requirements(break_s=0.2)}


def independent_cases() -> Iterator[Case]:
    """True percentile at the limit, 5, 10 and 20% off, and twice off, at 40 runs/s."""
    for percentile in (0.95, 0.99):
        for distance in (0.0, -0.05, 0.05, -0.1, 0.1, -0.2, 0.2, -0.5, 1.0):
            where = "at the limit" if not distance else f"{distance:+.0%}"
            stream = independent(percentile, distance)
            wrong = "both" if not distance else "FAIL" if distance < 0 else "PASS"
            yield Case(f"p{percentile * 100:g} {where}", percentile, 40, stream, wrong, LONG_S)


def clumped_cases() -> Iterator[Case]:
    """Stalls at the limit, and with half and twice the allowed share."""
    for percentile in (0.99, 0.95):
        allowed = 1 - percentile
        for share, where, wrong in (
            (allowed, "at the limit", "both"),
            (allowed / 2, "half the share", "FAIL"),
            (allowed * 2, "twice the share", "PASS"),
        ):
            kinds = (
                ("20 in 50%", 200, clumped(share, 20, 0.5)),
                ("40 in 90%", 200, clumped(share, 40, 0.9)),
                ("8 in all", 40, clumped(share, 8, 1.0)),
                ("regular stalls", 40, regular(share, 40)),
                ("stalls of 150 ms", 40, stalling(share, 40, mean_s=0.15)),
                ("stalls of 300 ms", 40, stalling(share, 40, mean_s=0.3)),
            )
            for kind, rate, stream in kinds:
                yield Case(f"p{percentile * 100:g} {kind} {where}", percentile, rate, stream, wrong, 0.0)


def all_cases() -> list[Case]:
    """Everything that is simulated."""
    clumps = list(clumped_cases())
    return [
        *independent_cases(),
        *(replace(case, budget_s=QUICK_S, words=f"{case.words}, quick") for case in clumps),
        *(replace(case, budget_s=FULL_S, profile="full", words=f"{case.words}, full") for case in clumps),
    ]


def looks(budget_s: float) -> list[float]:
    """When the judge looks, in seconds from the start of the window."""
    moments = [4.0]
    while moments[-1] < budget_s:
        moments.append(max(moments[-1] + LOOK_S, moments[-1] * LOOK_GROWTH))
    return moments


def judged(case: Case, latencies: np.ndarray) -> tuple[Verdict, int]:
    """The judge's last word about a stream, and the number of runs at which it spoke."""
    tested = LatencyObjective(case.percentile, 0.5)
    other = LatencyObjective(OTHERS[case.percentile], 0.5)
    success, flow = SuccessObjective(0.99), ThroughputObjective(case.rate / 2)
    judge = Judge((tested, other, success, flow), REQUIREMENTS[case.profile])
    beyond, near = (np.flatnonzero(latencies > level) for level in (1.0, 0.5))
    samples = 0
    for moment in looks(case.budget_s):
        samples = int(moment * case.rate)
        broken, close = (each[: np.searchsorted(each, samples)].tolist() for each in (beyond, near))
        clean = Tally(samples, (), case.rate)
        tallies = {
            tested.name: Tally(samples, broken, case.rate, close),
            other.name: clean,
            success.name: clean,
        }
        blocks = [round(case.rate)] * int(moment)
        flows = {flow.name: Flow(1.0, blocks, blocks, case.rate)}
        verdict = judge.verdict(judge.decide(Measured(moment, tallies, flows)))
        if verdict is not Verdict.INCONCLUSIVE:
            return verdict, samples
    return Verdict.INCONCLUSIVE, samples


def peek(exceeds: np.ndarray, allowed: float) -> int:
    """What repeated one-sided binomial tests say first: 1 passes, -1 fails, 0 neither."""
    sizes = np.arange(200, len(exceeds) + 1, PEEK)
    counts = np.cumsum(exceeds)[sizes - 1]
    passes = special.bdtr(counts, sizes, allowed) <= 0.05
    fails = special.bdtrc(counts - 1, sizes, allowed) <= 0.05
    first = [int(said.argmax()) if said.any() else len(sizes) for said in (passes, fails)]
    return 0 if first[0] == first[1] else 1 if first[0] < first[1] else -1


def simulate(case: Case, trials: int, seed: int) -> Outcome:
    """Draw a case many times and count."""
    chance = np.random.default_rng([seed, *case.words.encode()])
    allowed = 1 - case.percentile
    runs = int((looks(case.budget_s)[-1] + 1) * case.rate)
    verdicts, decided, points, peeks = [], [], np.zeros((trials, len(POINT_SIZES))), []
    for trial in range(trials):
        latencies = case.stream(chance, max(runs, *POINT_SIZES))
        exceeds = latencies > 1
        verdict, samples = judged(case, latencies[:runs])
        verdicts.append(verdict)
        if verdict is not Verdict.INCONCLUSIVE:
            decided.append(samples)
        counts = np.cumsum(exceeds)
        points[trial] = [counts[size - 1] > allowed * size for size in POINT_SIZES]
        peeks.append(peek(exceeds[:runs], allowed))
    failing = points.mean(axis=0)
    return Outcome(
        passed=verdicts.count(Verdict.PASS) / trials,
        failed=verdicts.count(Verdict.FAIL) / trials,
        undecided=verdicts.count(Verdict.INCONCLUSIVE) / trials,
        median_runs=median(decided) if decided else math.nan,
        p90_runs=quantiles(decided, n=10)[-1] if len(decided) > 1 else math.nan,
        point_wrong=tuple(float(share if case.wrong == "FAIL" else 1 - share) for share in failing),
        peeking=(peeks.count(1) / trials, peeks.count(-1) / trials),
    )


def line(case: Case, outcome: Outcome) -> str:
    """One case in one line."""
    runs = "" if math.isnan(outcome.median_runs) else f"{outcome.median_runs:,.0f}"
    most = "" if math.isnan(outcome.p90_runs) else f"{outcome.p90_runs:,.0f}"
    point = " ".join(f"{100 * wrong:5.1f}" for wrong in outcome.point_wrong)
    return (
        f"{case.words:38} {100 * outcome.passed:5.1f} {100 * outcome.failed:5.1f} "
        f"{100 * outcome.undecided:6.1f}  {runs:>7} {most:>7}   {point}   "
        f"{100 * outcome.peeking[0]:5.1f} {100 * outcome.peeking[1]:5.1f}"
    )


def run_case(place: int, trials: int, seed: int) -> str:
    """One line; streams are functions, which no process can send to another, so cases go by number."""
    case = all_cases()[place]
    return line(case, simulate(case, trials, seed))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="cases whose words hold this")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    places = [place for place, case in enumerate(all_cases()) if options.only in case.words]
    print(f"{'':38} ---- ours, % ----- -- runs needed -   point wrong, %      peeking, %")
    print(f"{'':38}  PASS  FAIL undec.   median     p90     300  1000 10000    PASS  FAIL")
    with ProcessPoolExecutor(options.processes) as pool:
        for text in pool.map(run_case, places, [options.trials] * len(places), [options.seed] * len(places)):
            print(text, flush=True)


if __name__ == "__main__":
    main()
