"""A verdict as Markdown: the same facts as in the JSON, with every name made harmless."""

from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from gatewright.core.escape import markdown_text
from gatewright.evidence.report import Reason
from gatewright.gate.decision import VerdictDocument, headline
from gatewright.report.command import as_typed
from gatewright.report.findings import LocatedFinding
from gatewright.report.omissions import omissions
from gatewright.report.text import describe_counts, describe_state

__all__ = ["render_verdict"]

SHOWN_PLACES = 50
GIBIBYTE = 1024**3


def render_verdict(
    document: VerdictDocument,
    folder: Path | None = None,
    findings: Sequence[LocatedFinding] = (),
    seal: str = "",
) -> str:
    """The verdict as a Markdown document.

    Args:
        document: the verdict.
        folder: its run folder, if there is one to look into for what was not checked.
        findings: of the verdict, with their places in the code.
        seal: who signed it, in words.
    """
    speaking = set(document.reasons)
    places = [finding for finding in findings if finding.place]
    gaps = [f"- {markdown_text(sentence)}" for sentence in omissions(document, folder)]
    parts = [f"# {headline(document)}", table(("", ""), facts_of(document, seal))]
    if document.checks:
        parts += ["## Checks", checks_table(document)]
    if document.reasons:
        parts += ["## Reasons", "\n".join(reason_item(reason) for reason in document.reasons)]
    if silent := [reason for check in document.checks for reason in check.reasons if reason not in speaking]:
        parts += ["## Findings that block nothing", "\n".join(reason_item(reason) for reason in silent)]
    if places:
        parts += ["## Places in the code", places_list(places)]
    if document.waivers:
        parts += ["## Waivers", waivers_table(document)]
    if gaps:
        parts += ["## Not checked", "\n".join(gaps)]
    parts += ["## Environment", table(("", ""), environment_of(document))]
    return "\n\n".join(parts) + "\n"


def facts_of(document: VerdictDocument, seal: str) -> list[tuple[str, str]]:
    """What was judged, by what, and when."""
    finished = document.finished_at.isoformat(timespec="seconds") if document.finished_at else "not finished"
    dirty = " (with uncommitted changes)" if document.subject.dirty else ""
    return [
        ("run", document.run_id),
        ("commit", document.subject.commit + dirty),
        ("tree", document.subject.tree),
        ("policy", f"{document.policy.path} sha256:{document.policy.sha256}"),
        ("started", document.started_at.isoformat(timespec="seconds")),
        ("finished", finished),
        *([("seal", seal)] if seal and document.finished_at else []),
    ]


def environment_of(document: VerdictDocument) -> list[tuple[str, str]]:
    """Where the gate ran."""
    found = document.environment
    memory = f", {found.memory_bytes / GIBIBYTE:.1f} GiB of memory" if found.memory_bytes else ""
    return [
        ("python", f"{found.python} ({found.implementation})"),
        ("platform", f"{found.platform} {found.machine}"),
        ("machine", f"{found.cpus} x {found.cpu or 'unknown processor'}{memory}"),
        ("packages", f"{len(found.packages)}, listed in verdict.json"),
        ("lock file", document.subject.lock),
    ]


def checks_table(document: VerdictDocument) -> str:
    """One row for each check."""
    rows = [
        (
            check.check,
            describe_state(check),
            "yes" if check.required else "no",
            describe_counts(check.counts),
            f"{check.duration_s:.1f} s",
            check.manifest,
        )
        for check in document.checks
    ]
    return table(("check", "state", "required", "measured", "time", "manifest"), rows)


def waivers_table(document: VerdictDocument) -> str:
    """One row for each waiver of the policy: what became of it, and who answers."""
    rows = [
        (
            use.id,
            use.check,
            use.status.value,
            use.owner,
            use.expires.isoformat() if use.expires else "",
            use.reason,
            use.message,
        )
        for use in document.waivers
    ]
    return table(("waiver", "check", "status", "owner", "expires", "reason", "what became of it"), rows)


def reason_item(reason: Reason) -> str:
    """A reason as an item of a list, with all that it names."""
    place = f"{reason.artifact}#{reason.pointer}" if reason.pointer else reason.artifact
    facts = [("rule", reason.rule), ("where", place), ("expected", reason.expected)]
    facts += [
        ("observed", reason.observed),
        ("see", as_typed(reason.see)),
        ("mend", as_typed(reason.command)),
    ]
    told = [f"  - {name}: {markdown_text(value)}" for name, value in facts if value]
    return "\n".join([f"- **{markdown_text(reason.message.strip())}**", *told])


def places_list(findings: Sequence[LocatedFinding]) -> str:
    """One item for each finding that has a place in the code."""
    shown = findings[:SHOWN_PLACES]
    lines = [f"- {markdown_text(str(each.place))}: {markdown_text(each.message)}" for each in shown]
    rest = len(findings) - len(shown)
    return "\n".join([*lines, *([f"- and {rest} more"] if rest else [])])


def table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table whose cells say what they say and nothing else."""
    cells = [[markdown_text(cell) for cell in row] for row in rows]
    return tabulate(cells, headers=headers, tablefmt="pipe", disable_numparse=True)
