"""What a verdict says check by check, in the few words that the formats of other tools have for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gatewright.core.verdict import State, Verdict, merge_verdicts
from gatewright.evidence.report import Reason
from gatewright.gate.aggregate import CheckVerdict
from gatewright.gate.decision import INCIDENT, VerdictDocument, counts, is_waived
from gatewright.gate.waivers import WaiverStatus, WaiverUse

__all__ = ["RUN", "Case", "Outcome", "cases"]

RUN = "run"
"""The name of the case that stands for a run as a whole."""


class Outcome(StrEnum):
    """How a case ended, from the worst; the last three block nothing."""

    FAILED = "failed"
    """Proven: something was measured and did not hold, or the evidence is broken."""

    UNKNOWN = "unknown"
    """Nobody knows; a release waits for it all the same."""

    WAIVED = "waived"
    """It does not hold, and somebody answers for it."""

    ADVISORY = "advisory"
    """It does not hold, and the policy only wants to know."""

    PASSED = "passed"
    """It holds, perhaps with a warning."""

    @property
    def verdict(self) -> Verdict:
        """The verdict of a run that has this case alone."""
        blocking = {Outcome.FAILED: Verdict.FAIL, Outcome.UNKNOWN: Verdict.INCONCLUSIVE}
        return blocking.get(self, Verdict.PASS)


@dataclass(frozen=True)
class Case:
    """A check, or the run as a whole where it has something to say that no check says.

    Attributes:
        name: of the check, or `RUN`.
        check: the check; None for the run as a whole.
        state: the machine's word; that of a check is never changed by what is laid over it.
        outcome: how it counts.
        note: why it does not count as its state would; empty where it does.
        reasons: why it did not pass, worst first.
    """

    name: str
    check: CheckVerdict | None
    state: State
    outcome: Outcome
    note: str
    reasons: tuple[Reason, ...]

    @property
    def message(self) -> str:
        """Why it ended so, in one line; empty for a case that simply passed."""
        first = self.reasons[0].message if self.reasons else ""
        if not first and self.state is not State.PASS:
            first = f"{self.name} is {self.state.value}"
        return f"{self.note}: {first}" if self.note and first else self.note or first


def cases(document: VerdictDocument) -> tuple[Case, ...]:
    """Every check in the order of the policy; then the run, where the verdict does not follow from them.

    Together they never look better than the verdict: a run without checks, one that was interrupted and one
    that is still going on have a case that did not pass.
    """
    found = tuple(case_of(document, check) for check in document.checks)
    return (*found, *case_of_run(document, found))


def case_of(document: VerdictDocument, check: CheckVerdict) -> Case:
    """A check as a case."""
    outcome, note = Outcome.PASSED, ""
    if counts(check) and is_waived(check):
        outcome, note = Outcome.WAIVED, describe_waivers(document, check.waived)
    elif not check.state.settles:
        if counts(check):
            outcome = Outcome.FAILED if check.state.verdict is Verdict.FAIL else Outcome.UNKNOWN
        else:
            outcome, note = Outcome.ADVISORY, f"advisory, {check.state.value}"
    return Case(check.check, check, check.state, outcome, note, check.reasons)


def describe_waivers(document: VerdictDocument, waived: str) -> str:
    """Who answers for a finding, until when, and why; by several waivers, if several cover it together."""
    names = waived.split(", ")
    uses = {use.id: use for use in document.waivers if use.status is WaiverStatus.APPLIED}
    return "; ".join(describe_waiver(name, uses.get(name)) for name in names)


def describe_waiver(name: str, use: WaiverUse | None) -> str:
    """Who answers by one waiver."""
    if use is None:
        return f"waived by {name}"
    until = f" until {use.expires.isoformat()}" if use.expires else ""
    owner = f" ({use.owner})" if use.owner else ""
    reason = f", {use.reason}" if use.reason else ""
    return f"waived by {name}{until}{owner}{reason}"


def case_of_run(document: VerdictDocument, found: tuple[Case, ...]) -> Iterator[Case]:
    """The run as a whole, if something is held against it or its checks look better than the verdict."""
    incidents = tuple(reason for reason in document.reasons if reason.rule.startswith(INCIDENT))
    told = merge_verdicts(case.outcome.verdict for case in found)
    if document.verdict is Verdict.PASS or (found and not incidents and told is document.verdict):
        return
    is_proven = document.verdict is Verdict.FAIL and not incidents
    outcome = Outcome.FAILED if is_proven else Outcome.UNKNOWN
    yield Case(
        name=RUN,
        check=None,
        state=State.FAIL if is_proven else State.INCONCLUSIVE,
        outcome=outcome,
        note="",
        reasons=incidents or document.reasons[:1],
    )
