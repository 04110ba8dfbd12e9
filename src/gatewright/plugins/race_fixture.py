"""The fixture `race`: explores a scenario within one test, and lets the test pass on PASS alone."""

import asyncio
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.core.verdict import Verdict
from gatewright.evidence.record import write_atomic
from gatewright.plugins.race_settings import RaceSettings
from gatewright.plugins.race_text import counterexample_text, doubts_text, outcome_line, trouble_text
from gatewright.race import (
    Budget,
    Exploration,
    Finding,
    PreemptionBounding,
    PriorityChanges,
    ProcessModel,
    RandomWalk,
    Scenario,
    Strategy,
    Tape,
    ThreadScenario,
    explore,
    explore_threads,
    read_tape,
)
from gatewright.race.explorer import PCT_DEPTHS
from gatewright.suites.race.evidence import tape_file
from gatewright.suites.race.replay import ReplayOutcome, replay_tape

__all__ = ["RaceFixture"]

AnyScenario: TypeAlias = Scenario | ThreadScenario

CHANCE_RUNS = 20
"""Under random priorities of each depth, and at random; half of the budget at most for all of them."""

REPLAYS = 20


class RaceFixture:
    """What `def test_...(race)` is given.

    Args:
        settings: where explorations end.
        test: the test, as a user names it on pytest's command line.
        tapes: the folder for the tapes of counterexamples.
        tape: a tape to replay before anything else.
        note: is told the outcome of every exploration, in a line.
    """

    def __init__(
        self,
        settings: RaceSettings,
        *,
        test: str,
        tapes: Path,
        tape: Path | None = None,
        note: Callable[[str], None],
    ) -> None:
        self.settings = settings
        self.has_raced = False
        self._test = test
        self._tapes = tapes
        self._tape = tape
        self._note = note

    def explore(self, scenario: AnyScenario, *, model: ProcessModel = ProcessModel.SEPARATE) -> Exploration:
        """Race the scenario's actors under every schedule with few preemptions, then under random ones.

        Args:
            scenario: what to race: a service, or threads of plain code.
            model: what a service's actors share: the database alone, as several processes do, or one app.

        Returns:
            What was explored, with its verdict PASS.

        Raises:
            pytest.fail.Exception: a schedule violates an invariant (FAIL), or it could not be known whether
                one does, for instance because nothing overlapped (INCONCLUSIVE).
        """
        self.has_raced = True
        try:
            found = self._replay_and_explore(scenario, model)
        except GatewrightError as error:
            found = trouble_text(error)
        if isinstance(found, str):  # failing out here, pytest does not tell the error once more
            pytest.fail(found, pytrace=False)
        self._note(outcome_line(found))
        if found.finding is not None:
            pytest.fail(self._kept(scenario, found, found.finding), pytrace=False)
        if found.verdict is not Verdict.PASS:
            pytest.fail(doubts_text(found), pytrace=False)
        return found

    def _replay_and_explore(self, scenario: AnyScenario, model: ProcessModel) -> Exploration | str:
        """What was explored, or how the tape failed."""
        _refuse_what_cannot_be_raced(scenario)
        if model is ProcessModel.SERVER:
            raise ConfigurationError(
                "race.explore() has no database server", remedy="use gatewright.race.explore_postgres()"
            )
        if self._tape is not None:
            outcome = self._replay(scenario, read_tape(self._tape), self._tape)
            if outcome.verdict is not Verdict.PASS:
                return outcome.text()
        return self._explore(scenario, model)

    def _explore(self, scenario: AnyScenario, model: ProcessModel) -> Exploration:
        settings = self.settings
        strategies = _strategies(settings)
        budget = Budget(schedules=settings.budget, failures=1, replays=REPLAYS)
        seed = settings.seed
        if isinstance(scenario, ThreadScenario):
            return explore_threads(scenario, strategies=strategies, budget=budget, seed=seed, keep=0)
        return explore(scenario, strategies=strategies, budget=budget, model=model, seed=seed, keep=0)

    @staticmethod
    def _replay(scenario: AnyScenario, tape: Tape, file: Path) -> ReplayOutcome:
        if tape.name != scenario.name:
            raise ConfigurationError(
                f"the tape {file} is of {tape.name}, not of {scenario.name}",
                remedy="name the one test that made it",
            )
        return replay_tape(tape, scenario, REPLAYS)

    def _kept(self, scenario: AnyScenario, found: Exploration, finding: Finding) -> str:
        """Write the tape of a counterexample; tell the counterexample."""
        file = self._tapes / tape_file(finding.tape)
        write_atomic(file, finding.tape.to_json())
        shown = os.path.relpath(file)
        command = f"pytest {shlex.quote(self._test)} --race-replay {shlex.quote(shown)}"
        return counterexample_text(scenario, found, finding, shown, command)


def _strategies(settings: RaceSettings) -> list[Strategy]:
    """What the budget is spent on; the first run of each depth measures how long the race is."""
    runs = min(CHANCE_RUNS, settings.budget // (2 * (len(PCT_DEPTHS) + 1)))
    deep = [PriorityChanges(depth, settings.seed, runs - 1) for depth in PCT_DEPTHS if runs > 1]
    walks = [RandomWalk(settings.seed, runs)] if runs else []
    spent = runs * (len(deep) + len(walks))
    return [PreemptionBounding(settings.bound, most=settings.budget - spent), *deep, *walks]


def _refuse_what_cannot_be_raced(scenario: object) -> None:
    if not isinstance(scenario, AnyScenario):
        raise ConfigurationError(
            f"race.explore() was given {scenario!r}, which is no scenario",
            remedy="give it an instance of a subclass of Scenario or ThreadScenario",
        )
    if not isinstance(getattr(scenario, "name", None), str):
        raise ConfigurationError(
            f"{type(scenario).__qualname__} has no name", remedy='give it one: name = "what-is-raced"'
        )
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise ConfigurationError(
        "race.explore() runs an event loop of its own, and one is running already",
        remedy="call it from a plain def test",
    )
