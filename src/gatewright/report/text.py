"""A verdict in the terminal: a table of checks, the word, its reasons, and where the evidence is."""

from collections.abc import Sequence

from tabulate import tabulate

from gatewright.core.escape import printable
from gatewright.core.verdict import Verdict
from gatewright.evidence.record import EVIDENCE
from gatewright.evidence.report import Counts, Reason
from gatewright.gate.aggregate import CheckVerdict
from gatewright.gate.decision import VerdictDocument, headline, is_waived
from gatewright.gate.finding import command_to_see
from gatewright.gate.limits import bounds
from gatewright.gate.policy import Check, LoadedPolicy
from gatewright.gate.waivers import WaiverStatus, WaiverUse
from gatewright.report.command import as_typed

__all__ = [
    "COLOURS",
    "describe_counts",
    "describe_state",
    "plural",
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
    lines = [paint(document.verdict, headline(document), colour=colour)]
    lines += [
        f"  - {printable(reason.message)}{figures(reason)}" for reason in document.reasons[:SHOWN_REASONS]
    ]
    if (rest := len(document.reasons) - SHOWN_REASONS) > 0:
        lines.append(f"  - and {rest} more: gatewright explain")
    lines += [f"  - {describe_waiver(use)}" for use in document.waivers]
    lines.append(f"evidence: {EVIDENCE}/runs/{document.run_id}")
    return "\n\n".join([*parts, "\n".join(lines)]) + "\n"


def render_checks(checks: Sequence[CheckVerdict]) -> str:
    """The table of checks."""
    rows = [
        (
            check.check if check.required else f"{check.check} (advisory)",
            describe_state(check),
            describe_counts(check.counts),
            f"{check.duration_s:.1f} s",
            {True: "session", False: "shared", None: ""}[check.isolated],
        )
        for check in checks
    ]
    headers = ("check", "state", "measured", "time", "environment")
    return tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True)


def describe_state(check: CheckVerdict) -> str:
    """The state of a check, and whether a waiver is laid over it."""
    return f"{check.state.value} (waived)" if is_waived(check) else check.state.value


def describe_waiver(use: WaiverUse) -> str:
    """What became of a waiver, on one line."""
    reason = f": {use.reason}" if use.status is WaiverStatus.APPLIED else ""
    return printable(f"waiver {use.id or '(without id)'} {use.status.value}: {use.message}{reason}")


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


def plural(count: int, noun: str) -> str:
    """So many of something; the noun takes an s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


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
    """Every reason down to its place in the evidence, with the commands that show and mend it.

    Args:
        document: the verdict.
        check: the only check that is asked about; all of them when None.
    """
    judged = [found for found in document.checks if check in {None, found.check}]
    reasons = document.reasons if check is None else judged[0].reasons
    blocks = [explain_reason(number, reason) for number, reason in enumerate(reasons, start=1)]
    if check is not None or not reasons:
        blocks += [explain_check(found) for found in judged]
    return "\n\n".join(blocks or [f"{document.verdict.value}: no check was judged"]) + "\n"


def explain_reason(number: int, reason: Reason) -> str:
    """A reason, with all that it names."""
    pointer = f"#{reason.pointer}" if reason.pointer else ""
    facts = [
        ("rule", reason.rule),
        ("where", f"{EVIDENCE}/{reason.artifact}{pointer}" if reason.artifact else ""),
        ("expected", reason.expected),
        ("observed", reason.observed),
        ("see", as_typed(reason.see)),
        ("mend", as_typed(reason.command)),
    ]
    return block(f"{number}. {printable(reason.message)}", facts)


def explain_check(check: CheckVerdict) -> str:
    """What the state of a check rests on."""
    facts = [
        ("waiver", check.waived),
        ("measured", describe_counts(check.counts)),
        ("where", f"{EVIDENCE}/{check.manifest}"),
        ("see", as_typed(command_to_see(check.manifest))),
        ("again", as_typed(f"gatewright run {check.check}")),
    ]
    against = "" if check.reasons else ": nothing speaks against it"
    return block(f"{check.check} is {describe_state(check)}{against}", facts)


def block(title: str, facts: Sequence[tuple[str, str]]) -> str:
    """A title, and below it what is known, one line each."""
    return "\n".join([title, *(f"  {name:<9}{printable(value)}" for name, value in facts if value)])


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
