"""The race suite of the API: dispatches, reruns and approvals, by controlled schedules and over HTTP."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import multyagents_api
from gatewright.core.errors import NotHere
from gatewright.execution.server import ServerProcess
from gatewright.suites.progress import SuiteProgress
from gatewright.suites.race import (
    RaceSuite,
    RaceSuiteConfig,
    ReplayOutcome,
    publish_race_report,
    replay,
    run_race_suite,
)
from gatewright.suites.race.command import race_command
from gatewright.suites.race.report import RaceReport
from multyagents_api.scenarios.embedded_postgres import EmbeddedPostgres, PostgresError, PostgresMissing
from multyagents_api.scenarios.evidence import evidence_folder
from multyagents_api.scenarios.planted.faults import FAULTS
from multyagents_api.scenarios.races.suite import REQUIRED, SCENARIOS, STRESSED

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
PREFIX = "multyagents-race-"


@dataclass(frozen=True, kw_only=True)
class ConcurrencyStressConfig(RaceSuiteConfig):
    """How much is raced, and how; see `RaceSuiteConfig`.

    Attributes:
        server_command: what starts a server under stress, but for its flags.
    """

    output: Path = field(default_factory=lambda: evidence_folder("task-072"))
    server_command: tuple[str, ...] = (sys.executable, "-m", "multyagents_api")


PROFILES = {
    "quick": ConcurrencyStressConfig(schedules=600),
    "full": ConcurrencyStressConfig(
        profile="full",
        schedules=6000,
        pct_schedules=500,
        random_schedules=1000,
        releases=300,
        brief_releases=60,
        kills=10,
        wall_clock_s=300.0,
    ),
}


def run_concurrency_stress_suite(
    config: ConcurrencyStressConfig, *, progress: SuiteProgress | None = None
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
        servers={
            "sqlite": lambda: servers_on_sqlite(config.server_command),
            "postgresql": lambda: servers_on_postgresql(config.server_command),
        },
        command=PROGRAM,
        core=REQUIRED,
        unstressed=tuple(scenario for scenario in SCENARIOS if scenario not in STRESSED),
    )
    return run_race_suite(suite, config, progress=progress)


@contextmanager
def servers_on_sqlite(command: Sequence[str], number: int = SERVERS) -> Iterator[list[ServerProcess]]:
    """Several server processes on one database file."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as place:
        folder = Path(place)
        named = {"MULTYAGENTS_DATABASE": str(folder / "race.db"), "MULTYAGENTS_DATABASE_URL": ""}
        with servers(command, folder, named, number) as started:
            yield started


@contextmanager
def servers_on_postgresql(command: Sequence[str], number: int = SERVERS) -> Iterator[list[ServerProcess]]:
    """Several server processes on one database of a PostgreSQL server that lives as long as they do.

    Raises:
        NotHere: this machine can't run one, and no continuous integration counts on it.
    """
    with ExitStack() as stack:
        try:
            postgres = stack.enter_context(EmbeddedPostgres())
        except (PostgresMissing, PostgresError) as error:
            if os.environ.get("CI"):
                raise
            raise NotHere(str(error)) from error
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX)))
        named = {"MULTYAGENTS_DATABASE_URL": postgres.create_database("race")}
        yield stack.enter_context(servers(command, folder, named, number))


@contextmanager
def servers(
    command: Sequence[str], folder: Path, named: Mapping[str, str], number: int
) -> Iterator[list[ServerProcess]]:
    """Server processes on the database that the environment names."""
    given = {
        "MULTYAGENTS_RUNNER": "accept",
        "MULTYAGENTS_AUTH": "off",
        "PYTHONPATH": os.pathsep.join(import_path()),
    }
    environment = {**os.environ, **given, **named}
    with ExitStack() as stack:
        yield [
            stack.enter_context(server(command, folder / f"port-{index}", environment))
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
