"""Figures of the linearizability checker: time by size, and agreement with trying every order.

    PYTHONPATH=src:tests python benchmarks/race_linearizability.py [--histories N] [--repeats N]

Prints one line for each figure; times are of the processor.
"""

import argparse
import random
import statistics
import time

from planted.histories import TaskModel, has_order, random_history

from gatewright.race.checkers import Outcome, check_linearizability

SIZES = ((10, 3), (100, 5), (1000, 5), (1000, 10))


def measure(size: int, clients: int, lies: int, lost: float, repeats: int) -> None:
    seconds, outcomes = [], []
    for seed in range(repeats):
        history, observed = random_history(random.Random(seed), size, clients, lies=lies, lost=lost)
        began = time.process_time()
        outcomes.append(check_linearizability(history, TaskModel(), observed).outcome.value)
        seconds.append(time.process_time() - began)
    said = ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in Outcome)
    print(
        f"{size} operations, {clients} clients, {lies} lies, {lost:.0%} lost: "
        f"median {statistics.median(seconds) * 1000:.1f} ms, max {max(seconds) * 1000:.1f} ms ({said})"
    )


def agree(histories: int) -> None:
    legal = differing = 0
    began = time.process_time()
    for seed in range(histories):
        rng = random.Random(seed)
        history, observed = random_history(rng, rng.randrange(1, 7), 3, lies=seed % 2, lost=0.15)
        truth = has_order(history.operations, observed)
        said = check_linearizability(history, TaskModel(), observed).outcome
        legal += truth
        differing += said is not (Outcome.LINEARIZABLE if truth else Outcome.NOT_LINEARIZABLE)
    took = time.process_time() - began
    print(f"brute force: {histories} histories, {legal} legal, {differing} judged differently ({took:.1f} s)")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--histories", type=int, default=10_000)
    arguments.add_argument("--repeats", type=int, default=20)
    options = arguments.parse_args()
    for size, clients in SIZES:
        for lies, lost in ((0, 0.0), (1, 0.0), (0, 0.01), (1, 0.01)):
            measure(size, clients, lies, lost, options.repeats)
    agree(options.histories)


if __name__ == "__main__":
    main()
