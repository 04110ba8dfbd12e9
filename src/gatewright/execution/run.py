"""Open and close a run: from the first word, INCONCLUSIVE, to the verdict."""

import contextlib
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gatewright.core.clock import Clock
from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.core.escape import printable
from gatewright.core.provenance import (
    Environment,
    Subject,
    Tree,
    read_environment,
    read_subject,
    read_tree,
)
from gatewright.core.verdict import Verdict
from gatewright.evidence.dsse import Signer
from gatewright.evidence.ledger import LedgerCheck, LedgerEntry
from gatewright.evidence.record import EVIDENCE, timestamp, write_atomic
from gatewright.evidence.report import Reason
from gatewright.evidence.strict import EvidenceError, read_model
from gatewright.execution.history import History
from gatewright.execution.project import PROFILES, Project
from gatewright.execution.sealing import SealedRun, seal_run, to_json, unsigned
from gatewright.gate.baseline import BASELINE, Baseline, compute_baseline, needs_baseline
from gatewright.gate.binding import Expected
from gatewright.gate.decision import (
    PolicyReference,
    RunSubject,
    VerdictDocument,
    exit_code,
    incident,
    tree_changed,
    with_incident,
)
from gatewright.gate.judgement import judge_run
from gatewright.gate.policy import LoadedPolicy, Policy
from gatewright.gate.verify import POLICY_COPY, latest_name
from gatewright.report.writers import Rendering, render_all

__all__ = ["Run", "forget_latest", "open_run"]

COMPARED_RUNS = 1000
"""How many earlier runs, of any profile, a limit relative to them may be derived from."""

INTERRUPTED = incident(
    "interrupted",
    "the run was interrupted before every check had ended",
    expected="a run to its end",
    observed="an interrupt",
    command="gatewright gate",
)
UNFINISHED = incident(
    "finished",
    "the run is still going on, or was killed",
    expected="a run to its end",
    observed="no verdict yet",
    command="gatewright gate",
)


@dataclass(frozen=True)
class Run:
    """A run that is open: its folder, its policy, and what the project looked like when it began.

    Attributes:
        profile: how much time the checks take, `quick` or `full`.
        baseline: what earlier runs measured, where the policy compares with them.
        formats: forms of the verdict that are written beside those that every run has.
        only: the one check that a run without a gate is about.
        signer: who signs the run when it closes; None where nobody does.
    """

    project: Project
    folder: Path
    policy: LoadedPolicy
    tree: Tree
    subject: Subject
    environment: Environment
    started_at: datetime
    profile: str
    baseline: Baseline | None = None
    formats: tuple[str, ...] = ()
    only: str | None = None
    signer: Signer | None = None

    @property
    def run_id(self) -> str:
        """The id that binds all evidence of the run."""
        return self.folder.name

    def announce(self, reason: Reason = UNFINISHED) -> None:
        """Say INCONCLUSIVE where the latest verdict stands: a crash from here on leaves no older PASS."""
        document = self._document(RunSubject(**self.subject.model_dump()), finished_at=None)
        document = document.model_copy(update={"reasons": (reason,)})
        write_latest(self.project, to_json(document), self._render(document))

    def close(self, clock: Clock, *, interrupted: bool = False) -> VerdictDocument:
        """Judge what the run has left, and write the verdict down.

        Raises:
            OSError: it can't be written; the latest verdict is then removed by whoever holds the gate.
        """
        earlier_runs = History(self.project.history)
        recorded = self.only is None
        notes = earlier_runs.look(self.folder, clock.now()) if recorded else ()
        document = self.judge(clock.now(), interrupted=interrupted, notes=notes)
        document, sealed = self._seal(document)
        sealed.write(self.folder)
        if recorded:
            entry = ledger_entry(document, self.profile, sealed.digest)
            earlier_runs.record(entry, self.signer)
            write_latest(self.project, sealed.data, sealed.forms)
        return document

    def _seal(self, document: VerdictDocument) -> tuple[VerdictDocument, SealedRun]:
        """The verdict as files; one that can't be signed after all says so, and is sealed by digests only."""
        if self.signer:
            forms = self._render(document, self.signer.key_id)
            try:
                return document, seal_run(self.folder, document, forms, self.signer)
            except GatewrightError as error:
                required = self.policy.policy.signing.required
                document = with_incident(document, unsigned(str(error), required=required))
        return document, seal_run(self.folder, document, self._render(document), None)

    def _render(self, document: VerdictDocument, key_id: str = "") -> dict[str, str]:
        history = () if self.only else History(self.project.history).recent()
        return render_all(Rendering(document, self.folder, history, key_id), self.formats)

    def judge(self, now: datetime, *, interrupted: bool, notes: tuple[Reason, ...] = ()) -> VerdictDocument:
        """The verdict over what the run has left so far; notes are told with it and change nothing."""
        changed = self.tree.changes(read_tree(self.project.root, EVIDENCE))
        subject = RunSubject(**self.subject.model_dump(), changed=tuple(printable(path) for path in changed))
        incidents = [INTERRUPTED] if interrupted else []
        incidents += [tree_changed(subject.changed)] if changed else []
        if self.policy.policy.signing.required and not (self.signer or self.only):
            incidents.append(unsigned("no key is configured", required=True))
        policy = self.policy.policy.narrowed(self.only)
        expected = Expected(
            run_id=self.run_id,
            policy_digest=self.policy.digest,
            subject=self.subject,
            now=now,
            require_commit=policy.gate.require_commit,
            baseline=self.baseline,
        )
        document = self._document(subject, finished_at=now)
        return judge_run(self.folder, policy, expected, (*incidents, *notes)).fill(document)

    def _document(self, subject: RunSubject, *, finished_at: datetime | None) -> VerdictDocument:
        return VerdictDocument(
            run_id=self.run_id,
            verdict=Verdict.INCONCLUSIVE,
            reasons=(),
            subject=subject,
            policy=PolicyReference.of(self.project.policy.name, self.policy.digest, self.only),
            checks=(),
            environment=self.environment,
            started_at=self.started_at,
            finished_at=finished_at,
        )


def open_run(
    project: Project,
    policy: LoadedPolicy,
    clock: Clock,
    *,
    run_id: str | None,
    profile: str = PROFILES[0],
    formats: tuple[str, ...] = (),
    only: str | None = None,
    signer: Signer | None = None,
) -> Run:
    """Open a run in a folder of its own.

    Args:
        project: what is gated.
        policy: what the run is judged by; a copy of it is kept with the run.
        clock: says when.
        run_id: the id to use; one that nobody has used before when None.
        profile: how much time the checks take.
        formats: forms of the verdict that are written beside those that the policy asks for.
        only: the one check that the run is about; all of them when None.
        signer: who signs the run when it closes; None where nobody does.

    Raises:
        ConfigurationError: the id has been used.
        OSError: evidence can't be written.
    """
    started_at = clock.now()
    folder = project.runs / (run_id or fresh_run_id(started_at))
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise ConfigurationError(
            f"there is a run {folder.name} already", remedy="give every run an id of its own"
        ) from None
    write_atomic(folder / POLICY_COPY, policy.data)
    tree = read_tree(project.root, EVIDENCE)
    run = Run(
        project=project,
        folder=folder,
        policy=policy,
        tree=tree,
        subject=read_subject(project.root, tree),
        environment=read_environment(),
        started_at=started_at,
        profile=profile,
        baseline=record_baseline(project, folder, policy.policy, profile),
        formats=(*policy.policy.outputs.formats, *formats),
        only=only,
        signer=signer,
    )
    prune(project, keep=policy.policy.gate.keep, spare={folder.name})
    return run


def record_baseline(project: Project, folder: Path, policy: Policy, profile: str) -> Baseline | None:
    """Write down what earlier runs measured, where the policy compares with them."""
    if not needs_baseline(policy):
        return None
    try:
        baseline = compute_baseline(policy, History(project.history).sound(COMPARED_RUNS), profile)
    except EvidenceError as error:
        baseline = Baseline(profile=profile, problem=error.message)
    write_atomic(folder / BASELINE, baseline.model_dump_json(indent=2) + "\n")
    return baseline


def fresh_run_id(moment: datetime) -> str:
    """An id that sorts by time and that no other run of the same moment has."""
    return f"{timestamp(moment)}-{secrets.token_hex(3)}"


def ledger_entry(document: VerdictDocument, profile: str, verdict_digest: str) -> LedgerEntry:
    """What the history keeps of a run."""
    return LedgerEntry(
        run_id=document.run_id,
        verdict=document.verdict,
        exit_code=exit_code(document),
        finished_at=document.finished_at or document.started_at,
        profile=profile,
        commit=document.subject.commit,
        tree=document.subject.tree,
        policy=document.policy.sha256,
        verdict_sha256=verdict_digest,
        checks={
            check.check: LedgerCheck(
                state=check.state,
                waived=check.waived,
                required=check.required,
                duration_s=check.duration_s,
                counts=check.counts,
                metrics=check.metrics,
            )
            for check in document.checks
        },
    )


def write_latest(project: Project, data: str, forms: Mapping[str, str]) -> None:
    """Replace the latest verdict: copies, never links.

    The other forms are removed before the JSON, which machines read, is replaced, and written after it. So
    whatever is there at any moment speaks of one run, also when we are killed on the way.
    """
    remove_forms(project)
    write_atomic(project.latest_json, data)
    for file, text in forms.items():
        write_atomic(project.evidence / latest_name(file), text)


def remove_forms(project: Project) -> None:
    """Remove the latest verdict in all its forms but the JSON."""
    for path in project.latest_files():
        if path != project.latest_json:
            path.unlink(missing_ok=True)


def forget_latest(project: Project) -> None:
    """Remove the latest verdict: none is better than an old one. The JSON goes last, as long as it can.

    Raises:
        GatewrightError: some of it can't be removed.
    """
    left: list[tuple[Path, str]] = []
    for path in sorted(project.latest_files(), key=lambda path: path == project.latest_json):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            left.append((path, error.strerror or str(error)))
    if left:
        path, problem = left[0]
        raise GatewrightError(
            f"{path} holds an old verdict and can't be removed: {problem}", remedy="don't rely on it"
        ) from None


def prune(project: Project, *, keep: int, spare: set[str]) -> None:
    """Remove the oldest run folders beyond `keep`, never the one that the latest verdict is about."""
    with contextlib.suppress(EvidenceError):
        spare = spare | {read_model(project.latest_json, VerdictDocument).run_id}
    folders = sorted(
        (folder for folder in project.runs.iterdir() if folder.is_dir() and not folder.is_symlink()),
        key=lambda folder: folder.stat().st_mtime_ns,
        reverse=True,
    )
    for folder in folders[keep:]:
        if folder.name not in spare:
            shutil.rmtree(folder, ignore_errors=True)
