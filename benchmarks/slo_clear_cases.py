"""Clear cases: how often the SLO suite knows the answer when limits are a factor of 2 away, and how soon.

Usage: PYTHONPATH=src:apps/api/src python benchmarks/slo_clear_cases.py [--runs 20]          (20 minutes)
       PYTHONPATH=src:apps/api/src python benchmarks/slo_clear_cases.py --own [--runs 20]    (20 minutes)

The suite is the shipped one: 40 runs/s of four requests against a real server of the API, all its objectives.
Cases take turns. By default the limits are the shipped ones too, and new runs wait so long that their p95 and
p99 are half of those (must PASS), or twice those (must FAIL). With --own the limits are twice the p95 and p99
that the healthy API showed in its last windows: it must PASS; with a tenth of its runs late, or with all of
them, so that the p95 is twice its limit, it must FAIL. Such limits are shorter than the stalls that the suite
takes for unseen, so that PASS needs some minutes: see `--duration 240 --runs 5` (20 minutes) as well.

Beside it, on the very same windows, the rule of other tools: every observed figure keeps its limit. Windows
in which other work on the machine made a case unclear (less than 1.4 from the limit) are counted apart.
"""

import argparse
import math
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist, median

from figures import Circumstances, table

from gatewright.core.interrupts import end_as_by_ctrl_c
from gatewright.core.verdict import Verdict
from gatewright.suites.slo.report import SloReport
from multyagents_api.slo_performance import (
    SERVER_COMMAND,
    SloPerformanceConfig,
    SloThresholds,
    run_slo_performance_suite,
)

HERE = Path(__file__).resolve().parent
FACTOR = 2.0
CLEAR = 1.4
"""By so much a window must miss its limits, or keep them, to count as clear."""
CALIBRATIONS = 3
REMEMBERED = 5
TURN_S = 58
UNLIMITED = SloThresholds(p95_ms=5000, p99_ms=5000)
Z95, Z99 = NormalDist().inv_cdf(0.95), NormalDist().inv_cdf(0.99)
GOAL = "Goal: at least 95% conclusive, and right, on a quiet machine."
HEADERS = (
    "case",
    "expected",
    "right",
    "wrong",
    "INCONCLUSIVE",
    "point estimate right",
    "seconds, median (longest)",
    "measured window, s",
    "unclear",
    "p95 / limit",
    "p99 / limit",
)


@dataclass(frozen=True)
class Latency:
    """Percentiles of whole runs, in milliseconds."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, trial):
        """Those of a measured window."""
        seen = trial.scenario.latency
        return cls(seen.p50_ms, seen.p95_ms, seen.p99_ms)

    @classmethod
    def middle_of(cls, windows):
        """The medians of what the last windows showed."""
        last = windows[-REMEMBERED:]
        return cls(*(median(getattr(each, name) for each in last) for name in ("p50", "p95", "p99")))


@dataclass(frozen=True)
class Delay:
    """How long a share of new runs waits: lognormal, always the median when sigma is 0."""

    share: float
    median_ms: float
    sigma: float = 0.0

    @property
    def server_command(self):
        """The API behind it; it starts as the suite's own does."""
        words = (self.share, f"{self.median_ms:.3f}", f"{self.sigma:.4f}")
        return (sys.executable, str(HERE / "slow_path_api.py"), *map(str, words), *SERVER_COMMAND[3:])


@dataclass(frozen=True)
class Case:
    """A service, limits and the verdict that they must get."""

    name: str
    expected: Verdict
    limits: SloThresholds
    server_command: tuple[str, ...] = SERVER_COMMAND


def shipped_cases():
    """Waits of which p95 and p99 are half of the shipped limits, and twice those."""
    limits = SloThresholds()
    sigma = math.log(limits.p99_ms / limits.p95_ms) / (Z99 - Z95)
    median_ms = limits.p95_ms / math.exp(Z95 * sigma)
    half, twice = (Delay(1.0, median_ms * factor, sigma).server_command for factor in (1 / FACTOR, FACTOR))
    return (
        Case("shipped limits, p95 and p99 at half", Verdict.PASS, limits, half),
        Case("shipped limits, p95 and p99 at twice", Verdict.FAIL, limits, twice),
    )


def own_cases(healthy):
    """The healthy API with limits of twice its percentiles; late, so that its p95 is twice its limit."""
    limits = SloThresholds(p95_ms=FACTOR * healthy.p95, p99_ms=FACTOR * healthy.p99)
    late_ms = FACTOR * limits.p95_ms
    # Of a tenth that is late, the median is the p95 of all.
    tenth = Delay(0.1, late_ms - healthy.p50).server_command
    every = Delay(1.0, late_ms - healthy.p95).server_command
    return (
        Case("limits at twice its percentiles, healthy", Verdict.PASS, limits),
        Case("the same limits, a tenth of the runs late", Verdict.FAIL, limits, tenth),
        Case("the same limits, all runs late", Verdict.FAIL, limits, every),
    )


@dataclass(frozen=True)
class Trial:
    """One run of the suite: the report, and the seconds from start to verdict."""

    case: Case
    report: SloReport
    seconds: float

    @property
    def scenario(self):
        """The only one; None when the service could not be measured."""
        return next(iter(self.report.scenarios), None)

    @property
    def is_clear(self):
        """Whether the service was as it was meant to be; busy neighbours make a healthy one late."""
        if self.scenario is None or not self.scenario.latency.count:
            return True
        seen, limits = Latency.of(self), self.case.limits
        strain = max(seen.p95 / limits.p95_ms, seen.p99 / limits.p99_ms)
        return strain >= CLEAR if self.case.expected is Verdict.FAIL else strain <= 1 / CLEAR

    @property
    def point_estimate(self):
        """What a comparison of the observed figures with their limits says about the same window."""
        if self.scenario is None or any(each.observed is None for each in self.scenario.objectives):
            return None
        kept = [
            each.observed <= each.threshold if "latency" in each.name else each.observed >= each.threshold
            for each in self.scenario.objectives
        ]
        return Verdict.PASS if all(kept) else Verdict.FAIL


def try_once(case, seed, duration_s):
    """Run the suite."""
    began = time.monotonic()
    config = replace(
        SloPerformanceConfig(), seed=seed, duration_s=duration_s, server_command=case.server_command
    )
    report = run_slo_performance_suite(config, case.limits)
    return Trial(case, report, time.monotonic() - began)


def calibrate():
    """What healthy windows show; raises SystemExit when the API can't be measured here."""
    windows = []
    for number in range(1, CALIBRATIONS + 1):
        print(f"calibration {number} of {CALIBRATIONS}", file=sys.stderr)
        case = Case("calibration", Verdict.PASS, UNLIMITED)
        trial = try_once(case, seed=1000 + number, duration_s=SloPerformanceConfig.duration_s)
        if trial.scenario is None or not trial.scenario.latency.count:
            raise SystemExit(f"the API can't be measured: {trial.report.reasons[0].message}")
        windows.append(Latency.of(trial))
    return windows


def measure(runs, duration_s, *, own):
    """The trials of each case by its name, in turns."""
    healthy = calibrate() if own else []
    trials = {}
    for number in range(1, runs + 1):
        for case in own_cases(Latency.middle_of(healthy)) if own else shipped_cases():
            print(f"turn {number} of {runs}: {case.name}", file=sys.stderr)
            trial = try_once(case, number, duration_s)
            trials.setdefault(case.name, []).append(trial)
            if case.server_command == SERVER_COMMAND and trial.scenario is not None:
                healthy.append(Latency.of(trial))
    return trials


def share(count, trials):
    """A count, and what it is in percent."""
    return f"{count} of {len(trials)} ({count / max(1, len(trials)):.0%})"


def row(name, all_trials):
    """A line of the table."""
    trials = [trial for trial in all_trials if trial.is_clear]
    expected = all_trials[0].case.expected
    verdicts = Counter(trial.report.verdict for trial in trials)
    doubtful = verdicts[Verdict.INCONCLUSIVE]
    seconds = [trial.seconds for trial in trials]
    measured = [trial for trial in trials if trial.scenario is not None and trial.scenario.latency.count]
    windows = [(Latency.of(trial), trial.case.limits) for trial in measured]
    return (
        name,
        expected.value,
        share(verdicts[expected], trials),
        len(trials) - verdicts[expected] - doubtful,
        doubtful,
        share(sum(trial.point_estimate is expected for trial in trials), trials),
        f"{median(seconds):.1f} ({max(seconds):.1f})" if seconds else "",
        f"{median(trial.scenario.measured_s for trial in measured):.1f}" if measured else "",
        len(all_trials) - len(trials),
        f"{median(seen.p95 / limits.p95_ms for seen, limits in windows):.2f}" if windows else "",
        f"{median(seen.p99 / limits.p99_ms for seen, limits in windows):.2f}" if windows else "",
    )


def main(runs, duration, *, own):
    """Measure and print the table, and why the suite was in doubt where it was."""
    end_as_by_ctrl_c()
    print(f"about {(runs * TURN_S + own * 60) / 60:.0f} minutes", file=sys.stderr)
    circumstances = Circumstances()
    trials = measure(runs, duration, own=own)
    print(table(HEADERS, [row(name, found) for name, found in trials.items()]))
    print(f"\nSeconds are those of the whole suite, start of the server included. {GOAL}")
    for name, found in trials.items():
        for trial in found:
            if trial.report.verdict is not trial.case.expected:
                unclear = "" if trial.is_clear else " (unclear)"
                why = "; ".join(reason.message for reason in trial.report.reasons)
                print(f"- {name}{unclear}: {trial.report.verdict.value}: {why}")
    print(circumstances.words(packages=("fastapi", "uvicorn", "sqlalchemy", "uvloop")))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20, help="turns of each case")
    parser.add_argument(
        "--duration",
        type=float,
        default=SloPerformanceConfig.duration_s,
        help="longest load of a turn, in seconds (default %(default)s, as shipped)",
    )
    parser.add_argument("--own", action="store_true", help="limits by the healthy API's own percentiles")
    try:
        main(**vars(parser.parse_args()))
    except KeyboardInterrupt:
        sys.exit("interrupted; all processes were ended")
