"""Is this the evidence of this run, of this tree, of now, and just as it was written?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gatewright.core.provenance import UNKNOWN, Subject
from gatewright.core.verdict import State
from gatewright.evidence.digest import hash_file, list_folder
from gatewright.evidence.manifest import MANIFEST, Manifest
from gatewright.gate.baseline import Baseline
from gatewright.gate.finding import Finding, Place
from gatewright.gate.policy import Check

__all__ = ["Expected", "find_alterations", "find_misbinding", "find_staleness"]

CLOCK_TOLERANCE = timedelta(seconds=60)
"""How far the clock of another machine may be ahead of ours."""


@dataclass(frozen=True)
class Expected:
    """What evidence must be bound to, what it is compared with, and the moment at which it is judged."""

    run_id: str
    policy_digest: str
    subject: Subject
    now: datetime
    require_commit: bool = False
    baseline: Baseline | None = None


def find_misbinding(place: Place, manifest: Manifest, expected: Expected) -> Iterator[Finding]:
    """Evidence of another run, another check or another policy is not evidence of this one."""
    bindings = (
        ("run_id", expected.run_id, manifest.run_id),
        ("check", place.check, manifest.check),
        ("policy", expected.policy_digest, manifest.policy),
    )
    for name, wanted, found in bindings:
        if wanted != found:
            yield place.finding(
                State.MISMATCH,
                f"manifest-{name.replace('_', '-')}",
                f"the evidence belongs to another {name.replace('_id', '')}",
                path=MANIFEST,
                pointer=f"/{name}",
                expected=wanted,
                observed=found,
            )


def find_alterations(place: Place, manifest: Manifest, folder: Path) -> Iterator[Finding]:
    """Files that are not what the manifest lists: altered, gone, added, or no plain files at all."""
    if folder.is_symlink():
        yield altered(place, ".", "/files", "a folder of its own", "a link to a folder elsewhere")
    listing = list_folder(folder)
    present = set(listing.files) - {MANIFEST}
    for index, entry in enumerate(manifest.files):
        if entry.path not in present:
            yield altered(place, entry.path, f"/files/{index}", "a file that is there", "no such file")
        elif (found := hash_file(folder, entry.path)) != entry:
            yield altered(place, entry.path, f"/files/{index}/sha256", entry.sha256, found.sha256)
    listed = {entry.path for entry in manifest.files}
    for path in sorted(present - listed):
        yield altered(
            place, path, "/files", "only files that the manifest lists", "a file that it does not list"
        )
    for path in listing.strangers:
        yield altered(place, path, "/files", "plain files", "a link, pipe or device")


def altered(place: Place, path: str, pointer: str, expected: str, observed: str) -> Finding:
    """A file that is not what the manifest says."""
    return place.finding(
        State.TAMPERED,
        "evidence-unaltered",
        f"{path} is not what the manifest lists",
        path=MANIFEST,
        pointer=pointer,
        expected=expected,
        observed=observed,
    )


def find_staleness(place: Place, manifest: Manifest, check: Check, expected: Expected) -> Iterator[Finding]:
    """Evidence about another state of the project, of another time, or of a time that has not been."""
    yield from find_other_subject(place, manifest, expected)
    if manifest.finished_at < manifest.started_at or manifest.finished_at > expected.now + CLOCK_TOLERANCE:
        yield place.finding(
            State.INVALID,
            "evidence-time",
            "the evidence is from the future, or ended before it began",
            path=MANIFEST,
            pointer="/finished_at",
            expected=f"between {manifest.started_at.isoformat()} and {expected.now.isoformat()}",
            observed=manifest.finished_at.isoformat(),
        )
    age_s = (expected.now - manifest.started_at).total_seconds()
    if age_s > check.max_age_s:
        yield place.finding(
            State.STALE,
            "evidence-age",
            "the evidence is too old",
            path=MANIFEST,
            pointer="/started_at",
            expected=f"at most {check.max_age_s} s old",
            observed=f"{age_s:.0f} s old",
        )


def find_other_subject(place: Place, manifest: Manifest, expected: Expected) -> Iterator[Finding]:
    """Evidence about another commit, work tree or set of locked versions."""
    names = {"commit": "another commit", "tree": "another state of the work tree", "lock": "other lock files"}
    for name, what in names.items():
        wanted, found = getattr(expected.subject, name), getattr(manifest.subject, name)
        if wanted != found:
            yield place.finding(
                State.STALE,
                f"evidence-{name}",
                f"the evidence is about {what}",
                path=MANIFEST,
                pointer=f"/subject/{name}",
                expected=wanted,
                observed=found,
            )
    if expected.require_commit and manifest.subject.commit == UNKNOWN:
        yield place.finding(
            State.INCONCLUSIVE,
            "evidence-commit-known",
            "the policy wants a known commit",
            path=MANIFEST,
            pointer="/subject/commit",
            expected="a commit",
            observed=UNKNOWN,
            command="git status",
        )
