"""Drills: what was done to the service, and what held all the same, from the reports of drill suites."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, FiniteFloat

from gatewright.core.escape import html_text
from gatewright.core.verdict import Verdict
from gatewright.report.html.links import Links
from gatewright.report.html.material import Drawn
from gatewright.report.html.parts import SIGNS, Tone, command, cut, drawn, heading, note
from gatewright.report.page import isolated
from gatewright.report.text import plural

__all__ = ["DrillDrawing", "ShownDrills", "drills"]

MOST_DRILLS = 48
MOST_BROKEN = 6
MOST_SENTENCES = 8
MOST_MOMENTS = 40
NAME_CHARACTERS = 120
SENTENCE_CHARACTERS = 400
TONES: dict[Verdict, Tone] = {Verdict.PASS: "pass", Verdict.FAIL: "fail", Verdict.INCONCLUSIVE: "doubt"}

Count = Annotated[int, Field(ge=0)]


class DrawnMoment(Drawn):
    """What was done, or happened, so many seconds after the drill began."""

    at_s: FiniteFloat = 0.0
    what: str = ""


class DrawnExpectation(Drawn):
    """What must hold."""

    name: str
    sentence: str = ""
    evaluated: Count = 0
    violated: Count = 0
    violations: tuple[str, ...] = ()


class DrawnDrill(Drawn):
    """One drill."""

    drill: str
    sentence: str = ""
    place: str = ""
    verdict: Verdict
    repetitions: Count = 0
    expectations: tuple[DrawnExpectation, ...] = ()
    doubts: tuple[str, ...] = ()
    timeline: tuple[DrawnMoment, ...] = ()

    @property
    def title(self) -> str:
        """The drill and where it ran."""
        return cut(f"{self.drill} on {self.place}" if self.place else self.drill, NAME_CHARACTERS)


class DrawnSkippedDrill(Drawn):
    """What this machine could not run."""

    drill: str = ""
    place: str = ""
    reason: str = ""


class DrillDrawing(Drawn):
    """What is drawn of a report of drills."""

    command: str = ""
    drills: tuple[DrawnDrill, ...] = ()
    skipped: tuple[DrawnSkippedDrill, ...] = ()


@dataclass(frozen=True)
class ShownDrills:
    """The report of a suite of drills, and where it lies."""

    check: str
    artifact: str
    report: DrillDrawing


def drills(shown: Sequence[ShownDrills], links: Links) -> Iterator[str]:
    """The section; nothing where there were no drills."""
    if not shown:
        return
    yield "<section>"
    yield heading("drills", "Drills")
    for suite in shown:
        yield from drawn(f"the drills of {suite.check}", lambda: one_suite(suite, links))  # noqa: B023 - drawn at once
    yield "</section>"


def one_suite(suite: ShownDrills, links: Links) -> Iterator[str]:
    """A card for each drill, then the course of those that did not pass."""
    report = suite.report
    looked = sum(each.evaluated for drill in report.drills for each in drill.expectations)
    words = f"{plural(len(report.drills), 'drill')}, {plural(looked, 'look')} at what must hold."
    yield '<article class="load">'
    yield f"<h3>{isolated(cut(suite.check, NAME_CHARACTERS))}</h3>"
    link = links.to(suite.artifact, "The report")
    yield f'<p class="lead">{html_text(words)} {link} tells the course of each.</p>'
    yield '<ul class="promises">'
    yield from (card(drill) for drill in report.drills[:MOST_DRILLS])
    yield "</ul>"
    if (rest := len(report.drills) - MOST_DRILLS) > 0:
        yield note(f"{plural(rest, 'further drill')} in the report")
    broken = [drill for drill in report.drills if drill.verdict is not Verdict.PASS]
    for drill in broken[:MOST_BROKEN]:
        yield from course(drill, report.command)
    yield "</article>"


def card(drill: DrawnDrill) -> str:
    """A drill in short: what it does, how often it did it, and how much of what must hold did."""
    tone = TONES[drill.verdict]
    held = sum(bool(each.evaluated) and not each.violated for each in drill.expectations)
    return (
        f'<li class="{tone}"><span class="what">{isolated(drill.title)}</span>'
        f'<span class="seen">{html_text(plural(drill.repetitions, "time"))}</span>'
        f'<span class="held"><span aria-hidden="true">{SIGNS[tone]}</span> '
        f"{html_text(f'{held} of {len(drill.expectations)} hold')}"
        f'<span class="unseen">: {drill.verdict.value}</span></span>'
        f'<span class="why">{isolated(cut(drill.sentence, SENTENCE_CHARACTERS))}</span></li>'
    )


def course(drill: DrawnDrill, suite: str) -> Iterator[str]:
    """What did not hold in a drill, and when."""
    yield f"<h4>{isolated(drill.title)}</h4><ul>"
    for each in drill.expectations:
        if each.violated:
            words = f"{each.sentence}: violated {each.violated:,} of {each.evaluated:,} times"
            yield f"<li>{isolated(cut(words, SENTENCE_CHARACTERS))}<ul>"
            yield from (f"<li>{isolated(cut(text))}</li>" for text in each.violations[:MOST_SENTENCES])
            yield "</ul></li>"
    yield from (f"<li>In doubt: {isolated(cut(doubt))}</li>" for doubt in drill.doubts[:MOST_SENTENCES])
    yield "</ul>"
    if drill.timeline:
        yield '<details class="fold"><summary>Its course, in seconds</summary><ul>'
        for moment in drill.timeline[:MOST_MOMENTS]:
            yield f"<li>{moment.at_s:.3f}: {isolated(cut(moment.what, SENTENCE_CHARACTERS))}</li>"
        yield "</ul></details>"
    if suite:
        place = f" --database {drill.place}" if drill.place else ""
        yield f'<p class="do">Run it again</p>{command(f"{suite} --drill {drill.drill}{place}")}'
