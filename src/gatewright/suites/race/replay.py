"""Replay a tape: the same schedule again, in a fresh process, from a file that may come from anywhere."""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict
from gatewright.race import (
    Arena,
    Diverged,
    Fifo,
    ProcessModel,
    Race,
    Replay,
    Scenario,
    Tape,
    ThreadArena,
    ThreadScenario,
    read_tape,
    reproduces,
)
from gatewright.race.swimlane import swim_lanes

__all__ = ["ReplayOutcome", "replay", "replay_tape"]

MOST_TIMES = 100_000


@dataclass(frozen=True)
class ReplayOutcome:
    """How often a tape's failure came again.

    `diverged` replays could not follow the tape, `first_divergence` says where the first one left it.
    `unclear` ones violated something else than the tape tells, or their oracles could not be evaluated.
    `violations` are those of the last replay that failed, in the same way if any did.
    """

    tape: Tape
    times: int
    reproduced: int
    diverged: int
    unclear: int
    first_divergence: str
    violations: dict[str, tuple[str, ...]]

    @property
    def verdict(self) -> Verdict:
        """FAIL when every replay failed as on the tape, PASS when every one followed it and none failed."""
        if self.reproduced == self.times:
            return Verdict.FAIL
        doubtful = self.reproduced or self.diverged or self.unclear
        return Verdict.INCONCLUSIVE if doubtful else Verdict.PASS

    def text(self, *, width: int = 110) -> str:
        """The outcome for a terminal: the interleaving, what it violates, and how often it came again."""
        tape = self.tape
        size = f"{tape.preemptions} preemptions, {len(tape.steps)} steps"
        lines = [f"{tape.name}: {size}, process model {tape.process_model}", ""]
        lines += [*swim_lanes(tape.steps, width=width), ""]
        shown = self.violations or tape.failed
        lines += [f"{name}: {sentence}" for name, seen in sorted(shown.items()) for sentence in seen]
        lines.append(
            f"{self.verdict}: reproduced {self.reproduced} of {self.times}, diverged {self.diverged}"
            f"{f', unclear {self.unclear}' if self.unclear else ''}"
        )
        if self.first_divergence:
            lines.append(f"first divergence: {self.first_divergence}")
        return "\n".join(lines) + "\n"


def replay(tape_path: Path, times: int = 20, *, allowed: Sequence[str], strict: bool = True) -> ReplayOutcome:
    """Run the schedule of a tape again and again, each time from the scenario's own state.

    Args:
        tape_path: the file.
        times: how often.
        allowed: modules that a tape may name, each with all that is below it.
        strict: count a replay that leaves the tape as diverged; else follow the tape as far as possible.

    Raises:
        ConfigurationError: not a tape, or one that names something else than a scenario of an allowed module.
    """
    if not 1 <= times <= MOST_TIMES:
        raise ConfigurationError(f"a tape can be replayed from 1 to {MOST_TIMES} times, not {times}")
    tape = read_tape(tape_path)
    return replay_tape(tape, find_scenario(tape.scenario, allowed)(), times, strict=strict)


def replay_tape(
    tape: Tape, scenario: Scenario | ThreadScenario, times: int, *, strict: bool = True
) -> ReplayOutcome:
    """The same for a tape and a scenario that are there already."""
    with prepared_arena(scenario, tape) as arena:
        arena.run(Fifo())  # fills caches and connection pools, as the exploration did
        strategy = Replay(tape.steps, times=times, strict=strict)
        races = []
        while (picker := strategy.next_picker()) is not None:
            race = arena.run(picker)
            follow(strategy, race)
            races.append(race)
    return conclude(tape, races, strict=strict)


@contextmanager
def prepared_arena(scenario: Scenario | ThreadScenario, tape: Tape) -> Iterator[Arena | ThreadArena]:
    """An arena in which the tape's schedule can be run.

    Raises:
        ConfigurationError: the tape was recorded on a server that is not ours.
    """
    if tape.process_model is ProcessModel.SERVER:
        raise ConfigurationError(
            f"{tape.name}: the tape was recorded on a database server",
            remedy="explore the scenario there again, by explore_postgres",
        )
    if isinstance(scenario, ThreadScenario):
        with ThreadArena(seed=tape.seed) as threads:
            threads.prepare(scenario)
            yield threads
    else:
        with Arena(scenario, seed=tape.seed, model=tape.process_model) as arena:
            arena.prepare(scenario)
            yield arena


def follow(strategy: Replay, race: Race) -> None:
    """Note it when the program ended before its tape did."""
    try:
        strategy.learn(race.trace)
    except Diverged as error:
        race.divergence = race.divergence or str(error)


def conclude(tape: Tape, races: Sequence[Race], *, strict: bool) -> ReplayOutcome:
    """Count."""

    def came_again(race: Race) -> bool:
        return reproduces(race, tape) if strict else race.failures.keys() == tape.failed.keys()

    same = [race for race in races if came_again(race)]
    diverged = [race.divergence for race in races if race.divergence]
    others = [race for race in races if not (race.divergence or came_again(race))]
    unclear = [race for race in others if race.failed or race.unchecked]
    failed = same or unclear
    return ReplayOutcome(
        tape=tape,
        times=len(races),
        reproduced=len(same),
        diverged=len(diverged),
        unclear=len(unclear),
        first_divergence=diverged[0] if diverged else "",
        violations=failed[-1].failures if failed else {},
    )


def find_scenario(path: str, allowed: Sequence[str]) -> type[Scenario | ThreadScenario]:
    """The scenario at an import path; nothing is imported that the caller does not allow.

    Raises:
        ConfigurationError: not allowed, not there, or no scenario.
    """
    module_name, _, name = path.partition(":")
    if not any(module_name == prefix or module_name.startswith(f"{prefix}.") for prefix in allowed):
        raise ConfigurationError(
            f"the tape names {module_name}, which may not be imported",
            remedy=f"allowed: {', '.join(allowed)}",
        )
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"the tape names {path}, which can't be found: {error}") from error
    if not (isinstance(found, type) and issubclass(found, (Scenario, ThreadScenario))):
        raise ConfigurationError(f"the tape names {path}, which is no scenario")
    return found
