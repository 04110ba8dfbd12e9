"""Runs the drills of a suite, and makes one report of them."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gatewright.core.clock import Clock, SystemClock
from gatewright.core.errors import ConfigurationError, GatewrightError, NotHere
from gatewright.core.verdict import Verdict, merge_verdicts
from gatewright.evidence.record import Published, announce, publish
from gatewright.evidence.report import Counts, Reason
from gatewright.suites.drill.logbook import Drill, Logbook
from gatewright.suites.drill.markdown import render
from gatewright.suites.drill.report import DrillReport, DrillResult, SkippedDrill
from gatewright.suites.progress import Silent, SuiteProgress

__all__ = [
    "DrillSuite",
    "DrillSuiteConfig",
    "announce_drills",
    "publish_drill_report",
    "run_drill_suite",
    "unfinished_report",
]

ARTIFACT = "report.json"


@dataclass(frozen=True, kw_only=True)
class DrillSuiteConfig:
    """How much a suite of drills does.

    Attributes:
        profile: the name of this amount of work, for the report.
        drills: names; empty for all.
        places: what they run on; empty for all.
        seed: of whatever is drawn by chance.
        output: the folder of the evidence.
    """

    profile: str = "quick"
    drills: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    seed: int = 1
    output: Path = field(default_factory=Path)


@dataclass(frozen=True)
class DrillSuite:
    """A service's drills.

    Attributes:
        name: of the suite, as policies know it.
        drills: all of them, in order.
        command: how a user runs the suite, for the reasons.
        side_by_side: whether drills on different places go on at the same time, each place in a thread of
            its own; those that mostly wait then cost half the time. Those on one place never do.
    """

    name: str
    drills: Sequence[Drill]
    command: str
    side_by_side: bool = False

    def selected(self, config: DrillSuiteConfig) -> list[Drill]:
        """The drills that a configuration asks for.

        Raises:
            ConfigurationError: there is no such drill or place, or no drill on such a place.
        """
        places = dict.fromkeys(drill.place for drill in self.drills if drill.place)
        for wanted in config.drills:
            if all(drill.name != wanted for drill in self.drills):
                raise ConfigurationError(f"no drill {wanted!r}", remedy=f"there are {titles(self.drills)}")
        for wanted in config.places:
            if wanted not in places:
                known = f"there are {', '.join(places)}" if places else "the drills run on one"
                raise ConfigurationError(f"no database {wanted!r}", remedy=known)
        chosen = [
            drill
            for drill in self.drills
            if (not config.drills or drill.name in config.drills)
            and (not config.places or not drill.place or drill.place in config.places)
        ]
        if not chosen:
            raise ConfigurationError("no drill is left", remedy="ask for fewer conditions")
        return chosen


def titles(drills: Sequence[Drill]) -> str:
    """The names of drills, each once."""
    return ", ".join(dict.fromkeys(drill.name for drill in drills))


def run_drill_suite(
    suite: DrillSuite,
    config: DrillSuiteConfig,
    *,
    progress: SuiteProgress | None = None,
    clock: Clock | None = None,
) -> DrillReport:
    """Carry out every selected drill; one that can't be is INCONCLUSIVE, and the others go on.

    Raises:
        ConfigurationError: nothing of that name.
    """
    clock, progress = clock or SystemClock(), progress or Silent()
    started_at = clock.now()
    results: list[DrillResult] = []
    skipped: list[SkippedDrill] = []
    drills = suite.selected(config)
    others = side_by_side(drills) if suite.side_by_side else {}
    for drill in drills:
        progress.begin(f"{drill.name} on {drill.place}" if drill.place else drill.name)
        outcome = others[drill].result() if drill in others else carry_out(drill, progress.count)
        if isinstance(outcome, SkippedDrill):
            skipped.append(outcome)
            progress.end(f"skipped: {outcome.reason}")
        else:
            results.append(outcome)
            progress.end(f"{outcome.verdict}, {outcome.repetitions} times")
    return DrillReport(
        suite=suite.name,
        verdict=merge_verdicts(result.verdict for result in results),
        reasons=tuple(reasons(suite, results)),
        counts=counts(results, len(skipped)),
        metrics=metrics(results),
        started_at=started_at,
        finished_at=clock.now(),
        profile=config.profile,
        seed=config.seed,
        command=suite.command,
        drills=tuple(results),
        skipped=tuple(skipped),
    )


def carry_out(drill: Drill, count: Callable[[int], None] = lambda _done: None) -> DrillResult | SkippedDrill:
    """Carry out one drill, whatever becomes of it."""
    log = Logbook(drill, count)
    try:
        drill.run(log)
    except NotHere as error:
        return SkippedDrill(drill=drill.name, place=drill.place, reason=str(error))
    except GatewrightError as error:
        log.doubt(f"it could not be carried out: {error}")
    except Exception as error:  # noqa: BLE001 - a drill that breaks says nothing about the service
        log.doubt(f"it broke: {type(error).__name__}: {error}")
    return log.result()


def side_by_side(drills: Sequence[Drill]) -> dict[Drill, Future[DrillResult | SkippedDrill]]:
    """Begin with the drills of every place; gives what will come of each.

    The threads end with the process: whoever interrupts it need not wait for them.
    """
    outcomes: dict[Drill, Future[DrillResult | SkippedDrill]] = {drill: Future() for drill in drills}

    def one_by_one(place: str) -> None:
        for drill, outcome in outcomes.items():
            if drill.place == place:
                try:
                    outcome.set_result(carry_out(drill))
                except BaseException as error:  # noqa: BLE001 - whoever waits for it must not wait for ever
                    outcome.set_exception(error)

    for place in dict.fromkeys(drill.place for drill in drills):
        threading.Thread(target=one_by_one, args=(place,), daemon=True).start()
    return outcomes


def reasons(suite: DrillSuite, results: Sequence[DrillResult]) -> Iterator[Reason]:
    """Why the verdict is what it is, violations first."""
    for place, result in enumerate(results):
        for number, seen in enumerate(result.expectations):
            if seen.violated:
                yield Reason(
                    rule=f"{suite.name}/{seen.name}",
                    message=f"{result.title}: {next(iter(seen.violations), seen.sentence)}",
                    artifact=ARTIFACT,
                    pointer=f"/drills/{place}/expectations/{number}",
                    expected=seen.sentence,
                    observed=f"violated {seen.violated} of {seen.evaluated} times",
                    command=again(suite, result),
                )
    for place, result in enumerate(results):
        for doubt in result.doubts:
            yield Reason(
                rule=f"{suite.name}/conclusive",
                message=f"{result.title}: {doubt}",
                artifact=ARTIFACT,
                pointer=f"/drills/{place}/doubts",
                command=again(suite, result),
            )
    if not results:
        yield Reason(rule=f"{suite.name}/conclusive", message="no drill could be carried out on this machine")


def again(suite: DrillSuite, result: DrillResult) -> str:
    """What carries out this one alone."""
    place = f" --database {result.place}" if result.place else ""
    return f"{suite.command} --drill {result.drill}{place}"


def counts(results: Sequence[DrillResult], skipped: int) -> Counts:
    """How much was looked at: expectations as what was collected, repetitions as samples."""
    seen = [expectation for result in results for expectation in result.expectations]
    return Counts(
        collected=len(seen),
        passed=sum(bool(each.evaluated) and not each.violated for each in seen),
        failed=sum(bool(each.violated) for each in seen),
        skipped=skipped,
        samples=sum(result.repetitions for result in results),
    )


def metrics(results: Sequence[DrillResult]) -> dict[str, float]:
    """The figures of all drills, by names that a policy may limit."""
    figures: dict[str, float] = {}
    for result in results:
        what = "_".join(filter(None, (result.drill, result.place)))
        figures[f"{what}_repetitions"] = result.repetitions
        figures |= {f"{what}_{name}": value for name, value in result.metrics.items()}
    return figures


def unfinished_report(
    suite: DrillSuite, config: DrillSuiteConfig, why: str, started_at: datetime, finished_at: datetime
) -> DrillReport:
    """The report of a suite that has done nothing yet, or could not."""
    return DrillReport(
        suite=suite.name,
        verdict=Verdict.INCONCLUSIVE,
        reasons=(Reason(rule=f"{suite.name}/finished", message=why),),
        counts=Counts(),
        started_at=started_at,
        finished_at=finished_at,
        profile=config.profile,
        seed=config.seed,
        command=suite.command,
        drills=(),
    )


def announce_drills(folder: Path, report: DrillReport) -> None:
    """Let `latest.*` say that a run has begun, so that a killed one never leaves an older PASS there."""
    announce(folder, report, render(report))


def publish_drill_report(folder: Path, report: DrillReport) -> Published:
    """Write the report as JSON and Markdown."""
    os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - a folder may be there
    return publish(folder, report, render(report))
