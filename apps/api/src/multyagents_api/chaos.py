"""The chaos suite of the API: what it leans on is taken away under load, one thing after the other."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from gatewright.suites.arguments import Figure
from gatewright.suites.drill import (
    Drill,
    DrillReport,
    DrillSuite,
    DrillSuiteConfig,
    drill_command,
    publish_drill_report,
    run_drill_suite,
)
from gatewright.suites.progress import SuiteProgress
from multyagents_api.scenarios.chaos.expectations import (
    COMMON,
    DELIVERED_ONCE,
    NO_SURVIVORS,
    OTHERS_GO_ON,
    READS_GO_ON,
    READY_TELLS_THE_TRUTH,
    STALE_IS_REFUSED,
    STORE_INTACT,
)
from multyagents_api.scenarios.chaos.runners import jump_clock, kill_runner, lose_runner
from multyagents_api.scenarios.chaos.stage import Amount, Stage
from multyagents_api.scenarios.chaos.stores import cut_network, fill_disk, kill_api, restart_database
from multyagents_api.scenarios.evidence import evidence_folder
from multyagents_api.scenarios.topology import PLACES

__all__ = ["PROFILES", "ChaosConfig", "main", "publish_drill_report", "run_chaos_suite"]

PROGRAM = "python -m multyagents_api.chaos"
SUITE = "chaos"


@dataclass(frozen=True, kw_only=True)
class ChaosConfig(DrillSuiteConfig):
    """How much is done; see `DrillSuiteConfig` and `Amount`.

    Attributes:
        repetitions: of what each drill does, each at another moment.
        clients: of the service under chaos.
        amount: the rest: how patient drills are, and what starts the service.
    """

    output: Path = field(default_factory=lambda: evidence_folder(SUITE))
    repetitions: int = 1
    clients: int = 4
    amount: Amount = field(default_factory=Amount)


PROFILES = {
    "quick": ChaosConfig(),
    "full": ChaosConfig(profile="full", repetitions=5, clients=8),
}
FIGURES = {
    "repetitions": Figure("repetitions", 1, "how often each drill does what it does"),
    "clients": Figure("clients", 1, "clients of the service under chaos"),
}


def run_chaos_suite(config: ChaosConfig, *, progress: SuiteProgress | None = None) -> DrillReport:
    """Carry out the drills as configured.

    Raises:
        ConfigurationError: no such drill, or no such database.
    """
    amount = replace(config.amount, repetitions=config.repetitions, clients=config.clients, seed=config.seed)
    with Stage(amount) as stage:
        suite = DrillSuite(SUITE, tuple(drills(stage)), PROGRAM, side_by_side=True)
        return run_drill_suite(suite, config, progress=progress)


def drills(stage: Stage) -> Iterator[Drill]:
    """All drills, in order."""
    for place in PLACES:
        yield Drill(
            "api-killed",
            "kills one of two API processes in the midst of runs, and starts it again",
            (*COMMON, OTHERS_GO_ON, READY_TELLS_THE_TRUTH),
            partial(kill_api, stage=stage, place=place),
            place,
        )
    yield Drill(
        "database-restarted",
        "crashes the database under load, and starts it again",
        (*COMMON, READY_TELLS_THE_TRUTH),
        partial(restart_database, stage=stage),
        "postgresql",
    )
    yield Drill(
        "network-cut",
        "resets, silences and half-silences the network between the service and its database",
        (*COMMON, READY_TELLS_THE_TRUTH),
        partial(cut_network, stage=stage),
        "postgresql",
    )
    yield Drill(
        "disk-full",
        "fills the disk that the database is on, and makes room again",
        (*COMMON, READY_TELLS_THE_TRUTH, READS_GO_ON, STORE_INTACT),
        partial(fill_disk, stage=stage),
        "sqlite",
    )
    yield Drill(
        "clock-jump",
        "puts the clock of the service forward by an hour and back, in the midst of runs",
        (*COMMON, STALE_IS_REFUSED),
        partial(jump_clock, stage=stage),
        "sqlite",
    )
    yield Drill(
        "runner-unreachable",
        "lets the runner refuse connections, then be silent, in the midst of runs",
        (*COMMON, READY_TELLS_THE_TRUTH, OTHERS_GO_ON, DELIVERED_ONCE),
        partial(lose_runner, stage=stage),
        "sqlite",
    )
    yield Drill(
        "runner-killed",
        "kills the runner in the midst of its commands, and starts another one",
        (*COMMON, NO_SURVIVORS, STALE_IS_REFUSED),
        partial(kill_runner, stage=stage),
        "sqlite",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; the exit code is the verdict's."""
    return drill_command(
        lambda config, progress: run_chaos_suite(config, progress=progress),
        PROFILES,
        argv,
        program=PROGRAM,
        suite=SUITE,
        description=__doc__ or "",
        environment=os.environ,
        figures=FIGURES,
        prefix="CHAOS_",
    )


if __name__ == "__main__":
    sys.exit(main())
