"""What was not checked: where this verdict ends, whatever it says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gatewright.core.provenance import UNKNOWN
from gatewright.core.verdict import State
from gatewright.report.html.loads import ShownLoad
from gatewright.report.html.material import Material
from gatewright.report.html.parts import command, cut, heading, note
from gatewright.report.html.races import ShownRace
from gatewright.report.page import isolated

__all__ = ["gaps"]

MOST_NAMES = 12
MOST_GAPS = 24


@dataclass(frozen=True)
class Gap:
    """Something that was not looked at, in a few words and in a sentence."""

    title: str
    words: str
    command: str = ""


def gaps(material: Material, races: Sequence[ShownRace], loads: Sequence[ShownLoad]) -> Iterator[str]:
    """The section."""
    found = [*of_subject(material), *of_checks(material), *of_suites(races, loads), *of_seal()]
    yield '<section class="gaps">'
    yield heading("gaps", "What was not checked")
    yield "<ul>"
    for gap in found[:MOST_GAPS]:
        do = command(gap.command) if gap.command else ""
        yield f"<li><b>{isolated(gap.title)}</b> {isolated(cut(gap.words, 600))}{do}</li>"
    yield "</ul>"
    if (rest := len(found) - MOST_GAPS) > 0:
        yield note(f"and {rest} more such gaps")
    yield "</section>"


def of_subject(material: Material) -> Iterator[Gap]:
    """Which state of the project was looked at."""
    subject = material.document.subject
    if only := material.document.policy.only:
        yield Gap("The rest of the policy.", f"This run was about {only} alone; it is no release verdict.")
    if subject.commit == UNKNOWN:
        yield Gap(
            "A commit.",
            "Git could not say which one this is; the digest of the work tree says what it holds.",
        )
    elif subject.dirty:
        yield Gap(
            "The commit itself.",
            "The work tree had uncommitted changes, and they were checked along with it.",
        )
    elif subject.dirty is None:
        yield Gap(
            "Whether the work tree is the commit.",
            "Git could not say whether there were uncommitted changes.",
        )
    if subject.changed:
        count = f"{len(subject.changed):,} files" if len(subject.changed) > 1 else "1 file"
        yield Gap(
            "One state of the project.", f"{count} changed while the checks ran: {names(subject.changed)}."
        )


def of_checks(material: Material) -> Iterator[Gap]:
    """What checks left out."""
    checks = material.document.checks
    if material.profile == "quick":
        fuller = (
            [name for name, check in material.policy.checks.items() if check.full_steps]
            if material.policy
            else []
        )
        more = f"; {names(fuller)} would run other steps" if fuller else ""
        yield Gap("Full length.", f"The quick profile measures less{more}.", "gatewright gate --full")
    if absent := [each.check for each in checks if each.state in {State.MISSING, State.EMPTY}]:
        yield Gap("Anything by these:", f"{names(absent)}. They measured nothing.")
    if advisory := [each.check for each in checks if not each.required]:
        yield Gap(
            "What is only advisory:", f"{names(advisory)}. Whatever they found, the verdict does without."
        )
    for title, kind in (("Skipped tests:", "skipped"), ("Tests that are expected to fail:", "xfailed")):
        left_out = [(each, getattr(each.counts, kind)) for each in checks if getattr(each.counts, kind)]
        if left_out:
            told = names(
                [f"{count:,} of {each.counts.collected:,} in {each.check}" for each, count in left_out]
            )
            yield Gap(title, f"{told}.")
    if shared := [each.check for each in checks if each.isolated is False]:
        words = "These ran in one that was there, with whatever else it holds:"
        yield Gap("Environments of their own.", f"{words} {names(shared)}.")


def of_suites(races: Sequence[ShownRace], loads: Sequence[ShownLoad]) -> Iterator[Gap]:
    """What suites say that they could not do."""
    for race in races:
        for skip in race.report.skipped[:MOST_NAMES]:
            where = f"{skip.mode} on {skip.database}" if skip.database else skip.mode
            yield Gap(f"Races, {where}:", f"{skip.reason}.")
    for load in loads:
        for scenario in load.report.scenarios[:MOST_NAMES]:
            if scenario.in_process:
                yield Gap(
                    f"Server and network under {scenario.name}:", "the application was called in its process."
                )
            for remark in scenario.remarks[:MOST_NAMES]:
                yield Gap(f"While measuring {scenario.name}:", remark)


def of_seal() -> Iterator[Gap]:
    """What no page can say about itself."""
    words = (
        "A page can be edited like any text, and a run is signed, if at all, after its page is written. "
        "This checks every file, and the signature where there is one:"
    )
    yield Gap("Whether this page is what the run wrote.", words, "gatewright verify")


def names(found: Sequence[str]) -> str:
    """Some names, of very many the first."""
    shown = ", ".join(cut(each, 80) for each in found[:MOST_NAMES])
    rest = len(found) - MOST_NAMES
    return f"{shown} and {rest} more" if rest > 0 else shown
