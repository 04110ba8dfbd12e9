"""What 200 kills do to the service: python benchmarks/restarts.py [KILLS] [SEED].

Runs the restart suite with so many kills and prints the table of docs/benchmarks.md. Exit code 1 where
anything that must hold did not.
"""

import sys

from figures import Circumstances, table

from gatewright.suites.drill import DrillResult
from gatewright.suites.progress import Lines
from multyagents_api.restart_persistence import RestartPersistenceConfig, run_restart_persistence_suite

HEADERS = [
    "drill",
    "kills",
    "requests unanswered (writes)",
    "runs, all brought to their end",
    "acknowledged writes looked for",
    "callbacks sent again",
    "expectations looked at",
    "violated",
    "back after ms, median (longest)",
]


def main() -> int:
    """Kill, and print a row for each drill."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    circumstances = Circumstances()
    config = RestartPersistenceConfig(kills=kills, seed=seed)
    report = run_restart_persistence_suite(config, progress=Lines(sys.stderr, every=10))
    print(circumstances.words(packages=("uvicorn", "asyncpg")), "\n")
    print(table(HEADERS, map(row, report.drills)))
    for reason in report.reasons:
        print(f"- {reason.message}")
    print(report.verdict)
    return report.verdict.exit_code


def row(result: DrillResult) -> list[object]:
    """A drill's figures."""
    figures = result.metrics
    return [
        f"`{result.drill}` on {result.place}",
        result.repetitions,
        f"{figures['unanswered_requests']:.0f} ({figures['unanswered_writes']:.0f})",
        f"{figures['runs']:.0f}",
        f"{figures['acknowledged_writes']:,.0f}",
        f"{figures['replayed_callbacks']:,.0f}",
        f"{sum(each.evaluated for each in result.expectations):,}",
        sum(each.violated for each in result.expectations),
        f"{figures['recovery_ms_median']:,.0f} ({figures['recovery_ms_max']:,.0f})",
    ]


if __name__ == "__main__":
    sys.exit(main())
