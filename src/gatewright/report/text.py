"""A verdict in the terminal: a table of checks, the word, its reasons, and where the evidence is."""

from collections.abc import Sequence

from tabulate import tabulate

from gatewright.core.escape import printable
from gatewright.core.verdict import Verdict
from gatewright.evidence.record import EVIDENCE
from gatewright.evidence.report import Counts, Reason
from gatewright.gate.aggregate import CheckVerdict
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.measure import bounds
from gatewright.gate.policy import Check, LoadedPolicy
from gatewright.report.command import as_typed

__all__ = [
    "COLOURS",
    "describe_counts",
    "render_checks",
    "render_explanation",
    "render_policy",
    "render_verdict_text",
]

COLOURS = {Verdict.PASS: "32", Verdict.FAIL: "31", Verdict.INCONCLUSIVE: "33"}
SHOWN_REASONS = 8


def render_verdict_text(document: VerdictDocument, *, colour: bool) -> str:
    """The whole verdict as text for a terminal."""
    parts = [render_checks(document.checks)] if document.checks else []
    lines = [paint(document.verdict, document.verdict.value, colour=colour)]
    lines += [
        f"  - {printable(reason.message)}{figures(reason)}" for reason in document.reasons[:SHOWN_REASONS]
    ]
    if (rest := len(document.reasons) - SHOWN_REASONS) > 0:
        lines.append(f"  - and {rest} more: gatewright explain")
    lines.append(f"evidence: {EVIDENCE}/runs/{document.run_id}")
    return "\n\n".join([*parts, "\n".join(lines)]) + "\n"


def render_checks(checks: Sequence[CheckVerdict]) -> str:
    """The table of checks."""
    rows = [
        (
            check.check if check.required else f"{check.check} (advisory)",
            check.state.value,
            describe_counts(check.counts),
            f"{check.duration_s:.1f} s",
            {True: "session", False: "shared", None: ""}[check.isolated],
        )
        for check in checks
    ]
    headers = ("check", "state", "measured", "time", "environment")
    return tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True)


def describe_counts(counts: Counts) -> str:
    """What was measured, in words."""
    parts = []
    if counts.collected:
        parts.append(f"{counts.passed}/{counts.collected} passed")
    parts += [
        f"{number} {name}"
        for name, number in counts.model_dump().items()
        if number and name not in {"collected", "passed"}
    ]
    return ", ".join(parts) or "nothing"


def figures(reason: Reason) -> str:
    """What was seen and what should have been, in brackets, as far as the message does not tell."""
    parts = [reason.observed, f"expected {reason.expected}" if reason.expected else ""]
    told = (reason.observed, reason.expected)
    untold = [part for part, figure in zip(parts, told, strict=True) if part and figure not in reason.message]
    return f" [{printable('; '.join(untold))}]" if untold else ""


def paint(verdict: Verdict, text: str, *, colour: bool) -> str:
    """Text in the colour of a verdict."""
    return f"\x1b[1;{COLOURS[verdict]}m{text}\x1b[0m" if colour else text


def render_explanation(document: VerdictDocument, check: str | None) -> str:
    """Every reason down to its place in the evidence, with the command that shows or mends it."""
    reasons: list[Reason] = list(document.reasons)
    if check is not None:
        reasons = [reason for judged in document.checks if judged.check == check for reason in judged.reasons]
    if not reasons:
        return f"{check or document.verdict.value}: nothing speaks against it\n"
    blocks = [
        "\n".join(f"  {name:<9}{printable(value)}" for name, value in facts(reason) if value)
        for reason in reasons
    ]
    titles = [f"{number}. {printable(reason.message)}" for number, reason in enumerate(reasons, start=1)]
    return "\n\n".join(f"{title}\n{block}" for title, block in zip(titles, blocks, strict=True)) + "\n"


def facts(reason: Reason) -> list[tuple[str, str]]:
    """The parts of a reason, named."""
    pointer = f"#{reason.pointer}" if reason.pointer else ""
    artifact = f"{EVIDENCE}/{reason.artifact}" if reason.artifact else ""
    return [
        ("rule", reason.rule),
        ("where", f"{artifact}{pointer}"),
        ("expected", reason.expected),
        ("observed", reason.observed),
        ("command", as_typed(reason.command)),
    ]


def render_policy(loaded: LoadedPolicy) -> str:
    """What a policy requires, as a table."""
    rows = [
        (
            name,
            "yes" if check.required else "no",
            check.session or "",
            describe_demands(check),
            f"{check.timeout_s} s",
        )
        for name, check in loaded.policy.checks.items()
    ]
    headers = ("check", "required", "session", "demands", "time-out")
    table = tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True)
    return f"{table}\n\npolicy sha256:{loaded.digest}\n"


def describe_demands(check: Check) -> str:
    """What the evidence of a check must show, in words."""
    parts = [
        f"{minimum} {name}"
        for name in ("collected", "schedules", "samples")
        if (minimum := getattr(check, f"min_{name}"))
    ]
    parts += [f"{name} {bounds(limit)}" for name, limit in check.limits.items()]
    return ", ".join(parts) or "anything measured"
