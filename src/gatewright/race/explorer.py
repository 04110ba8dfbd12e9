"""Explore a scenario: strategies propose schedules, the arena runs them, all is counted, the worst kept."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TypeAlias

from gatewright.core.verdict import Verdict
from gatewright.race.arena import Arena, Race
from gatewright.race.breaking import breaking_steps
from gatewright.race.miss_bound import MissBound
from gatewright.race.postgres_arena import PostgresArena
from gatewright.race.process_model import ProcessModel
from gatewright.race.scenario import Judged, Scenario, ThreadScenario
from gatewright.race.schedule import Diverged
from gatewright.race.strategies import (
    Fifo,
    PreemptionBounding,
    PriorityChanges,
    RandomWalk,
    Replay,
    Strategy,
)
from gatewright.race.tape import Tape
from gatewright.race.thread_arena import ThreadArena

__all__ = [
    "Budget",
    "Exploration",
    "Finding",
    "Iteration",
    "explore",
    "explore_postgres",
    "explore_threads",
    "portfolio",
]

WARM_UPS = 12
PCT_DEPTHS = (2, 3)

AnyArena: TypeAlias = Arena | ThreadArena | PostgresArena
Progress: TypeAlias = Callable[[int], None]


@dataclass(frozen=True)
class Budget:
    """Where an exploration ends.

    Args:
        schedules: so many schedules at most; reaching it is a proper end.
        failures: so many failing schedules at most.
        wall_clock_s: seconds at most; reaching it leaves the exploration without a PASS.
        replays: how often the counterexample is replayed.
    """

    schedules: int = 20_000
    failures: int = 20
    wall_clock_s: float = 300.0
    replays: int = 20


@dataclass(frozen=True)
class Iteration:
    """One schedule in numbers; `number` counts from 1."""

    number: int
    strategy: str
    race: Race

    @property
    def metrics(self) -> dict[str, int]:
        """What is aggregated over all iterations."""
        trace = self.race.trace
        return {
            "steps": len(trace.steps),
            "decisions": trace.decisions,
            "preemptions": trace.preemptions,
            "lock_waits": sum(step.waited for step in trace.steps),
            "interleaved": int(trace.interleaved),
            "operations": len(self.race.history),
        }


@dataclass(frozen=True)
class Finding:
    """The failing schedule with the fewest preemptions, and how often its replay failed in the same way.

    `broken_at` tells for invariants that hold at every commit the number of the step that broke them.
    """

    iteration: Iteration
    tape: Tape
    replays: int
    reproduced: int
    broken_at: Mapping[str, int]


@dataclass
class Exploration:
    """Everything that an exploration found out, without times: equal for equal seeds.

    `iterations` keeps the failing schedules and the first few of the others; `evaluated` counts per invariant
    in how many schedules it was evaluated, `violated` in how many it was violated. `miss_bounds` say how
    likely random priorities have missed a bug, also where that is too weak to comfort. `pruned` counts the
    turns that preemption bounding left out because nothing new can come of them. `best_effort` says that a
    real server has a say in the schedule, and no replay has proved that it comes again exactly.
    """

    scenario: str
    process_model: ProcessModel
    seed: int
    best_effort: bool = False
    schedules: int = 0
    overlapped: int = 0
    failed: int = 0
    evaluated: Counter[str] = field(default_factory=Counter)
    violated: Counter[str] = field(default_factory=Counter)
    by_strategy: Counter[str] = field(default_factory=Counter)
    achieved: dict[str, str] = field(default_factory=dict)
    miss_bounds: list[MissBound] = field(default_factory=list)
    pruned: int = 0
    metrics: dict[str, list[int]] = field(default_factory=dict)
    iterations: list[Iteration] = field(default_factory=list)
    finding: Finding | None = None
    first_failure: int = 0
    doubts: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """FAIL with a counterexample, else INCONCLUSIVE with any doubt, else PASS."""
        if self.failed:
            return Verdict.FAIL
        return Verdict.INCONCLUSIVE if self.doubts else Verdict.PASS


def portfolio(seed: int, *, bound: int = 2, runs: int = 100) -> list[Strategy]:
    """What a scenario is explored with unless told otherwise.

    The natural order as the baseline, preemption bounding, then `runs` runs each of random priorities of
    depth 2, of depth 3, and of random walks.
    """
    deep = [PriorityChanges(depth, seed, runs) for depth in PCT_DEPTHS]
    return [Fifo(), PreemptionBounding(bound), *deep, RandomWalk(seed, runs)]


def explore(
    scenario: Scenario,
    *,
    strategies: Sequence[Strategy] | None = None,
    budget: Budget | None = None,
    model: ProcessModel = ProcessModel.SEPARATE,
    seed: int = 0,
    arena: Arena | None = None,
    keep: int = 5,
    progress: Progress | None = None,
) -> Exploration:
    """Race the scenario's actors under every schedule that the strategies propose.

    Args:
        scenario: what to race.
        strategies: run one after the other; by default those of `portfolio`.
        budget: where to end.
        model: what actors share, unless an arena is given.
        seed: of identifiers and chance inside the app, unless an arena is given.
        arena: an arena entered by the caller, which saves making the apps anew.
        keep: so many passing schedules are kept whole.
        progress: told the number of schedules after each.

    Raises:
        SetupFailed: the state before the race could not be brought about.
    """
    if arena is None:
        with Arena(scenario, seed=seed, model=model) as own:
            return explore(
                scenario, strategies=strategies, budget=budget, arena=own, keep=keep, progress=progress
            )
    arena.prepare(scenario)
    return _Explorer(scenario, arena, budget or Budget(), keep, progress).run(strategies)


def explore_threads(
    scenario: ThreadScenario,
    *,
    strategies: Sequence[Strategy] | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    arena: ThreadArena | None = None,
    keep: int = 5,
    progress: Progress | None = None,
) -> Exploration:
    """Race the scenario's threads under every schedule that the strategies propose.

    Args:
        scenario: what to race.
        strategies: run one after the other; by default those of `portfolio`.
        budget: where to end.
        seed: of identifiers and chance inside the program, unless an arena is given.
        arena: an arena entered by the caller.
        keep: so many passing schedules are kept whole.
        progress: told the number of schedules after each.

    Raises:
        SetupFailed: the state before the race could not be brought about.
    """
    with ExitStack() as stack:
        entered = arena or stack.enter_context(ThreadArena(seed=seed))
        entered.prepare(scenario)
        return _Explorer(scenario, entered, budget or Budget(), keep, progress).run(strategies)


def explore_postgres(
    scenario: Scenario,
    url: str,
    *,
    strategies: Sequence[Strategy] | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    keep: int = 5,
    progress: Progress | None = None,
) -> Exploration:
    """Race the scenario's actors on a real PostgreSQL server, under the schedules that strategies propose.

    Args:
        scenario: what to race; its `create_app_at` makes the apps.
        url: of a database that nobody else uses; its rows are put back before each schedule.
        strategies: run one after the other; by default those of `portfolio`.
        budget: where to end.
        seed: of the standard library's chance inside the apps.
        keep: so many passing schedules are kept whole.
        progress: told the number of schedules after each.

    Raises:
        SetupFailed: the state before the race could not be brought about.
    """
    with PostgresArena(scenario, url, seed=seed) as arena:
        arena.prepare(scenario)
        return _Explorer(scenario, arena, budget or Budget(), keep, progress).run(strategies)


class _Explorer:
    def __init__(
        self,
        scenario: Judged,
        arena: AnyArena,
        budget: Budget,
        keep: int,
        progress: Progress | None,
    ) -> None:
        self._scenario = scenario
        self._arena = arena
        self._budget = budget
        self._keep = keep
        self._progress = progress
        self._deadline = time.monotonic() + budget.wall_clock_s
        self._stopped = False
        self._complete = False
        self._worst: Iteration | None = None
        on_server = arena.model is ProcessModel.SERVER
        self._found = Exploration(scenario.name, arena.model, arena.seed, best_effort=on_server)

    def run(self, strategies: Sequence[Strategy] | None) -> Exploration:
        """Follow the strategies, one after the other."""
        self.warm_up()
        for strategy in strategies if strategies is not None else portfolio(self._arena.seed):
            self.follow(strategy)
        return self.conclude()

    def warm_up(self) -> None:
        """Fill caches and connection pools, until the same schedule twice does the same."""
        before: list[tuple[str, str]] = []
        for _ in range(WARM_UPS):
            race = self._arena.run(Fifo())
            steps = list(race.trace.named_steps())
            if steps == before:
                return
            before = steps
        self._doubt("the same schedule never did the same twice: something outside of the schedule decides")

    def follow(self, strategy: Strategy) -> None:
        """Run what a strategy proposes, within the budget."""
        while not self._stopped and (picker := strategy.next_picker()) is not None:
            race = self._arena.run(picker)
            if not race.divergence:
                try:
                    strategy.learn(race.trace)
                except Diverged as error:
                    race.divergence = str(error)
            self._count(strategy.name, race)
        self._found.achieved[strategy.name] = strategy.achieved()
        self._complete |= strategy.is_complete
        if isinstance(strategy, PreemptionBounding):
            self._found.pruned += strategy.pruned
        if isinstance(strategy, PriorityChanges):
            self._found.miss_bounds.append(strategy.miss_bound())

    def _count(self, strategy: str, race: Race) -> None:
        found = self._found
        found.schedules += 1
        found.by_strategy[strategy] += 1
        found.overlapped += race.trace.overlapped
        for name, seen in race.violations.items():
            found.evaluated[name] += 1
            found.violated[name] += bool(seen)
        iteration = Iteration(found.schedules, strategy, race)
        for metric, value in iteration.metrics.items():
            found.metrics.setdefault(metric, []).append(value)
        if race.failed:
            self._count_failure(iteration)
        elif len(found.iterations) - found.failed < self._keep:
            found.iterations.append(iteration)
        if race.divergence:
            self._doubt(f"a schedule could not be run as asked: {race.divergence}")
        if race.unchecked:
            self._doubt(f"the oracles could not be evaluated: {race.unchecked}")
        self._mind_the_budget()

    def _count_failure(self, iteration: Iteration) -> None:
        self._found.failed += 1
        self._found.first_failure = self._found.first_failure or iteration.number
        self._found.iterations.append(iteration)
        preemptions = iteration.race.trace.preemptions
        if self._worst is None or preemptions < self._worst.race.trace.preemptions:
            self._worst = iteration

    def _mind_the_budget(self) -> None:
        found = self._found
        if self._progress is not None:
            self._progress(found.schedules)
        if time.monotonic() > self._deadline:
            self._doubt(f"stopped by the wall clock after {self._budget.wall_clock_s:g} s")
            self._stopped = True
        spent = found.schedules >= self._budget.schedules
        self._complete |= spent
        self._stopped |= spent or found.failed >= self._budget.failures

    def conclude(self) -> Exploration:
        """Replay the counterexample, and say what forbids a PASS."""
        found = self._found
        if self._worst is not None:
            found.finding = self._prove(self._worst)
        if not found.schedules:
            self._doubt("no schedule was run")
        elif not found.overlapped:
            self._doubt("in no schedule did two actors overlap: nothing was raced")
        if set(found.by_strategy) == {Fifo.name}:
            self._doubt("only the natural order was run: one schedule proves nothing")
        elif not (self._complete or found.failed):
            self._doubt("no strategy came to its end, nor was the budget of schedules met")
        missing = {mark.name for mark in self._scenario.invariants() if not found.evaluated[mark.name]}
        if missing and not found.failed:
            self._doubt(f"never evaluated: {', '.join(sorted(missing))}")
        return found

    def _prove(self, iteration: Iteration) -> Finding:
        tape = tape_of(self._scenario, self._arena, iteration)
        replays, reproduced = self._budget.replays, 0
        strategy = Replay(tape.steps, times=replays)
        while (picker := strategy.next_picker()) is not None:
            reproduced += reproduces(self._arena.run(picker), tape)
        if replays and reproduced == replays:
            self._found.best_effort = False
        if reproduced < replays:
            self._doubt(
                f"only {reproduced} of {replays} replays of the counterexample failed in the same way"
            )
        broken_at = breaking_steps(self._arena, self._scenario, tape.steps) if replays else {}
        return Finding(iteration, tape, replays, reproduced, broken_at)

    def _doubt(self, why: str) -> None:
        if why not in self._found.doubts:
            self._found.doubts.append(why)


def tape_of(scenario: Judged, arena: AnyArena, iteration: Iteration) -> Tape:
    """The tape of a schedule."""
    kind = type(scenario)
    return Tape(
        scenario=f"{kind.__module__}:{kind.__qualname__}",
        name=scenario.name,
        strategy=iteration.strategy,
        seed=arena.seed,
        process_model=arena.model,
        preemptions=iteration.race.trace.preemptions,
        steps=tuple(iteration.race.trace.named_steps()),
        failed=iteration.race.failures,
    )


def reproduces(race: Race, tape: Tape) -> bool:
    """Whether a race took the schedule of the tape to its end and violated the same invariants."""
    return (
        not race.divergence
        and tuple(race.trace.named_steps()) == tape.steps
        and set(race.failures) == set(tape.failed)
    )
