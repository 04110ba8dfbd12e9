"""From a run folder and a policy to the whole judgement: states, waivers and one word."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gatewright.core.verdict import Verdict
from gatewright.evidence.report import Reason
from gatewright.gate.aggregate import CheckVerdict, judge_checks
from gatewright.gate.binding import Expected
from gatewright.gate.decision import VerdictDocument, decide
from gatewright.gate.policy import Policy
from gatewright.gate.settlement import settle
from gatewright.gate.waivers import WaiverUse

__all__ = ["Judgement", "judge_run"]


@dataclass(frozen=True)
class Judgement:
    """What follows from evidence, policy and the moment of judging, and from nothing else."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    checks: tuple[CheckVerdict, ...]
    waivers: tuple[WaiverUse, ...]

    def fill(self, document: VerdictDocument) -> VerdictDocument:
        """A document that says this and is otherwise as it was."""
        update = {
            "verdict": self.verdict,
            "reasons": self.reasons,
            "checks": self.checks,
            "waivers": self.waivers,
        }
        return document.model_copy(update=update)


def judge_run(
    folder: Path, policy: Policy, expected: Expected, incidents: Sequence[Reason] = ()
) -> Judgement:
    """Judge a run; reads, and changes nothing.

    Args:
        folder: the run folder.
        policy: what the evidence must show, narrowed to one check where the run is about one.
        expected: what the evidence must be bound to, and the moment at which it is judged.
        incidents: what the run says against itself.
    """
    judged = judge_checks(folder, policy, expected)
    warn_blocks = policy.gate.warn_blocks
    checks, waivers = settle(judged, policy.waivers, expected.now, warn_blocks=warn_blocks)
    verdict, reasons = decide(checks, incidents, warn_blocks=warn_blocks)
    return Judgement(verdict, reasons, checks, waivers)
