"""How often slices of time and error budgets are decided wrongly, when services sit exactly at their target.

    PYTHONPATH=src python benchmarks/slice_decisions.py

Bad slices (and bad runs) come in outages of geometric length. Slices are judged after every 20 of 300, and a
verdict counts when any look gives it; budgets are judged once, after 2,000 runs at 40/s.
"""

import random

from tabulate import tabulate

from gatewright.core.verdict import Verdict
from gatewright.slo import (
    ErrorBudget,
    RatioTimeslicesObjective,
    Slice,
    Tally,
    TimeslicesObjective,
    judge_budget,
    judge_slices,
)

SERVICES = 200
SLICES = 300
RUNS = 2000
LENGTHS = (1, 2, 4, 8)


def outages(chance, count, share, length):
    """For each place whether it is bad: a share of them, in outages of so many on average."""
    bad = chance.random() < share
    for _ in range(count):
        yield bad
        bad = chance.random() < (1 - 1 / length if bad else share / (length * (1 - share)))


def decided(objective, slices):
    """The verdicts of all looks."""
    return {judge_slices(objective, slices[:seen]).verdict for seen in range(20, SLICES + 1, 20)}


def by_slices(objective, share, bad_runs, length):
    """The shares of services that ever pass, and that ever fail."""
    verdicts = []
    for seed in range(SERVICES):
        places = outages(random.Random(seed), SLICES, share, length)
        verdicts.append(decided(objective, [Slice(100, bad_runs * bad) for bad in places]))
    return [sum(word in seen for seen in verdicts) / SERVICES for word in (Verdict.PASS, Verdict.FAIL)]


def by_budget(share, length, unseen_s):
    """The shares of services whose budget passes, and whose budget fails."""
    verdicts = []
    for seed in range(SERVICES):
        places = outages(random.Random(seed), RUNS, share, length)
        bad = [number for number, is_bad in enumerate(places) if is_bad]
        verdicts.append(
            judge_budget(ErrorBudget(1 - share), Tally(RUNS, bad, 40.0), RUNS / 40, unseen_s=unseen_s).verdict
        )
    return [verdicts.count(word) / SERVICES for word in (Verdict.PASS, Verdict.FAIL)]


def main():
    """Print a table."""
    rows = []
    for length in LENGTHS:
        good = by_slices(TimeslicesObjective(0.9, 0.99, 5.0), 0.1, 2, length)
        half = by_slices(RatioTimeslicesObjective(0.9, 5.0), 0.2, 50, length)
        whole = by_slices(RatioTimeslicesObjective(0.9, 5.0), 0.1, 100, length)
        rows.append([f"outages of {length} slices", *good, *half, *whole])
    headers = [
        "at the target",
        "Timeslices PASS",
        "FAIL",
        "Ratio, half bad PASS",
        "FAIL",
        "Ratio, all bad PASS",
        "FAIL",
    ]
    print(tabulate(rows, headers=headers, floatfmt=".1%"))
    budgets = [
        [f"outages of {length} runs", *by_budget(0.05, length, 0.0), *by_budget(0.05, length, 0.25)]
        for length in (1, 5, 10, 25)
    ]
    print(
        tabulate(
            budgets, headers=["at a burn of 1", "PASS", "FAIL", "0.25 s missed: PASS", "FAIL"], floatfmt=".1%"
        )
    )


if __name__ == "__main__":
    main()
