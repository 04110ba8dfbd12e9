"""Lay the waivers of a policy over what was judged: a state stays what it is, and may be answered for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

from gatewright.core.verdict import State
from gatewright.evidence.report import Counts
from gatewright.gate.aggregate import CheckVerdict, JudgedCheck
from gatewright.gate.finding import Finding
from gatewright.gate.states import WAIVABLE
from gatewright.gate.waivers import LONGEST_DAYS, BrokenWaiver, Waiver, WaiverStatus, WaiverUse

__all__ = ["settle"]

MAX_SKIPPED = "max-skipped"
RUN_FOLDER_PARTS = 3
"""An artifact is named `runs/RUN/CHECK/FILE`."""


@dataclass(frozen=True)
class Blocked:
    """A check, and those of its findings that keep it from settling."""

    verdict: CheckVerdict
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        return f"{self.verdict.check} is {self.verdict.state.value}"

    def beyond(self, waivers: Iterable[Waiver]) -> tuple[Finding, ...]:
        """The findings that none of some waivers covers."""
        own = [waiver for waiver in waivers if waiver.check == self.verdict.check]
        return tuple(each for each in self.findings if not any(covers(waiver, each) for waiver in own))


@dataclass(frozen=True)
class Doubt:
    """Why a waiver does nothing."""

    status: WaiverStatus
    message: str


def settle(
    judged: Sequence[JudgedCheck],
    waivers: Sequence[Waiver | BrokenWaiver],
    now: datetime,
    *,
    warn_blocks: bool = False,
) -> tuple[tuple[CheckVerdict, ...], tuple[WaiverUse, ...]]:
    """Lay waivers over checks. Pure: the same waivers at the same moment do the same.

    A check is waived when every finding that blocks is covered by a waiver that holds, several together if
    need be; otherwise it stays as it is, and so do its waivers.

    Args:
        judged: the checks with all that was found, in the policy's order.
        waivers: those of the policy, in its order.
        now: the moment of judging, aware.
        warn_blocks: whether warnings block, and so can be waived.

    Returns:
        The checks, and what became of each waiver, both in the order given.
    """
    checks = {each.verdict.check: find_blocking(each, warn_blocks=warn_blocks) for each in judged}
    holding = [each for each in waivers if isinstance(each, Waiver) and doubt(each, checks, now) is None]
    uses = tuple(conclude(waiver, checks, now, holding) for waiver in waivers)
    return tuple(lay(check, holding) for check in checks.values()), uses


def find_blocking(judged: JudgedCheck, *, warn_blocks: bool) -> Blocked:
    """What keeps a check from settling."""
    blocking = {State.WARN} if warn_blocks else set()
    findings = (each for each in judged.findings if not each.state.settles or each.state in blocking)
    return Blocked(judged.verdict, tuple(findings))


def lay(check: Blocked, holding: Sequence[Waiver]) -> CheckVerdict:
    """The check with its waivers, when they cover all that blocks."""
    ids = ", ".join(waiver.id for waiver in holding if waiver.check == check.verdict.check)
    return check.verdict.model_copy(update={"waived": "" if check.beyond(holding) else ids})


def conclude(
    waiver: Waiver | BrokenWaiver, checks: Mapping[str, Blocked], now: datetime, holding: Sequence[Waiver]
) -> WaiverUse:
    """What became of a waiver, given all that hold."""
    if isinstance(waiver, BrokenWaiver):
        return WaiverUse.of(waiver, WaiverStatus.MALFORMED, waiver.message)
    if found := doubt(waiver, checks, now):
        return WaiverUse.of(waiver, found.status, found.message)
    check = checks[waiver.check]
    if rest := check.beyond(holding):
        message = f"{check} and stays so, for it has other reasons too: {rules(rest)}"
        return WaiverUse.of(waiver, WaiverStatus.REFUSED, message)
    covered = [each for each in check.findings if covers(waiver, each)]
    message = f"{check} ({rules(covered)}), for which {waiver.owner} answers until {waiver.expires}"
    return WaiverUse.of(waiver, WaiverStatus.APPLIED, message)


def rules(findings: Iterable[Finding]) -> str:
    """The rules of some findings, each once."""
    return ", ".join(sorted({finding.reason.rule for finding in findings}))


def doubt(waiver: Waiver, checks: Mapping[str, Blocked], now: datetime) -> Doubt | None:
    """Why a waiver does nothing whatever the others do; None when there is no such reason."""
    if (days := (waiver.expires - now.astimezone(UTC).date()).days) < 0:
        return Doubt(WaiverStatus.EXPIRED, f"it ended on {waiver.expires}")
    if days > LONGEST_DAYS:
        return Doubt(WaiverStatus.REFUSED, f"it ends in {days} days, and {LONGEST_DAYS} are allowed")
    if waiver.check not in checks:
        return Doubt(WaiverStatus.UNMATCHED, f"the policy has no check {waiver.check}")
    return doubt_about(waiver, checks[waiver.check])


def doubt_about(waiver: Waiver, check: Blocked) -> Doubt | None:
    """Why a waiver can't be laid over its check."""
    if not check.findings:
        return Doubt(WaiverStatus.UNMATCHED, f"{check}, so there is nothing to waive")
    covered = [finding for finding in check.findings if covers(waiver, finding)]
    if not covered:
        return Doubt(WaiverStatus.UNMATCHED, f"{check} for other reasons")
    for finding in covered:
        if not is_waivable(finding):
            message = f"{finding.state.value} ({finding.reason.rule}) can't be waived"
            return Doubt(WaiverStatus.REFUSED, message)
    if not has_measured(check.verdict.counts):
        return Doubt(WaiverStatus.REFUSED, f"{waiver.check} measured nothing, and that can't be waived")
    return None


def covers(waiver: Waiver, finding: Finding) -> bool:
    """Whether a waiver is about a finding, by its rule and its place."""
    if waiver.rule and waiver.rule != finding.reason.rule:
        return False
    if not waiver.scope:
        return True
    file, _, pointer = waiver.scope.partition("#")
    found = "/".join(PurePosixPath(finding.reason.artifact).parts[RUN_FOLDER_PARTS:])
    return found == file and f"{finding.reason.pointer}/".startswith(f"{pointer.rstrip('/')}/")


def is_waivable(finding: Finding) -> bool:
    """Whether somebody can answer for a finding: it was seen, and what it was seen in can be believed.

    Of what was left out, only too much is a finding; a result in which nothing ran has seen nothing.
    """
    if finding.state is State.SKIPPED:
        return finding.reason.rule == MAX_SKIPPED
    return finding.state in WAIVABLE


def has_measured(counts: Counts) -> bool:
    """Whether anything was carried out; what was only collected or skipped was not."""
    return any((counts.passed, counts.failed, counts.xfailed, counts.schedules, counts.samples))
