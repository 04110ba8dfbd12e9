"""How often the decision about throughput is wrong: services that keep up, that don't, and that do by bursts.

Usage: PYTHONPATH=src python benchmarks/throughput_errors.py [--trials N] [--seed N]

Runs arrive at random (Poisson); the judge looks at every whole second, up to the given number of seconds.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gatewright.core.verdict import Verdict
from gatewright.slo import Flow, Judge, Measured, ThroughputObjective

OFFERED, THRESHOLD = 40.0, 20.0

Service = Callable[[np.random.Generator, np.ndarray], np.ndarray]
"""Gives the moment at which each of the ascending arrivals succeeds; infinity for one that fails."""


def queue(capacity: float, *, even: bool = False) -> Service:
    """One worker, whose runs take exponential or equal times."""

    def serve(chance: np.random.Generator, arrivals: np.ndarray) -> np.ndarray:
        mean = 1 / capacity
        times = np.full(len(arrivals), mean) if even else chance.exponential(mean, len(arrivals))
        ends = np.empty(len(arrivals))
        free = 0.0
        for number, arrival in enumerate(arrivals):
            free = ends[number] = max(free, arrival) + times[number]
        return ends

    return serve


def losing(share: float) -> Service:
    """Each run fails by itself, the others take 10 ms."""
    return lambda chance, arrivals: np.where(chance.random(len(arrivals)) < share, np.inf, arrivals + 0.01)


def outages(share: float, mean_s: float) -> Service:
    """All runs fail in outages of exponential length, for a share of the time."""

    def serve(chance: np.random.Generator, arrivals: np.ndarray) -> np.ndarray:
        up_s = mean_s * (1 - share) / share
        edges = [0.0] if chance.random() < share else [0.0, chance.exponential(up_s)]
        while edges[-1] < arrivals[-1]:
            edges.append(edges[-1] + chance.exponential(mean_s))
            edges.append(edges[-1] + chance.exponential(up_s))
        # Even places begin a time that is up, unless the service began down.
        down = (np.searchsorted(edges, arrivals, side="right") - len(edges)) % 2 == 1
        return np.where(down, np.inf, arrivals + 0.01)

    return serve


def batches(every_s: float) -> Service:
    """Answers leave together, every few seconds; nothing is lost."""
    return lambda _chance, arrivals: (np.floor(arrivals / every_s) + 1) * every_s


@dataclass(frozen=True)
class Case:
    """A service; what it would be wrong to say of it; how many seconds the judge has."""

    words: str
    service: Service
    wrong: str
    seconds: int = 60


CASES = (
    Case("keeps up", queue(400), "FAIL"),
    Case("keeps up, answers every 3 s", batches(3), "FAIL"),
    Case("keeps up, answers every 7 s", batches(7), "FAIL"),
    Case("23/s of 20", queue(23), "FAIL"),
    Case("20/s of 20, random times", queue(20), "both"),
    Case("20/s of 20, equal times", queue(20, even=True), "both"),
    Case("half of the runs fail", losing(0.5), "both"),
    Case("outages of 1 s, half the time", outages(0.5, 1), "both"),
    Case("outages of 5 s, half the time", outages(0.5, 5), "both"),
    Case("outages of 5 s, half the time", outages(0.5, 5), "both", seconds=600),
    Case("17/s of 20", queue(17), "PASS"),
    Case("outages of 5 s, 60% of the time", outages(0.6, 5), "PASS"),
    Case("outages of 5 s, 40% of the time", outages(0.4, 5), "FAIL"),
    Case("10/s of 20", queue(10), "PASS"),
    Case("nothing comes out", losing(1.0), "PASS"),
)


def judged(case: Case, chance: np.random.Generator) -> tuple[Verdict, int]:
    """The judge's last word, and the second at which it spoke."""
    objective = ThroughputObjective(THRESHOLD)
    judge = Judge([objective])
    arrivals = np.cumsum(chance.exponential(1 / OFFERED, int(1.5 * OFFERED * case.seconds) + 100))
    ends = np.sort(case.service(chance, arrivals))
    edges = np.arange(case.seconds + 1)
    arrived, completed = (np.diff(np.searchsorted(moments, edges)).tolist() for moments in (arrivals, ends))
    for second in range(4, case.seconds + 1):
        flow = Flow(1.0, arrived[:second], completed[:second], OFFERED)
        verdict = judge.decide(Measured(float(second), {}, {objective.name: flow}))[0].verdict
        if verdict is not Verdict.INCONCLUSIVE:
            return verdict, second
    return Verdict.INCONCLUSIVE, case.seconds


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = np.random.default_rng(options.seed)
    print(f"{'':34} within   PASS   FAIL undec., %  wrong   median s")
    for case in CASES:
        said = [judged(case, chance) for _ in range(options.trials)]
        verdicts = [verdict.value for verdict, _ in said]
        shares = {word: 100 * verdicts.count(word) / options.trials for word in ("PASS", "FAIL")}
        wrong = sum(share for word, share in shares.items() if case.wrong in (word, "both"))
        decided = [second for verdict, second in said if verdict is not Verdict.INCONCLUSIVE]
        middle = np.median(decided) if decided else np.nan
        print(
            f"{case.words:34} {case.seconds:4} s {shares['PASS']:6.1f} {shares['FAIL']:6.1f} "
            f"{100 - sum(shares.values()):9.1f} {wrong:6.1f} {middle:10.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
