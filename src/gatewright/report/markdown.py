"""A verdict as Markdown: the same facts as in the JSON, with every name made harmless."""

from collections.abc import Sequence

from tabulate import tabulate

from gatewright.core.escape import markdown_text
from gatewright.gate.decision import VerdictDocument, headline
from gatewright.report.command import as_typed
from gatewright.report.text import describe_counts, describe_state

__all__ = ["render_verdict"]


def render_verdict(document: VerdictDocument) -> str:
    """The verdict as a Markdown document."""
    finished = document.finished_at.isoformat(timespec="seconds") if document.finished_at else "not finished"
    facts = [
        ("run", document.run_id),
        (
            "commit",
            document.subject.commit + (" (with uncommitted changes)" if document.subject.dirty else ""),
        ),
        ("tree", document.subject.tree),
        ("policy", f"{document.policy.path} sha256:{document.policy.sha256}"),
        ("started", document.started_at.isoformat(timespec="seconds")),
        ("finished", finished),
        ("python", f"{document.environment.python} on {document.environment.platform}"),
    ]
    parts = [f"# {headline(document)}", table(("", ""), facts)]
    if document.checks:
        parts += ["## Checks", checks_table(document)]
    if document.reasons:
        parts += ["## Reasons", reasons_list(document)]
    if document.waivers:
        parts += ["## Waivers", waivers_table(document)]
    return "\n\n".join(parts) + "\n"


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
    """One row for each waiver, with what became of it."""
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


def reasons_list(document: VerdictDocument) -> str:
    """One item for each reason."""
    lines = []
    for reason in document.reasons:
        place = f"{reason.artifact}#{reason.pointer}" if reason.pointer else reason.artifact
        facts = [("rule", reason.rule), ("where", place), ("expected", reason.expected)]
        facts += [("observed", reason.observed), ("see", as_typed(reason.see))]
        facts += [("mend", as_typed(reason.command))]
        lines.append(f"- **{markdown_text(reason.message)}**")
        lines += [f"  - {name}: {markdown_text(value)}" for name, value in facts if value]
    return "\n".join(lines)


def table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table whose cells say what they say and nothing else."""
    cells = [[markdown_text(cell) for cell in row] for row in rows]
    return tabulate(cells, headers=headers, tablefmt="pipe", disable_numparse=True)
