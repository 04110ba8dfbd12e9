"""What the race engine found becomes typed evidence."""

import hashlib
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import JsonValue

from gatewright.core.verdict import Verdict
from gatewright.race import (
    Exploration,
    Finding,
    History,
    Invariant,
    Iteration,
    MissBound,
    Race,
    Scenario,
    Tape,
    Trace,
)
from gatewright.race.interleaving import Interleaving, interleaving, taken
from gatewright.race.selfcheck import FaultOutcome
from gatewright.race.stress import Release
from gatewright.race.swimlane import swim_lanes
from gatewright.suites.race.report import (
    Aggregate,
    Counterexample,
    FaultResult,
    InvariantResult,
    IterationDetail,
    IterationFailure,
    MissBoundResult,
    OperationDetail,
    ScenarioResult,
    SelfCheckResult,
    StepDetail,
)

__all__ = [
    "StressTally",
    "exploration_result",
    "miss_bound",
    "replay_command",
    "self_check_result",
    "tape_file",
]

DIGEST_LENGTH = 12
NANOSECONDS_PER_MICROSECOND = 1000
ENGINE_SENTENCES = {
    "no-actor-crash": "no actor ends with an exception",
    "no-deadlock-or-livelock": "the actors come to an end",
}


def exploration_result(scenario: type[Scenario], found: Exploration, folder: Path) -> ScenarioResult:
    """A scenario under controlled schedules.

    Args:
        scenario: what was explored.
        found: what came of it.
        folder: where the tape of the counterexample will stand.
    """
    failures = [(iteration.number, iteration.race.failures) for iteration in found.iterations]
    return ScenarioResult(
        scenario=found.scenario,
        mode="explore",
        process_model=found.process_model.value,
        verdict=found.verdict,
        iterations=found.schedules,
        failed=found.failed,
        overlapped=found.overlapped,
        strategies=dict(found.by_strategy),
        achieved=dict(found.achieved),
        pruned=found.pruned,
        miss_bounds=tuple(miss_bound(bound) for bound in found.miss_bounds),
        first_failure=found.first_failure,
        metrics={name: aggregate(values) for name, values in sorted(found.metrics.items())},
        invariants=invariant_results(scenario.invariants(), found.evaluated, found.violated, failures),
        doubts=tuple(found.doubts),
        details=tuple(iteration_detail(iteration) for iteration in found.iterations),
        counterexample=counterexample(found.finding, folder) if found.finding else None,
    )


@dataclass
class StressTally:
    """Counts the releases of one scenario, and keeps every failing one and the first few.

    Args:
        scenario: what is under stress.
        keep: so many passing releases are kept whole.
        database: what the servers share.
    """

    scenario: type[Scenario]
    keep: int
    database: str = ""
    releases: int = 0
    crashes: int = 0
    unanswered: int = 0
    failed: int = 0
    overlapped: int = 0
    first_failure: int = 0
    evaluated: dict[str, int] = field(default_factory=dict)
    violated: dict[str, int] = field(default_factory=dict)
    metrics: dict[str, list[int]] = field(default_factory=dict)
    failures: list[tuple[int, Mapping[str, tuple[str, ...]]]] = field(default_factory=list)
    details: list[IterationDetail] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def add(self, release: Release) -> None:
        """Count one release."""
        race = release.race
        self.releases += 1
        self.crashes += release.crashed
        self.unanswered += release.crashed and any(not op.response.status for op in race.history)
        self.overlapped += release.overlapped
        for name, seen in race.violations.items():
            self.evaluated[name] = self.evaluated.get(name, 0) + 1
            self.violated[name] = self.violated.get(name, 0) + bool(seen)
        metrics = {
            "operations": len(race.history),
            "refused": sum(not op.response.ok for op in race.history),
            "release_spread_us": release.spread_ns // NANOSECONDS_PER_MICROSECOND,
            "slowest_answer_us": max((op.returned - op.called for op in race.history), default=0)
            // NANOSECONDS_PER_MICROSECOND,
        }
        for name, value in metrics.items():
            self.metrics.setdefault(name, []).append(value)
        if race.failed:
            self.failed += 1
            self.first_failure = self.first_failure or self.releases
            self.failures.append((self.releases, race.failures))
        if race.unchecked:
            self.doubt(f"the oracles could not be evaluated: {race.unchecked}")
        if race.failed or self.releases - self.failed <= self.keep:
            self.details.append(
                detail(self.releases, "kill" if release.crashed else "barrier", race, metrics)
            )

    def doubt(self, why: str) -> None:
        """Note what forbids a PASS, once."""
        if why not in self.doubts:
            self.doubts.append(why)

    def result(self) -> ScenarioResult:
        """The scenario under stress."""
        if not self.releases:
            self.doubt("nothing was released")
        elif not self.overlapped:
            self.doubt("in no release did requests to different servers overlap: nothing was raced")
        undecided = Verdict.INCONCLUSIVE if self.doubts else Verdict.PASS
        invariants = self.scenario.invariants()
        strategies = {"barrier": self.releases - self.crashes, "kill": self.crashes}
        achieved = {"barrier": f"{self.releases - self.crashes} releases", "kill": self._crashes_told()}
        return ScenarioResult(
            scenario=self.scenario.name,
            mode="stress",
            process_model="separate",
            database=self.database,
            verdict=Verdict.FAIL if self.failed else undecided,
            iterations=self.releases,
            failed=self.failed,
            overlapped=self.overlapped,
            strategies={name: number for name, number in strategies.items() if number},
            achieved={name: achieved[name] for name, number in strategies.items() if number},
            first_failure=self.first_failure,
            metrics={name: aggregate(values) for name, values in sorted(self.metrics.items())},
            invariants=invariant_results(invariants, self.evaluated, self.violated, self.failures),
            doubts=tuple(self.doubts),
            details=tuple(self.details),
            counterexample=None,
        )

    def _crashes_told(self) -> str:
        """How often a server was killed, and how often that met requests."""
        return (
            f"{self.crashes} releases with a server killed, {self.unanswered} of them before it had answered"
        )


def self_check_result(outcomes: Sequence[FaultOutcome]) -> SelfCheckResult:
    """All planted faults and what became of them."""
    faults = tuple(
        FaultResult(
            fault=outcome.fault.name,
            sentence=outcome.fault.sentence,
            scenario=outcome.fault.scenario.name,
            killed=outcome.killed,
            killed_by=outcome.killed_by,
            oracles=dict(sorted(outcome.oracles.items())),
            schedules=outcome.schedules,
            preemptions=outcome.preemptions,
            false_alarms=outcome.false_alarms,
            doubts=outcome.doubts,
        )
        for outcome in outcomes
    )
    return SelfCheckResult(planted=len(faults), killed=sum(fault.killed for fault in faults), faults=faults)


def miss_bound(bound: MissBound) -> MissBoundResult:
    """The figures behind a bound, and the bound."""
    return MissBoundResult(
        depth=bound.depth,
        actors=bound.actors,
        horizon=bound.horizon,
        runs=bound.runs,
        chance=float(f"{bound.chance:.6g}"),
    )


def aggregate(values: Sequence[int]) -> Aggregate:
    """Least, most, sum and mean."""
    total = sum(values)
    return Aggregate(min=min(values), max=max(values), sum=total, avg=round(total / len(values), 3))


def invariant_results(
    invariants: Iterable[Invariant],
    evaluated: Mapping[str, int],
    violated: Mapping[str, int],
    failures: Sequence[tuple[int, Mapping[str, tuple[str, ...]]]],
) -> tuple[InvariantResult, ...]:
    """Every invariant of the scenario and of the engine, with what it saw in which iteration."""
    sentences = {mark.name: mark.sentence for mark in invariants}
    sentences |= {name: text for name, text in ENGINE_SENTENCES.items() if name in evaluated}
    return tuple(
        InvariantResult(
            name=name,
            sentence=sentence,
            evaluated=evaluated.get(name, 0),
            violated=violated.get(name, 0),
            failures=tuple(
                IterationFailure(iteration=number, violations=seen[name])
                for number, seen in failures
                if seen.get(name)
            ),
        )
        for name, sentence in sorted(sentences.items())
    )


def iteration_detail(iteration: Iteration) -> IterationDetail:
    """One schedule, whole."""
    return detail(iteration.number, iteration.strategy, iteration.race, iteration.metrics)


def detail(number: int, strategy: str, race: Race, metrics: Mapping[str, int]) -> IterationDetail:
    """One race, whole."""
    unclear = Verdict.INCONCLUSIVE if race.unchecked or race.divergence else Verdict.PASS
    return IterationDetail(
        iteration=number,
        strategy=strategy,
        verdict=Verdict.FAIL if race.failed else unclear,
        metrics=dict(metrics),
        violations=race.failures,
        operations=operations(race.history),
        steps=steps(race.trace),
    )


def counterexample(finding: Finding, folder: Path) -> Counterexample:
    """The failing schedule with the fewest preemptions; its tape's file is named by its content."""
    race = finding.iteration.race
    file = tape_file(finding.tape)
    picture = picture_of(finding)
    return Counterexample(
        iteration=finding.iteration.number,
        strategy=finding.iteration.strategy,
        preemptions=finding.tape.preemptions,
        violations=race.failures,
        broken_at=dict(finding.broken_at),
        operations=operations(race.history),
        steps=steps(race.trace),
        interleaving=tuple(swim_lanes(picture)),
        replays=finding.replays,
        reproduced=finding.reproduced,
        tape=finding.tape,
        tape_file=file,
        picture_file=file.removesuffix(".tape.json") + ".html",
        command=replay_command(folder / file),
    )


def picture_of(finding: Finding) -> Interleaving:
    """The counterexample, to be drawn: statements, requests, answers, and where it broke."""
    race = finding.iteration.race
    return interleaving(
        [taken(step) for step in race.trace.steps],
        operations=race.history,
        violations=race.failures,
        broken_at=finding.broken_at,
    )


def tape_file(tape: Tape) -> str:
    """The name of a tape's file; a scenario's name may hold anything."""
    digest = hashlib.sha256(tape.to_json().encode()).hexdigest()
    name = re.sub(r"[^\w.-]+", "-", tape.name)
    return f"{name}-{digest[:DIGEST_LENGTH]}.tape.json"


def replay_command(tape: Path) -> str:
    """What shows the counterexample again."""
    return f"python -m gatewright replay {shlex.quote(os.path.relpath(tape))}"


def operations(history: History) -> tuple[OperationDetail, ...]:
    """Requests and answers, in the order in which they were answered."""
    return tuple(
        OperationDetail(
            actor=op.actor,
            method=op.method,
            path=op.path,
            body=json_value(op.body),
            status=op.response.status,
            answer=json_value(op.response.json),
            error=op.error,
            called=op.called,
            returned=op.returned,
        )
        for op in history
    )


def steps(trace: Trace) -> tuple[StepDetail, ...]:
    """The statement log."""
    return tuple(
        StepDetail(actor=step.actor, label=step.label, waited=step.waited, preempts=step.preempts)
        for step in map(taken, trace.steps)
    )


def json_value(value: Any) -> JsonValue:
    """What came out of a JSON parser is a JSON value."""
    return cast("JsonValue", value)
