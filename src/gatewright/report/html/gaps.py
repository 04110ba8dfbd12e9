"""What was not checked: where this verdict ends, whatever it says."""

from collections.abc import Iterator, Sequence

from gatewright.report.html.drills import ShownDrills
from gatewright.report.html.loads import ShownLoad
from gatewright.report.html.material import Material
from gatewright.report.html.parts import command, cut, heading
from gatewright.report.html.races import ShownRace
from gatewright.report.omissions import omissions
from gatewright.report.page import isolated

__all__ = ["gaps"]

MOST_OPEN = 12
MOST_GAPS = 200
MOST_OF_A_SUITE = 12
LONGEST = 600
UNKNOWN_SEAL = "a run is signed, if at all, after its page is written"


def gaps(
    material: Material, races: Sequence[ShownRace], loads: Sequence[ShownLoad], drills: Sequence[ShownDrills]
) -> Iterator[str]:
    """The section."""
    of_drills = of_drill_suites(drills)
    found = [*omissions(material.document, material.folder), *of_suites(races, loads), *of_drills]
    yield '<section class="gaps">'
    yield heading("gaps", "What was not checked")
    yield "<ul>"
    yield from map(item, found[:MOST_OPEN])
    if material.profile == "quick":
        yield f"<li>What the full profile would find.{command('gatewright gate --full')}</li>"
    words = f"Whether this page is what the run wrote ({material.seal or UNKNOWN_SEAL})."
    yield f"<li>{isolated(cut(words, LONGEST))}{command('gatewright verify')}</li>"
    yield "</ul>"
    if rest := found[MOST_OPEN:]:
        yield f'<details class="fold"><summary>{len(rest):,} more</summary><ul>'
        yield from map(item, rest[:MOST_GAPS])
        yield "</ul></details>"
    yield "</section>"


def item(sentence: str) -> str:
    """One gap."""
    return f"<li>{isolated(cut(sentence, LONGEST))}</li>"


def of_suites(races: Sequence[ShownRace], loads: Sequence[ShownLoad]) -> Iterator[str]:
    """What suites say that they could not do."""
    for race in races:
        for skip in race.report.skipped[:MOST_OF_A_SUITE]:
            where = f"{skip.mode} on {skip.database}" if skip.database else skip.mode
            yield f"Races, {where}: {skip.reason}."
    for load in loads:
        for scenario in load.report.scenarios[:MOST_OF_A_SUITE]:
            if scenario.in_process:
                yield f"Server and network under {scenario.name}: the application was called in its process."
            yield from (f"{scenario.name}: {remark}" for remark in scenario.remarks[:MOST_OF_A_SUITE])


def of_drill_suites(suites: Sequence[ShownDrills]) -> Iterator[str]:
    """Which drills this machine could not run."""
    for suite in suites:
        for skip in suite.report.skipped[:MOST_OF_A_SUITE]:
            where = f"{skip.drill} on {skip.place}" if skip.place else skip.drill
            yield f"{suite.check}, {where}: {skip.reason}."
