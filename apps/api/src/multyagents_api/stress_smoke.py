"""The stress suite of the API: many workflows at once, through real processes, runner and commands."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gatewright.suites.arguments import Figure
from gatewright.suites.drill import (
    DrillReport,
    DrillSuite,
    DrillSuiteConfig,
    drill_command,
    run_drill_suite,
)
from gatewright.suites.progress import SuiteProgress
from multyagents_api.scenarios.evidence import evidence_folder
from multyagents_api.scenarios.stress.drills import Load, stress_drills
from multyagents_api.scenarios.topology import PYTHON

__all__ = ["PROFILES", "StressSmokeConfig", "main", "run_stress_smoke_suite"]

PROGRAM = "python -m multyagents_api.stress_smoke"
SUITE = "stress-smoke"


@dataclass(frozen=True, kw_only=True)
class StressSmokeConfig(DrillSuiteConfig):
    """How much is done at once; see `DrillSuiteConfig`.

    Attributes:
        runs: of each drill.
        parallelism: runs at once.
        patience_s: how long all runs of a drill may take.
        server_command: what starts API and runner, but for their sub-commands.
    """

    runs: int = 20
    parallelism: int = 8
    patience_s: float = 120.0
    output: Path = field(default_factory=lambda: evidence_folder(SUITE))
    server_command: tuple[str, ...] = PYTHON


PROFILES = {
    "quick": StressSmokeConfig(),
    "full": StressSmokeConfig(profile="full", runs=300, parallelism=32, patience_s=600.0),
}


def run_stress_smoke_suite(
    config: StressSmokeConfig, *, progress: SuiteProgress | None = None
) -> DrillReport:
    """Run workflows as configured.

    Raises:
        ConfigurationError: no such drill or database.
    """
    load = Load(
        runs=config.runs,
        parallelism=config.parallelism,
        patience_s=config.patience_s,
        command=config.server_command,
    )
    return run_drill_suite(DrillSuite(SUITE, stress_drills(load), PROGRAM), config, progress=progress)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; the exit code is the verdict's."""
    quick = PROFILES["quick"]
    return drill_command(
        lambda config, progress: run_stress_smoke_suite(config, progress=progress),
        PROFILES,
        argv,
        program=PROGRAM,
        suite=SUITE,
        description=__doc__,
        environment=os.environ,
        figures={
            "runs": Figure("runs", quick.runs, "runs of each drill"),
            "parallelism": Figure("parallelism", quick.parallelism, "runs at once"),
        },
        prefix="STRESS_",
    )


if __name__ == "__main__":
    sys.exit(main())
