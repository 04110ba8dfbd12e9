"""From judged checks to one word, and the document that says it."""

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import AwareDatetime

from gatewright.core.model import Model
from gatewright.core.provenance import Environment, Subject
from gatewright.core.verdict import ExitCode, State, Verdict, merge_states
from gatewright.evidence.digest import Sha256
from gatewright.evidence.manifest import RunId
from gatewright.evidence.report import Reason
from gatewright.gate.aggregate import CheckVerdict
from gatewright.gate.states import WAIVABLE
from gatewright.gate.waivers import WaiverUse

__all__ = [
    "INCIDENT",
    "NOTE",
    "PolicyReference",
    "RunSubject",
    "VerdictDocument",
    "counts",
    "decide",
    "exit_code",
    "headline",
    "incident",
    "is_waived",
    "note",
    "own_reasons",
    "tree_changed",
    "with_incident",
]

INCIDENT = "run-"
"""Rules with this beginning are about a run as a whole; they come from the run, not from its evidence."""

NOTE = "note-"
"""Rules with this beginning are about a run as well, and change no verdict."""

SHOWN_FILES = 10


class RunSubject(Subject):
    """What a run is about, and which files changed while it ran."""

    changed: tuple[str, ...] = ()


class PolicyReference(Model):
    """The policy that a run was judged by; a copy of it lies in the run's folder.

    A run that was about one check alone says so in the path: `gate.toml#checks.tests`.
    """

    path: str
    sha256: Sha256

    @classmethod
    def of(cls, path: str, sha256: str, only: str | None) -> "PolicyReference":
        """Refer to a policy, or to one check of it."""
        return cls(path=f"{path}#checks.{only}" if only else path, sha256=sha256)

    @property
    def only(self) -> str | None:
        """The one check that the run was about; None for all of them."""
        return self.path.partition("#checks.")[2] or None


class VerdictDocument(Model):
    """The verdict of a run: `docs/evidence/latest.json`, and `verdict.json` in the run's folder.

    `finished_at` is null while the run is going on; it is also the moment at which the evidence was judged.
    """

    schema_version: Literal["gatewright.verdict/1"] = "gatewright.verdict/1"
    run_id: RunId
    verdict: Verdict
    reasons: tuple[Reason, ...]
    subject: RunSubject
    policy: PolicyReference
    checks: tuple[CheckVerdict, ...]
    waivers: tuple[WaiverUse, ...] = ()
    environment: Environment
    started_at: AwareDatetime
    finished_at: AwareDatetime | None


def decide(
    checks: Sequence[CheckVerdict], incidents: Sequence[Reason], *, warn_blocks: bool = False
) -> tuple[Verdict, tuple[Reason, ...]]:
    """The verdict over a run and all reasons for it. Pure: the same evidence gives the same word.

    Broken evidence counts also in a check that is not required, since nothing beside it can be trusted then.
    An incident of the run as a whole (interrupted, tree changed) can't make a verdict better, and no waiver
    is laid over it; a note beside them changes nothing. The reasons of a waived check stay with it: they no
    longer speak against the run.

    Args:
        checks: with the waivers that are laid over them.
        incidents: what the run says against itself, and its notes.
        warn_blocks: whether a warning is doubt enough.
    """
    verdict, _ = merge_states(counting(checks, warn_blocks=warn_blocks))
    if verdict is Verdict.PASS and any(reason.rule.startswith(INCIDENT) for reason in incidents):
        verdict = Verdict.INCONCLUSIVE
    speaking = [check for check in checks if counts(check) and not is_waived(check)]
    return verdict, (*incidents, *(reason for check in speaking for reason in check.reasons))


def exit_code(document: VerdictDocument) -> ExitCode:
    """The exit code that belongs to a verdict: integrity outranks every word."""
    _, merged = merge_states(counting(document.checks))
    return merged if merged is ExitCode.INTEGRITY else document.verdict.exit_code


def headline(document: VerdictDocument) -> str:
    """The word that people read, and how many checks are waived: `PASS, 2 waived`."""
    waived = sum(counts(check) and is_waived(check) for check in document.checks)
    return f"{document.verdict.value}, {waived} waived" if waived else document.verdict.value


def counting(checks: Iterable[CheckVerdict], *, warn_blocks: bool = False) -> list[State]:
    """The states that make the verdict; a waived one counts as settled, and stays what it is in the check."""
    blocking = {State.WARN: State.INCONCLUSIVE} if warn_blocks else {}
    return [
        State.PASS if is_waived(check) else blocking.get(check.state, check.state)
        for check in checks
        if counts(check)
    ]


def counts(check: CheckVerdict) -> bool:
    """Whether a check has a say."""
    return check.required or check.state.breaks_integrity


def is_waived(check: CheckVerdict) -> bool:
    """Whether a waiver settles a check; over a state that nobody can answer for, none is believed."""
    return bool(check.waived) and check.state in WAIVABLE


def incident(kind: str, message: str, *, expected: str, observed: str, command: str) -> Reason:
    """A reason about the run as a whole."""
    return Reason(
        rule=INCIDENT + kind, message=message, expected=expected, observed=observed, command=command
    )


def note(kind: str, message: str, *, expected: str, observed: str, command: str) -> Reason:
    """A reason about the run as a whole that changes no verdict."""
    return Reason(rule=NOTE + kind, message=message, expected=expected, observed=observed, command=command)


def own_reasons(document: VerdictDocument) -> tuple[Reason, ...]:
    """What a run said about itself; it does not follow from the evidence of any check.

    A result may name its rules as it likes, but all that comes from one has its place in the folder of a run.
    """
    return tuple(
        reason
        for reason in document.reasons
        if reason.rule.startswith((INCIDENT, NOTE)) and not reason.artifact.startswith("runs/")
    )


def with_incident(document: VerdictDocument, reason: Reason) -> VerdictDocument:
    """A verdict after something that came up when it was already known; a PASS it is no longer."""
    is_note = reason.rule.startswith(NOTE)
    verdict = document.verdict if is_note or document.verdict is not Verdict.PASS else Verdict.INCONCLUSIVE
    return document.model_copy(update={"verdict": verdict, "reasons": (reason, *document.reasons)})


def tree_changed(files: Sequence[str]) -> Reason:
    """The reason that nobody knows which state of the project was checked."""
    shown = ", ".join(files[:SHOWN_FILES]) + (
        f" and {len(files) - SHOWN_FILES} more" if len(files) > SHOWN_FILES else ""
    )
    return Reason(
        rule=INCIDENT + "tree-unchanged",
        message=f"files changed while the run went on: {shown}",
        artifact="latest.json",
        pointer="/subject/changed",
        expected="the same work tree at the end as at the beginning",
        observed=f"{len(files)} changed",
        command="git status",
    )
