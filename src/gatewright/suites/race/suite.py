"""The race suite's engine room: scenarios are explored and stressed, and what was found becomes evidence."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gatewright.core.clock import Clock, SystemClock
from gatewright.core.errors import ConfigurationError, GatewrightError, NotHere
from gatewright.core.verdict import Verdict, merge_verdicts
from gatewright.evidence.record import EVIDENCE_FOLDER_VARIABLE, Published, announce, publish, write_atomic
from gatewright.race import (
    Arena,
    Budget,
    Scenario,
    explore,
)
from gatewright.race.selfcheck import FaultOutcome, PlantedFault, self_check
from gatewright.race.stress import Server, stress
from gatewright.suites.progress import Silent, SuiteProgress
from gatewright.suites.race.config import RaceSuiteConfig
from gatewright.suites.race.evidence import StressTally, exploration_result, self_check_result
from gatewright.suites.race.markdown import render
from gatewright.suites.race.picture import render_counterexample
from gatewright.suites.race.reasons import counts, metrics, reasons
from gatewright.suites.race.report import RaceReport, ScenarioResult, SelfCheckResult, Skipped
from gatewright.suites.race.schedules import portfolio_of
from gatewright.suites.race.shards import amount_of, only_a_shard, source_of

__all__ = [
    "RaceSuite",
    "announce_race",
    "publish_race_report",
    "run_race_suite",
]

EVERYTHING = 1_000_000_000


@dataclass(frozen=True)
class RaceSuite:
    """A service's race suite.

    Attributes:
        name: of the suite, as policies know it.
        scenarios: all of them; they share an app.
        faults: what the self-check plants.
        servers: for mode stress, what starts servers on one database, by the database's name.
        command: how a user runs the suite, for the reasons.
        core: the scenarios that get the most releases, and servers killed in their midst; all when empty.
        unstressed: scenarios whose actors need more than HTTP, so that they are explored only.
    """

    name: str
    scenarios: tuple[type[Scenario], ...]
    faults: tuple[PlantedFault, ...]
    servers: Mapping[str, Callable[[], AbstractContextManager[Sequence[Server]]]]
    command: str
    core: tuple[type[Scenario], ...] = ()
    unstressed: tuple[type[Scenario], ...] = ()

    def check_databases(self, names: Sequence[str]) -> None:
        """Refuse names of databases that there are no servers for.

        Raises:
            ConfigurationError: with those that there are.
        """
        if unknown := [name for name in names if name not in self.servers]:
            known = ", ".join(self.servers) or "none"
            raise ConfigurationError(f"no database {unknown[0]!r}", remedy=f"there are {known}")

    def selected(self, names: Sequence[str]) -> tuple[type[Scenario], ...]:
        """The scenarios of these names; all when there are none.

        Raises:
            ConfigurationError: a name that no scenario has.
        """
        known = {scenario.name: scenario for scenario in self.scenarios}
        if unknown := [name for name in names if name not in known]:
            raise ConfigurationError(f"no scenario {unknown[0]!r}", remedy=f"there are {', '.join(known)}")
        return tuple(scenario for name, scenario in known.items() if not names or name in names)


def run_race_suite(
    suite: RaceSuite,
    config: RaceSuiteConfig,
    *,
    progress: SuiteProgress | None = None,
    clock: Clock | None = None,
) -> RaceReport:
    """Race every selected scenario in every selected mode, then let the suite check itself.

    Raises:
        ConfigurationError: no such scenario.
        GatewrightError: the app or the servers did not start, or a race could not be prepared, and nothing
            had failed by then.
    """
    clock = clock or SystemClock()
    return _Run(suite, config, progress or Silent(), clock.now()).report(clock)


class _Run:
    def __init__(
        self, suite: RaceSuite, config: RaceSuiteConfig, progress: SuiteProgress, started_at: datetime
    ) -> None:
        self._suite = suite
        self._config = config
        self._progress = progress
        self._started_at = started_at
        self._scenarios = suite.selected(config.scenarios)
        suite.check_databases(config.databases)
        self._timings: dict[str, float] = {}
        self._keep = EVERYTHING if config.keep is None else config.keep
        self._results: list[ScenarioResult] = []
        self._checked: SelfCheckResult | None = None
        self._skipped: list[Skipped] = []

    def report(self, clock: Clock) -> RaceReport:
        """Do all of it; what failed before the rest became impossible stays failed."""
        cut_short = ""
        try:
            self._race()
        except GatewrightError as error:
            if all(result.verdict is not Verdict.FAIL for result in self._results):
                raise
            cut_short = str(error)
        results, checked = self._results, self._checked
        verdicts = [result.verdict for result in results]
        if checked is not None:
            verdicts.append(checked.verdict)
        told = list(reasons(results, checked, self._suite.command, cut_short))
        if not self._config.shard.is_whole:
            verdicts.append(Verdict.INCONCLUSIVE)
            told.append(only_a_shard(self._config.shard))
        return RaceReport(
            suite=self._suite.name,
            verdict=merge_verdicts(verdicts),
            reasons=tuple(told),
            counts=counts(results, len(self._skipped)),
            metrics=metrics(results, checked),
            started_at=self._started_at,
            finished_at=clock.now(),
            modes=self._config.modes,
            seed=self._config.seed,
            profile=self._config.profile,
            shard=str(self._config.shard),
            amount=amount_of(self._config),
            source="" if self._config.shard.is_whole else source_of(Path.cwd()),
            command=self._suite.command,
            scenarios=tuple(results),
            self_check=checked,
            skipped=tuple(self._skipped),
            timings=self._timings,
        )

    def _race(self) -> None:
        modes = self._config.modes
        if {"explore", "self-check"}.intersection(modes):
            with self._timed("explore"), Arena(self._scenarios[0](), seed=self._config.seed) as arena:
                for scenario in self._scenarios if "explore" in modes else ():
                    self._results.append(self._explore(scenario, arena))
                with self._timed("self_check"):
                    self._checked = self._check_itself(arena)
        if "stress" in modes:
            with self._timed("stress"):
                for database in self._config.databases or self._suite.servers:
                    self._stress_on(database)

    def _explore(self, scenario: type[Scenario], arena: Arena) -> ScenarioResult:
        self._progress.begin(f"explore {scenario.name}")
        dealt = portfolio_of(self._config, self._config.schedules_of(scenario.name))
        began = time.perf_counter()
        found = explore(
            scenario(),
            strategies=dealt.strategies,
            budget=Budget(schedules=dealt.schedules, wall_clock_s=self._config.wall_clock_s),
            arena=arena,
            keep=self._keep,
            progress=self._progress.count,
        )
        per_second = found.schedules / (time.perf_counter() - began)
        self._timings[f"{scenario.name}_schedules_per_s"] = round(per_second, 1)
        self._progress.end(f"{found.verdict}, {found.schedules} schedules, {per_second:.0f}/s")
        return exploration_result(scenario, found, self._config.output)

    def _check_itself(self, arena: Arena) -> SelfCheckResult | None:
        """Look for each planted fault, in no more schedules than its scenario had to prove itself right."""
        faults = [fault for fault in self._suite.faults if fault.scenario in self._scenarios]
        faults = [faults[number] for number in self._config.shard.numbers(len(faults))]
        if not faults:
            return None
        self._progress.begin("self-check")
        outcomes: list[FaultOutcome] = []
        for fault in faults:
            budget = self._self_check_budget(fault)
            outcomes += self_check([fault], arena, bound=self._config.bound, budget=budget)
            self._progress.count(len(outcomes))
        result = self_check_result(outcomes)
        self._progress.end(f"{result.killed} of {result.planted} planted faults killed")
        return result

    def _self_check_budget(self, fault: PlantedFault) -> Budget:
        return Budget(
            schedules=self._config.schedules_of(fault.scenario.name),
            failures=1,
            replays=0,
            wall_clock_s=self._config.wall_clock_s,
        )

    def _stress_on(self, database: str) -> None:
        scenarios = [scenario for scenario in self._scenarios if scenario not in self._suite.unstressed]
        if not scenarios:
            return
        try:
            with self._suite.servers[database]() as servers:
                for scenario in scenarios:
                    self._results.append(self._stress(scenario, database, servers))
        except NotHere as error:
            self._progress.begin(f"stress on {database}")
            self._skipped.append(Skipped(mode="stress", database=database, reason=str(error)))
            self._progress.end(f"skipped: {error}")

    def _stress(self, scenario: type[Scenario], database: str, servers: Sequence[Server]) -> ScenarioResult:
        self._progress.begin(f"stress {scenario.name} on {database}")
        tally = StressTally(scenario, self._keep, database)
        asyncio.run(self._release_often(scenario, servers, tally))
        result = tally.result()
        self._progress.end(
            f"{result.verdict}, {result.iterations} releases of {self._config.clients} clients"
        )
        return result

    async def _release_often(
        self, scenario: type[Scenario], servers: Sequence[Server], tally: StressTally
    ) -> None:
        deadline = time.monotonic() + self._config.wall_clock_s
        instance = scenario()
        is_core = not self._suite.core or scenario in self._suite.core
        releases = self._config.releases_of(scenario.name, is_core=is_core)
        crashes = self._config.kills if is_core else 0
        for number in self._config.shard.numbers(releases + crashes):
            if time.monotonic() > deadline:
                tally.doubt(f"stopped by the wall clock after {self._config.wall_clock_s:g} s")
                return
            try:
                release = await stress(
                    instance,
                    servers,
                    clients=self._config.clients,
                    rotation=number,
                    crash=number >= releases,
                )
            except Exception as error:  # noqa: BLE001 - what a server answers may break the set-up in any way
                tally.doubt(f"release {number + 1} came to no end: {type(error).__name__}: {error}")
                return
            tally.add(release)
            self._progress.count(tally.releases)

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self._timings[f"{phase}_s"] = round(time.perf_counter() - began, 3)


def announce_race(folder: Path, report: RaceReport) -> None:
    """Let `latest.*` say that a run has begun, so that a killed one never leaves an older PASS there."""
    announce(folder, report, render(report))


def publish_race_report(folder: Path, report: RaceReport) -> Published:
    """Write the tapes of failing scenarios and their pictures, then the report that names them."""
    folders = [folder]
    if run_folder := os.environ.get(EVIDENCE_FOLDER_VARIABLE):
        folders.append(Path(run_folder))
    for result in report.scenarios:
        if (example := result.counterexample) is not None:
            for place in folders:
                write_atomic(place / example.tape_file, example.tape.to_json())
                write_atomic(place / example.picture_file, render_counterexample(example))
    return publish(folder, report, render(report))
