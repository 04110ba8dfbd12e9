"""Replay a tape: the same schedule again, in a fresh process, from a file that may come from anywhere."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.core.escape import printable
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
from gatewright.race.breaking import breaking_steps
from gatewright.race.interleaving import Interleaving, TakenStep, interleaving, taken
from gatewright.race.swimlane import swim_lanes
from gatewright.suites.race.imports import import_allowed
from gatewright.suites.race.picture import facts_of, render_picture

__all__ = ["ReplayOutcome", "replay", "replay_tape"]

MOST_TIMES = 100_000


@dataclass(frozen=True)
class ReplayOutcome:
    """How often a tape's failure came again.

    `diverged` replays could not follow the tape, `first_divergence` says where the first one left it;
    `departures` counts the steps of lenient replays that were not those of the tape. `unclear` replays
    violated something else than the tape tells, or their oracles could not be evaluated. `violations` are
    those of the last replay that failed, in the same way if any did; `picture` is that replay, or the tape's
    own steps where none failed.
    """

    tape: Tape
    times: int
    reproduced: int
    diverged: int
    unclear: int
    first_divergence: str
    departures: int
    violations: dict[str, tuple[str, ...]]
    picture: Interleaving

    @property
    def verdict(self) -> Verdict:
        """FAIL when every replay failed as on the tape, PASS when every one followed it and none failed."""
        if self.reproduced == self.times:
            return Verdict.FAIL
        doubtful = self.reproduced or self.diverged or self.unclear
        return Verdict.INCONCLUSIVE if doubtful else Verdict.PASS

    def text(self, *, width: int = 110, colour: bool = False) -> str:
        """The outcome for a terminal: the interleaving, what it violates, and how often it came again."""
        tape = self.tape
        preemptions = f"{tape.preemptions} preemption{'' if tape.preemptions == 1 else 's'}"
        size = f"{preemptions}, {len(tape.steps)} steps"
        head = printable(f"{tape.name}: {size}, process model {tape.process_model}")
        where = "" if self.violations else "on the tape "
        said = [f"{where}{name}: " + "\n  ".join(seen) for name, seen in sorted(self.shown.items())]
        tail = [f"{self.verdict}: {self.count}"]
        tail += [f"first divergence: {self.first_divergence}"] if self.first_divergence else []
        lanes = swim_lanes(self.picture, width=width, colour=colour)
        told = (printable(line) for part in [*said, *tail] for line in part.split("\n"))
        return "\n".join([head, "", *lanes, "", *told]) + "\n"

    @property
    def shown(self) -> dict[str, tuple[str, ...]]:
        """What was violated: in a replay, or else on the tape."""
        return self.violations or self.tape.failed

    @property
    def count(self) -> str:
        """How often it came again, of how many."""
        unclear = f", unclear {self.unclear}" if self.unclear else ""
        departed = f", {self.departures} steps not as on the tape" if self.departures else ""
        return f"reproduced {self.reproduced} of {self.times}, diverged {self.diverged}{unclear}{departed}"

    def html(self, command: str) -> str:
        """The outcome as a page for a browser; `command` is what shows it again."""
        facts = {"verdict": self.verdict.value, "replays": self.count, **facts_of(self.tape)}
        if self.first_divergence:
            facts["first divergence"] = self.first_divergence
        heading = "What is broken" if self.violations else "What was broken on the tape"
        return render_picture(self.tape.name, facts, self.shown, self.picture, command, heading=heading)


def replay(tape_path: Path, times: int = 20, *, allowed: Sequence[str], strict: bool = True) -> ReplayOutcome:
    """Run the schedule of a tape again and again, each time from the scenario's own state.

    Args:
        tape_path: the file.
        times: how often.
        allowed: modules that a tape may name, each with all that is below it.
        strict: count a replay that leaves the tape as diverged; else go on as near to the tape as possible.

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
        broken_at = breaking_steps(arena, scenario, tape.steps)
    return conclude(tape, races, broken_at, strict=strict, departures=strategy.departures)


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


def conclude(
    tape: Tape, races: Sequence[Race], broken_at: Mapping[str, int], *, strict: bool, departures: int
) -> ReplayOutcome:
    """Count."""

    def came_again(race: Race) -> bool:
        return reproduces(race, tape) if strict else race.failures.keys() == tape.failed.keys()

    same = [race for race in races if came_again(race)]
    diverged = [race.divergence for race in races if race.divergence]
    others = [race for race in races if not (race.divergence or came_again(race))]
    unclear = [race for race in others if race.failed or race.unchecked]
    failed = same or unclear
    picture = (
        picture_of(failed[-1], broken_at)
        if failed
        else interleaving([TakenStep(*step) for step in tape.steps])
    )
    return ReplayOutcome(
        tape=tape,
        times=len(races),
        reproduced=len(same),
        diverged=len(diverged),
        unclear=len(unclear),
        first_divergence=diverged[0] if diverged else "",
        departures=departures,
        violations=failed[-1].failures if failed else {},
        picture=picture,
    )


def picture_of(race: Race, broken_at: Mapping[str, int]) -> Interleaving:
    """The interleaving of a race."""
    steps = [taken(step) for step in race.trace.steps]
    return interleaving(steps, operations=race.history, violations=race.failures, broken_at=broken_at)


def find_scenario(path: str, allowed: Sequence[str]) -> type[Scenario | ThreadScenario]:
    """The scenario at an import path; nothing is imported that the caller does not allow.

    Raises:
        ConfigurationError: not allowed, not there, or no scenario.
    """
    found = import_allowed(path, allowed, who="the tape")
    if not (isinstance(found, type) and issubclass(found, (Scenario, ThreadScenario))):
        raise ConfigurationError(f"the tape names {path}, which is no scenario")
    return found
