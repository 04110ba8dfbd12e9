"""The race suite of the API: dispatches, reruns and approvals, by controlled schedules and over HTTP."""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import multyagents_api
from gatewright.execution.server import ServerProcess
from gatewright.suites.race import (
    RaceProgress,
    RaceSuite,
    RaceSuiteConfig,
    ReplayOutcome,
    publish_race_report,
    replay,
    run_race_suite,
)
from gatewright.suites.race.command import race_command
from gatewright.suites.race.report import RaceReport
from multyagents_api.scenarios.evidence import evidence_folder
from multyagents_api.scenarios.planted import FAULTS
from multyagents_api.scenarios.races import SCENARIOS

__all__ = [
    "PROFILES",
    "REPLAYABLE",
    "ConcurrencyStressConfig",
    "RaceReport",
    "ReplayOutcome",
    "main",
    "publish_race_report",
    "replay",
    "run_concurrency_stress_suite",
]

PROGRAM = "python -m multyagents_api.concurrency_stress"
SUITE = "race-stress"
REPLAYABLE = ("multyagents_api.scenarios",)
"""The modules that a tape may name."""

SERVERS = 2


@dataclass(frozen=True, kw_only=True)
class ConcurrencyStressConfig(RaceSuiteConfig):
    """How much is raced, and how; see `RaceSuiteConfig`.

    Attributes:
        server_command: what starts a server under stress, but for its flags.
    """

    output: Path = field(default_factory=lambda: evidence_folder("task-072"))
    server_command: tuple[str, ...] = (sys.executable, "-m", "multyagents_api")


PROFILES = {
    "quick": ConcurrencyStressConfig(),
    "full": ConcurrencyStressConfig(
        profile="full",
        schedules=6000,
        pct_schedules=500,
        random_schedules=1000,
        releases=400,
        wall_clock_s=300.0,
    ),
}


def run_concurrency_stress_suite(
    config: ConcurrencyStressConfig, *, progress: RaceProgress | None = None
) -> RaceReport:
    """Race the API as configured.

    Raises:
        ConfigurationError: no such scenario.
        GatewrightError: the app or the servers did not start, or no race could be prepared.
    """
    suite = RaceSuite(
        name=SUITE,
        scenarios=SCENARIOS,
        faults=FAULTS,
        servers=lambda: api_servers(config.server_command),
        command=PROGRAM,
    )
    return run_race_suite(suite, config, progress=progress)


@contextmanager
def api_servers(command: Sequence[str], number: int = SERVERS) -> Iterator[list[str]]:
    """Several server processes on one database file; gives their base URLs."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="multyagents-race-")))
        environment = {
            **os.environ,
            "MULTYAGENTS_DATABASE": str(folder / "race.db"),
            "MULTYAGENTS_RUNNER": "accept",
            "PYTHONPATH": os.pathsep.join(import_path()),
        }
        yield [
            stack.enter_context(server(command, folder / f"port-{index}", environment)).base_url
            for index in range(number)
        ]


def server(command: Sequence[str], port_file: Path, environment: dict[str, str]) -> ServerProcess:
    """One server, on a port of its own choice."""
    flags = ("serve", "--host", "127.0.0.1", "--port", "0", "--port-file", str(port_file))
    return ServerProcess(
        (*command, *flags), port_file=port_file, env=environment, log=port_file.with_suffix(".log")
    )


def import_path() -> Iterator[str]:
    """Where a server finds the service, also when it is not installed."""
    yield str(Path(multyagents_api.__file__).parents[1])
    if given := os.environ.get("PYTHONPATH"):
        yield given


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; the exit code is the verdict's."""
    return race_command(
        lambda config, progress: run_concurrency_stress_suite(config, progress=progress),
        PROFILES,
        argv,
        program=PROGRAM,
        suite=SUITE,
        environment=os.environ,
    )


if __name__ == "__main__":
    sys.exit(main())
