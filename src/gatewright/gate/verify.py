"""Is a verdict still what was written, and does its evidence still lead to it? Reads, and changes nothing."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import ExitCode, State
from gatewright.evidence.digest import hash_bytes, hash_file, list_folder, read_sums, write_sums
from gatewright.evidence.dsse import Trusted
from gatewright.evidence.strict import EvidenceError, parse_model, read_bytes
from gatewright.gate.attest import NOT_SEALED, Seal, attestation_paths, find_broken_seals, read_seal
from gatewright.gate.baseline import read_baseline
from gatewright.gate.binding import Expected
from gatewright.gate.decision import INCIDENT, VerdictDocument, exit_code, own_reasons
from gatewright.gate.judgement import judge_run
from gatewright.gate.policy import POLICY, LoadedPolicy, parse_policy
from gatewright.gate.problem import Problem
from gatewright.gate.wanted import Wanted, find_unwanted

__all__ = [
    "POLICY_COPY",
    "SUMS",
    "UNSIGNED_KIND",
    "VERDICT",
    "Problem",
    "Verification",
    "find_broken_sums",
    "latest_name",
    "verify",
]

POLICY_COPY = "policy.toml"
VERDICT = "verdict.json"
SUMS = "SHA256SUMS"
"""The digest of every file of a run folder but itself and its seals, as `sha256sum --check` reads them."""

UNSIGNED_KIND = "signed"
"""The kind of the incident that nobody could sign a run whose policy wants it."""


def latest_name(file: str) -> str:
    """The name of the copy of `verdict.*` beside the latest verdict: `latest.*`."""
    return "latest" + file.removeprefix("verdict")


@dataclass(frozen=True)
class Verification:
    """What was found. `document` is None when there is no verdict that can be read."""

    document: VerdictDocument | None
    problems: tuple[Problem, ...]
    exit_code: ExitCode
    seal: Seal = NOT_SEALED

    @property
    def is_intact(self) -> bool:
        """Whether the verdict is what was written."""
        return self.document is not None and not self.problems


def verify(
    folder: Path,
    latest: dict[Path, str] | None = None,
    *,
    trusted: Trusted | None = None,
    wanted: Wanted | None = None,
) -> Verification:
    """Verify the run in a folder.

    Args:
        folder: a run folder; it may have been copied from elsewhere.
        latest: files that must be copies of files of the run, by path, with the name of the original.
        trusted: the keys that must have signed it; None to check digests only.
        wanted: the run that is asked for; any when None.
    """
    try:
        data = read_bytes(folder / VERDICT)
        document = parse_model(data, VerdictDocument, name=VERDICT)
    except EvidenceError as error:
        return Verification(None, (Problem(VERDICT, error.message),), ExitCode.INTEGRITY)
    if latest and document.policy.only:
        message = f"is the verdict over {document.policy.only} alone, not over a release"
        return Verification(document, (Problem(VERDICT, message),), ExitCode.INTEGRITY)
    problems = (
        *find_unlike_copies(folder, latest or {}),
        *find_broken_sums(folder, set(attestation_paths(document))),
        *find_other_decision(folder, document),
        *find_other_seals(folder, document, data, trusted),
        *(find_unwanted(document, VERDICT, wanted) if wanted else ()),
    )
    seal = read_seal(folder, document, trusted)
    return Verification(document, problems, ExitCode.INTEGRITY if problems else exit_code(document), seal)


def find_other_seals(
    folder: Path, document: VerdictDocument, data: bytes, trusted: Trusted | None
) -> Iterator[Problem]:
    """Seals that do not fit this very verdict, these digests and the policy of the run."""
    sums = b""
    with contextlib.suppress(EvidenceError):  # told where the digests are checked
        sums = read_bytes(folder / SUMS)
    evidence = {VERDICT: data, SUMS: sums}
    required = requires_seal(folder, document)
    yield from find_broken_seals(folder, document, evidence, trusted=trusted, required=required)


def requires_seal(folder: Path, document: VerdictDocument) -> bool:
    """Whether the policy of a run wants it signed, and the run did not say itself that nobody could."""
    if document.policy.only or any(reason.rule == INCIDENT + UNSIGNED_KIND for reason in document.reasons):
        return False
    try:
        return read_policy_copy(folder, document).policy.signing.required
    except EvidenceError:  # told where the decision is derived
        return False


def find_unlike_copies(folder: Path, copies: dict[Path, str]) -> Iterator[Problem]:
    """Copies outside of the run folder that are no longer copies."""
    for copy, original in copies.items():
        try:
            if read_bytes(copy) != read_bytes(folder / original):
                yield Problem(copy.name, f"is not the copy of {original} that the run wrote")
        except EvidenceError as error:
            yield Problem(copy.name, error.message)


def find_broken_sums(folder: Path, seals: set[str]) -> Iterator[Problem]:
    """Files that were altered, added or taken away since the run closed; its seals are no part of that."""
    try:
        data = read_bytes(folder / SUMS)
    except EvidenceError as error:
        yield Problem(SUMS, error.message)
        return
    sums = read_sums(data)
    if write_sums(sums) != data:
        yield Problem(SUMS, "is not in the form in which it was written")
    listing = list_folder(folder)
    present = set(listing.files) - {SUMS} - seals
    for path in sorted(present | sums.keys()):
        if path not in present:
            yield Problem(path, "is gone")
        elif path not in sums:
            yield Problem(path, "was added after the run")
        elif hash_file(folder, path).sha256 != sums[path]:
            yield Problem(path, "was altered after the run")
    for path in listing.strangers:
        yield Problem(path, "is a link, pipe or device")


def find_other_decision(folder: Path, document: VerdictDocument) -> Iterator[Problem]:
    """Where the evidence, judged again by the recorded policy, does not lead to the recorded verdict."""
    if document.finished_at is None:
        yield Problem(VERDICT, "is the verdict of a run that did not finish")
        return
    try:
        loaded = read_policy_copy(folder, document)
    except EvidenceError as error:
        yield Problem(POLICY_COPY, error.message)
        return
    expected = Expected(
        run_id=document.run_id,
        policy_digest=document.policy.sha256,
        subject=document.subject,
        now=document.finished_at,
        require_commit=loaded.policy.gate.require_commit,
        baseline=read_baseline(folder),
    )
    again = judge_run(folder, loaded.policy, expected, own_reasons(document)).fill(document)
    for place in differences(document, again):
        yield Problem(VERDICT, f"does not follow from the evidence at {place}")


def read_policy_copy(folder: Path, document: VerdictDocument) -> LoadedPolicy:
    """The policy that the run was judged by.

    Raises:
        EvidenceError: it is gone, altered or can't be read.
    """
    data = read_bytes(folder / POLICY_COPY)
    if hash_bytes(data) != document.policy.sha256:
        raise EvidenceError(f"is not the {POLICY} that the verdict names", state=State.TAMPERED)
    try:
        loaded = parse_policy(data, POLICY_COPY)
        return LoadedPolicy(loaded.policy.narrowed(document.policy.only), data)
    except ConfigurationError as error:
        raise EvidenceError(error.message) from None


def differences(document: VerdictDocument, again: VerdictDocument) -> Iterator[str]:
    """JSON Pointers to what differs between the written verdict and the one that was derived again."""
    if document.verdict != again.verdict:
        yield "/verdict"
    if document.reasons != again.reasons:
        yield "/reasons"
    if document.waivers != again.waivers:
        yield "/waivers"
    if bool(document.subject.changed) != any(
        reason.rule == f"{INCIDENT}tree-unchanged" for reason in document.reasons
    ):
        yield "/subject/changed"
    for index, (written, derived) in enumerate(zip(document.checks, again.checks, strict=False)):
        for name in type(written).model_fields:
            if getattr(written, name) != getattr(derived, name):
                yield f"/checks/{index}/{name}"
    if len(document.checks) != len(again.checks):
        yield "/checks"
