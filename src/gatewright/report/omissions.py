"""What a verdict does not say: what was left out, and what nobody could know."""

from collections.abc import Iterator
from pathlib import Path

from gatewright.core.provenance import UNKNOWN
from gatewright.evidence.manifest import read_manifest
from gatewright.evidence.strict import EvidenceError
from gatewright.gate.aggregate import CheckVerdict
from gatewright.gate.decision import NOTE, VerdictDocument

__all__ = ["omissions"]

QUICK = "quick"


def omissions(document: VerdictDocument, folder: Path | None = None) -> Iterator[str]:
    """One sentence for each thing that was not checked.

    Args:
        document: the verdict.
        folder: its run folder, whose manifests name the profile; without one nothing is said of it.
    """
    if document.policy.only:
        yield f"Only the check {document.policy.only} was run: this is no verdict over a release."
    if document.finished_at is None:
        yield "The run has not finished."
    yield from subject_gaps(document)
    if quick := [check.check for check in document.checks if folder and profile_of(folder, check) == QUICK]:
        yield f"Run in the quick profile, not at full length: {', '.join(quick)}."
    for check in document.checks:
        yield from check_gaps(check)
    shared = [check.check for check in document.checks if check.isolated is False]
    if shared:
        yield f"Not run in a session of their own, but in an environment that was there: {', '.join(shared)}."
    yield from (f"{each.message}." for each in document.reasons if each.rule.startswith(NOTE))


def subject_gaps(document: VerdictDocument) -> Iterator[str]:
    """What is not known of the tested tree."""
    if document.subject.commit == UNKNOWN:
        yield "The commit is unknown."
    if document.subject.dirty:
        yield "The work tree had changes that no commit holds; the digest of the tree names it all the same."
    elif document.subject.dirty is None:
        yield "Whether the work tree had uncommitted changes is unknown."


def check_gaps(check: CheckVerdict) -> Iterator[str]:
    """What one check left out."""
    if not check.required:
        yield f"{check.check} is advisory: it is {check.state.value} and has no say."
    if check.counts.skipped:
        yield f"{check.check} skipped {check.counts.skipped} of {check.counts.collected}."
    if check.counts.xfailed:
        yield f"{check.check} expects {check.counts.xfailed} to fail."


def profile_of(folder: Path, check: CheckVerdict) -> str:
    """The profile in which a check was run; empty where its manifest does not tell."""
    try:
        return read_manifest(folder / check.check).profile
    except EvidenceError:
        return ""
