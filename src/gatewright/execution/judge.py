"""What meets evidence that lies there already: find it, judge it as of now, verify it. Reads only."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gatewright.core.clock import Clock
from gatewright.core.errors import GatewrightError
from gatewright.core.escape import printable
from gatewright.core.provenance import read_environment, read_subject, read_tree
from gatewright.core.verdict import ExitCode, State, Verdict
from gatewright.evidence.digest import hash_bytes
from gatewright.evidence.dsse import Trusted
from gatewright.evidence.ledger import read_recent
from gatewright.evidence.manifest import MANIFEST
from gatewright.evidence.record import EVIDENCE
from gatewright.evidence.report import Reason
from gatewright.evidence.strict import EvidenceError, read_bytes, read_model
from gatewright.execution.project import Project
from gatewright.execution.sealing import unsigned
from gatewright.gate.aggregate import CheckVerdict
from gatewright.gate.attest import ATTESTATIONS, attestation_paths
from gatewright.gate.baseline import read_baseline
from gatewright.gate.binding import Expected
from gatewright.gate.decision import (
    INCIDENT,
    PolicyReference,
    RunSubject,
    VerdictDocument,
    decide,
    incident,
    own_reasons,
)
from gatewright.gate.finding import Place
from gatewright.gate.judgement import judge_run
from gatewright.gate.policy import load_policy
from gatewright.gate.verify import (
    POLICY_COPY,
    UNSIGNED_KIND,
    VERDICT,
    Problem,
    Verification,
    find_broken_sums,
    latest_name,
    verify,
)
from gatewright.gate.wanted import Wanted

__all__ = ["FoundRun", "NoVerdictError", "judge_now", "resolve_run", "verify_run"]


class NoVerdictError(GatewrightError):
    """There is no verdict to read: nothing was judged, so nothing can pass."""


@dataclass(frozen=True)
class FoundRun:
    """A run folder, and the file that says its verdict."""

    folder: Path
    verdict: Path

    def read(self) -> VerdictDocument:
        """The verdict as it was written.

        Raises:
            NoVerdictError: there is none that can be read.
        """
        try:
            return read_model(self.verdict, VerdictDocument)
        except EvidenceError as error:
            raise NoVerdictError(f"{self.verdict}: {error.message}", remedy="run: gatewright gate") from None


def resolve_run(project: Project | None, folder: Path | None) -> FoundRun:
    """The run in a folder, or else the one that the project's latest verdict names.

    Raises:
        NoVerdictError: there is no such run.
    """
    if folder is not None:
        if not folder.is_dir():
            raise NoVerdictError(f"there is no run folder {folder}", remedy="name one of docs/evidence/runs")
        return FoundRun(folder, folder / VERDICT)
    if project is None:
        raise ValueError("a project or a folder is needed")
    latest = FoundRun(project.evidence, project.latest_json).read()
    return FoundRun(project.runs / latest.run_id, project.latest_json)


def judge_now(
    project: Project, folder: Path | None, clock: Clock, *, only: str | None = None
) -> VerdictDocument:
    """Judge the evidence of a run by the policy and for the work tree of this moment; writes nothing.

    What the run itself said against its evidence (interrupted, tree changed) still holds.

    Args:
        project: what is gated.
        folder: a run folder; that of the latest verdict when None.
        clock: says how old the evidence is.
        only: the one check that is asked about; all that the policy requires when None.

    Raises:
        NoVerdictError: there is no such run.
        ConfigurationError: the policy can't be used, or has no such check.
    """
    found = resolve_run(project, folder)
    loaded = load_policy(project.policy)
    policy = loaded.policy.narrowed(only)
    run_id, incidents = read_record(found.folder)
    subject, now = read_subject(project.root, read_tree(project.root, EVIDENCE)), clock.now()
    unsealed = policy.signing.required and not (only or (found.folder / ATTESTATIONS).is_dir())
    if unsealed and not any(reason.rule == INCIDENT + UNSIGNED_KIND for reason in incidents):
        incidents = (*incidents, unsigned("it holds no seal", required=True))
    expected = Expected(
        run_id=run_id,
        policy_digest=policy_digest_of(found.folder),
        subject=subject,
        now=now,
        require_commit=policy.gate.require_commit,
        baseline=read_baseline(found.folder),
    )
    document = VerdictDocument(
        run_id=run_id,
        verdict=Verdict.INCONCLUSIVE,
        reasons=(),
        subject=RunSubject(**subject.model_dump()),
        policy=PolicyReference.of(project.policy.name, loaded.digest, only),
        checks=(),
        environment=read_environment(),
        started_at=now,
        finished_at=now,
    )
    document = judge_run(found.folder, policy, expected, incidents).fill(document)
    return distrust(found.folder, document) if document.verdict is Verdict.PASS else document


def distrust(folder: Path, document: VerdictDocument) -> VerdictDocument:
    """Take a PASS back where the run was altered after it closed, however well its evidence looks by itself.

    A run that has not closed has no digests yet, and no verdict; that alone has kept it from a PASS.
    """
    recorded = FoundRun(folder, folder / VERDICT).read()
    problem = next(find_broken_sums(folder, set(attestation_paths(recorded))), None)
    if problem is None:
        return document
    checks = tuple(
        found.model_copy(
            update={
                "state": State.TAMPERED,
                "reasons": (*found.reasons, altered(document.run_id, found, problem)),
            }
        )
        for found in document.checks
    )
    verdict, reasons = decide(checks, ())
    return document.model_copy(update={"verdict": verdict, "reasons": reasons, "checks": checks})


def altered(run_id: str, found: CheckVerdict, problem: Problem) -> Reason:
    """The reason that a run no longer is what was written."""
    finding = Place(run_id, found.check).finding(
        State.TAMPERED,
        "run-unaltered",
        f"{problem.artifact} {problem.message}",
        path=MANIFEST,
        expected="every file of the run as it was when the run closed",
        observed=f"{problem.artifact} {problem.message}",
        see="gatewright verify",
        command="gatewright gate",
    )
    return finding.reason.model_copy(update={"artifact": printable(f"runs/{run_id}/{problem.artifact}")})


def read_record(folder: Path) -> tuple[str, tuple[Reason, ...]]:
    """The id of a run, and what it said about itself; a run without a verdict never came to its end."""
    try:
        document = read_model(folder / VERDICT, VerdictDocument)
    except EvidenceError as error:
        unfinished = incident(
            "finished",
            f"the run left no verdict of its own: {error.message}",
            expected="a run to its end",
            observed=error.state.value,
            command="gatewright gate",
        )
        return folder.resolve().name, (unfinished,)
    return document.run_id, own_reasons(document)


def policy_digest_of(folder: Path) -> str:
    """The digest of the policy that a run was opened with, which today's need not be."""
    try:
        return hash_bytes(read_bytes(folder / POLICY_COPY))
    except EvidenceError as error:
        raise NoVerdictError(f"{folder.name}: {error.message}", remedy="name a run folder") from None


def verify_run(
    project: Project | None,
    folder: Path | None,
    *,
    trusted: Trusted | None = None,
    wanted: Wanted | None = None,
) -> Verification:
    """Verify the run in a folder, or else the project's latest verdict together with its run.

    Args:
        project: whose latest verdict is meant.
        folder: a run folder.
        trusted: the keys that must have signed it; None to check digests only.
        wanted: the run that is asked for; any when None.

    Raises:
        NoVerdictError: there is no verdict, or its run has not finished.
    """
    if folder is not None:
        return verify(resolve_run(None, folder).folder, trusted=trusted, wanted=wanted)
    if project is None:
        raise ValueError("a project or a folder is needed")
    if not project.latest_json.exists():
        raise NoVerdictError("there is no latest verdict", remedy="run: gatewright gate")
    try:
        latest = read_model(project.latest_json, VerdictDocument)
    except EvidenceError as error:
        return Verification(None, (Problem(project.latest_json.name, error.message),), ExitCode.INTEGRITY)
    run_folder = project.runs / latest.run_id
    # A run that is killed as it closes leaves its verdict in its folder, and its first word here.
    if latest.finished_at is None and latest.verdict is Verdict.INCONCLUSIVE:
        raise NoVerdictError(
            f"run {latest.run_id} is still going on, or was killed", remedy="run: gatewright gate"
        )
    found = verify(run_folder, copies_of(project, run_folder), trusted=trusted, wanted=wanted)
    if newer := tuple(find_newer_run(project, latest.run_id)):
        return replace(found, problems=(*found.problems, *newer), exit_code=ExitCode.INTEGRITY)
    return found


def find_newer_run(project: Project, run_id: str) -> Iterator[Problem]:
    """An older verdict in the place of the latest: a run is in the history before it stands there."""
    with contextlib.suppress(EvidenceError):  # what can't be read says nothing; `history --verify` tells
        for entry in read_recent(project.history, 1):
            if entry.run_id != run_id:
                message = f"is run {run_id}, and the history's last one is {entry.run_id}"
                yield Problem(project.latest_json.name, message, "wanted-latest")


def copies_of(project: Project, run_folder: Path) -> dict[Path, str]:
    """Every form of the latest verdict that is there or should be, with the name of its original."""
    files = [path.name for path in run_folder.glob("verdict.*")]
    files += ["verdict" + path.name.removeprefix("latest") for path in project.latest_files()]
    return {project.evidence / latest_name(file): file for file in sorted(files)}
