"""The verdict page: the word and why on top, then what it rests on and where it ends."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gatewright.core.redaction import Redactor
from gatewright.core.verdict import Verdict
from gatewright.evidence.ledger import LedgerEntry
from gatewright.gate.decision import VerdictDocument, headline
from gatewright.report import lanes, plots
from gatewright.report.html.checks import checks
from gatewright.report.html.drills import DrillDrawing, ShownDrills, drills
from gatewright.report.html.facts import environment, repeat, waivers
from gatewright.report.html.gaps import gaps
from gatewright.report.html.heads import SIGNS, reasons, top
from gatewright.report.html.links import Links
from gatewright.report.html.loads import LoadDrawing, ShownLoad, loads
from gatewright.report.html.material import Drawn, Material, read_material, read_reports
from gatewright.report.html.parts import drawn, notes
from gatewright.report.html.races import RaceDrawing, ShownRace, races
from gatewright.report.html.script import SCRIPT
from gatewright.report.html.style import STYLE
from gatewright.report.html.trends import trends
from gatewright.report.page import page

__all__ = ["render_page"]

KINDS: dict[str, type[Drawn]] = {
    "gatewright.race/1": RaceDrawing,
    "gatewright.slo/1": LoadDrawing,
    "gatewright.drill/1": DrillDrawing,
}
COLOURS = {Verdict.PASS: "#1b6e3c", Verdict.FAIL: "#b3261e", Verdict.INCONCLUSIVE: "#7a5200"}
UNSHOWN = "the rest of this page can't be shown: {why}"
NO_SCRIPT = (
    "<noscript><p>Without scripts the links below lead from <code>latest.html</code>; in a run folder take "
    "what follows the run's id.</p></noscript>"
)


@dataclass(frozen=True)
class Drawings:
    """What is drawn of the reports of a run; `left_out` says what can't be."""

    races: list[ShownRace] = field(default_factory=list)
    loads: list[ShownLoad] = field(default_factory=list)
    drills: list[ShownDrills] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def render_page(
    document: VerdictDocument,
    folder: Path,
    history: Sequence[LedgerEntry],
    *,
    redactor: Redactor | None = None,
    seal: str = "",
) -> str:
    """The page: one file that needs no network, of bounded size, whatever the evidence holds.

    Args:
        document: the verdict.
        folder: the run folder, whose reports give lanes and plots; what can't be drawn is left out, with a
            note.
        history: earlier runs, oldest first.
        redactor: cuts secrets out of what is taken from the folder; by default those of this environment.
        seal: who signs the run, in words.
    """
    title = f"{headline(document)} - {document.run_id}"
    style = f"{STYLE}\n{plots.STYLE}\n{lanes.STYLE}"
    try:
        material = read_material(document, folder, history, redactor or Redactor(os.environ), seal)
        body = list(sections(material))
    except Exception as error:  # noqa: BLE001 - a page must never keep a run from its verdict
        body = bare(document, Links(document.run_id, folder), type(error).__name__)
    return page(title, style, body, script=SCRIPT, icon=icon(document.verdict))


def bare(document: VerdictDocument, links: Links, why: str) -> list[str]:
    """The word and the reasons alone."""
    word = headline(document)
    head = f'<header class="verdict {document.verdict.value}"><h1>{word}</h1></header>'
    return [head, *drawn("the reasons", lambda: reasons(document, links)), *notes([UNSHOWN.format(why=why)])]


def sections(material: Material) -> Iterator[str]:
    """The parts of the page, each of which fails alone."""
    document, links = material.document, Links(material.document.run_id, material.folder)
    shown = read_drawings(material)
    yield from drawn("the head", lambda: top(material))
    parts = {
        "why": drawn("the reasons", lambda: reasons(document, links)),
        "checks": drawn("the table of checks", lambda: checks(material, links)),
        "waivers": drawn("the waivers", lambda: waivers(document)),
        "gaps": drawn("what was not checked", lambda: gaps(material, shown.races, shown.loads, shown.drills)),
        "races": drawn("the races", lambda: races(shown.races, links)),
        "loads": drawn("the service levels", lambda: loads(shown.loads, links)),
        "drills": drawn("the drills", lambda: drills(shown.drills, links)),
        "trends": drawn("the trends", lambda: trends(material)),
        "environment": drawn("the environment", lambda: environment(material)),
        "repeat": drawn("how to repeat it", lambda: repeat(material)),
    }
    yield from contents(name for name, part in parts.items() if part)
    yield NO_SCRIPT
    yield from (line for part in parts.values() for line in part)
    yield from notes([*material.notes, *shown.left_out])


NAMES = {
    "why": "Why",
    "checks": "Checks",
    "waivers": "Waivers",
    "gaps": "Not checked",
    "races": "Races",
    "loads": "Service levels",
    "drills": "Drills",
    "trends": "Trends",
    "environment": "Environment",
    "repeat": "Run it again",
}


def contents(present: Iterator[str]) -> Iterator[str]:
    """Links to the parts of the page."""
    yield '<nav aria-label="Parts of this page"><ul>'
    yield from (f'<li><a href="#{name}">{NAMES[name]}</a></li>' for name in present)
    yield "</ul></nav>"


def read_drawings(material: Material) -> Drawings:
    """What can be drawn of the reports of the run, and what can't."""
    shown = Drawings()
    for report in read_reports(material, KINDS, shown.left_out):
        if isinstance(report.content, RaceDrawing):
            shown.races.append(ShownRace(report.artifact, report.content))
        elif isinstance(report.content, LoadDrawing):
            shown.loads.append(ShownLoad(report.check, report.artifact, report.content))
        elif isinstance(report.content, DrillDrawing):
            shown.drills.append(ShownDrills(report.check, report.artifact, report.content))
    return shown


def icon(verdict: Verdict) -> str:
    """The sign of a verdict, for the browser's tab."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<circle cx="16" cy="16" r="16" fill="{COLOURS[verdict]}"/>'
        f'<text x="16" y="23" font-family="sans-serif" font-size="20" font-weight="700" text-anchor="middle" '
        f'fill="#fff">{SIGNS[verdict]}</text></svg>'
    )
