"""The restart suite of the API: killed in the midst of its work, it comes back with all it acknowledged."""

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
from multyagents_api.scenarios.restarts.drills import Kills, restart_drills
from multyagents_api.scenarios.topology import PYTHON

__all__ = ["PROFILES", "RestartPersistenceConfig", "main", "run_restart_persistence_suite"]

PROGRAM = "python -m multyagents_api.restart_persistence"
SUITE = "restart-persistence"


@dataclass(frozen=True, kw_only=True)
class RestartPersistenceConfig(DrillSuiteConfig):
    """How often is killed; see `DrillSuiteConfig`.

    Attributes:
        kills: over all drills and databases; each drill kills once at least.
        durable: whether PostgreSQL is configured to survive its own crash.
        patience_s: how long a run may take to its end after the last kill.
        server_command: what starts the service, but for its sub-command.
    """

    kills: int = 10
    durable: bool = True
    patience_s: float = 40.0
    output: Path = field(default_factory=lambda: evidence_folder(SUITE))
    server_command: tuple[str, ...] = PYTHON


PROFILES = {
    "quick": RestartPersistenceConfig(),
    "full": RestartPersistenceConfig(profile="full", kills=40),
}


def run_restart_persistence_suite(
    config: RestartPersistenceConfig, *, progress: SuiteProgress | None = None
) -> DrillReport:
    """Kill and restart as configured.

    Raises:
        ConfigurationError: no such drill or database.
    """
    kills = Kills(
        number=config.kills,
        seed=config.seed,
        command=config.server_command,
        durable=config.durable,
        patience_s=config.patience_s,
    )
    suite = DrillSuite(SUITE, restart_drills(kills), PROGRAM)
    return run_drill_suite(suite, config, progress=progress)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; the exit code is the verdict's."""
    return drill_command(
        lambda config, progress: run_restart_persistence_suite(config, progress=progress),
        PROFILES,
        argv,
        program=PROGRAM,
        suite=SUITE,
        description=__doc__,
        environment=os.environ,
        figures={"kills": Figure("kills", PROFILES["quick"].kills, "kills, over all drills and databases")},
        prefix="RESTART_",
    )


if __name__ == "__main__":
    sys.exit(main())
