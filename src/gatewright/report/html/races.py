"""Races: what was explored, and the interleaving of each that failed, from the reports of race suites."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import Field

from gatewright.core.escape import html_text
from gatewright.core.interleaving import Request, TakenStep, order_rows
from gatewright.core.verdict import Verdict
from gatewright.report import lanes
from gatewright.report.html.links import Links
from gatewright.report.html.material import Drawn
from gatewright.report.html.parts import command, cut, drawn, heading, note
from gatewright.report.page import isolated
from gatewright.report.text import plural

__all__ = ["RaceDrawing", "ShownRace", "races"]

MOST_EXAMPLES = 3
MOST_ROWS = 160
MOST_VIOLATIONS = 12
MOST_SENTENCES = 8
NAME_CHARACTERS = 120
LABEL_CHARACTERS = 72


class DrawnExample(Drawn):
    """A failing schedule."""

    preemptions: int = 0
    violations: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    broken_at: dict[str, int] = Field(default_factory=dict)
    operations: tuple[Request, ...] = ()
    steps: tuple[TakenStep, ...] = ()
    replays: int = 0
    reproduced: int = 0
    command: str = ""


class DrawnScenario(Drawn):
    """A scenario in one mode."""

    scenario: str
    mode: str = ""
    verdict: Verdict
    iterations: int = 0
    failed: int = 0
    counterexample: DrawnExample | None = None


class DrawnSelfCheck(Drawn):
    """How many planted faults were seen."""

    planted: int
    killed: int


class DrawnSkip(Drawn):
    """What this machine could not run."""

    mode: str = ""
    database: str = ""
    reason: str = ""


class RaceDrawing(Drawn):
    """What is drawn of a race report."""

    scenarios: tuple[DrawnScenario, ...] = ()
    self_check: DrawnSelfCheck | None = None
    skipped: tuple[DrawnSkip, ...] = ()


@dataclass(frozen=True)
class ShownRace:
    """The report of a race suite, and where it lies."""

    artifact: str
    report: RaceDrawing


def races(shown: Sequence[ShownRace], links: Links) -> Iterator[str]:
    """The section; nothing where no race was run."""
    if not shown:
        return
    yield "<section>"
    yield heading("races", "Races")
    for race in shown:
        link = links.to(race.artifact, "The report")
        yield f'<p class="lead">{summary(race.report)} {link} has them all.</p>'
    failing = [each for race in shown for each in race.report.scenarios if each.counterexample is not None]
    for number, scenario in enumerate(failing[:MOST_EXAMPLES]):
        name = scenario.scenario[:NAME_CHARACTERS]
        yield from drawn(f"the interleaving of {name}", lambda: example(number, scenario))  # noqa: B023 - drawn at once
    if (rest := len(failing) - MOST_EXAMPLES) > 0:
        yield note(f"{plural(rest, 'further failing race')} in the report")
    yield "</section>"


def summary(report: RaceDrawing) -> str:
    """What was raced, in a sentence or two."""
    iterations = sum(max(0, each.iterations) for each in report.scenarios)
    failed = sum(each.verdict is Verdict.FAIL for each in report.scenarios)
    outcome = f"{failed:,} failed" if failed else "none failed"
    words = f"{plural(len(report.scenarios), 'race')} in {plural(iterations, 'interleaving')}: {outcome}."
    if check := report.self_check:
        words += f" Of {check.planted:,} faults planted to try the suite itself, it saw {check.killed:,}."
    return html_text(words)


def example(number: int, scenario: DrawnScenario) -> Iterator[str]:
    """A failing schedule: what broke, who did what when, and how to see it again."""
    found = scenario.counterexample
    if found is None:
        return
    violations = {
        cut(name, NAME_CHARACTERS): sentences[:MOST_SENTENCES]
        for name, sentences in list(found.violations.items())[:MOST_VIOLATIONS]
    }
    picture = order_rows(
        found.steps,
        requests=found.operations,
        violations=violations,
        broken_at=found.broken_at,
        most=MOST_ROWS,
    )
    identity = f"race-{number}"
    yield '<article class="race">'
    yield f'<h3 id="{identity}">{isolated(cut(scenario.scenario, NAME_CHARACTERS))}</h3>'
    yield f'<p class="lead">{html_text(words_of(scenario, found))}</p>'
    yield '<details class="fold"><summary>What each broken invariant said</summary>'
    yield from lanes.broken_invariants(violations, heading=4)
    yield "</details>"
    yield from lanes.swim_lanes(picture, identity, most=LABEL_CHARACTERS)
    if found.command:
        yield f'<p class="do">Run it again</p>{command(found.command)}'
    yield "</article>"


def words_of(scenario: DrawnScenario, found: DrawnExample) -> str:
    """How often it failed, and how surely it does."""
    parts = [f"Failed in {scenario.failed:,} of {plural(scenario.iterations, 'interleaving')}."]
    stops = f"{plural(found.preemptions, 'time')} an actor was stopped for another"
    parts.append(f"In the one shown, with the fewest stops of all, {stops}.")
    if found.replays:
        parts.append(f"Replayed {found.replays:,} times, it failed alike {found.reproduced:,} times.")
    return " ".join(parts)
