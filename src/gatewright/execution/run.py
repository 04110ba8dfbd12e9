"""Open and close a run: from the first word, INCONCLUSIVE, to the verdict."""

import contextlib
import secrets
import shutil
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
from gatewright.evidence.digest import hash_bytes, hash_file, list_folder, write_sums
from gatewright.evidence.record import EVIDENCE, timestamp, write_atomic
from gatewright.evidence.report import Reason
from gatewright.evidence.strict import EvidenceError, read_model
from gatewright.execution.project import Project
from gatewright.gate.aggregate import judge_checks
from gatewright.gate.binding import Expected
from gatewright.gate.decision import (
    PolicyReference,
    RunSubject,
    VerdictDocument,
    decide,
    incident,
    tree_changed,
)
from gatewright.gate.policy import LoadedPolicy
from gatewright.gate.verify import POLICY_COPY, SUMS, VERDICT, VERDICT_TEXT
from gatewright.report.markdown import render_verdict

__all__ = ["Run", "forget_latest", "open_run"]

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
        only: the one check that a run without a gate is about.
    """

    project: Project
    folder: Path
    policy: LoadedPolicy
    tree: Tree
    subject: Subject
    environment: Environment
    started_at: datetime
    only: str | None = None

    @property
    def run_id(self) -> str:
        """The id that binds all evidence of the run."""
        return self.folder.name

    def announce(self, reason: Reason = UNFINISHED) -> None:
        """Say INCONCLUSIVE where the latest verdict stands: a crash from here on leaves no older PASS."""
        document = self._document(RunSubject(**self.subject.model_dump()), finished_at=None)
        document = document.model_copy(update={"reasons": (reason,)})
        write_latest(self.project, to_json(document), render_verdict(document))

    def close(self, clock: Clock, *, interrupted: bool = False) -> VerdictDocument:
        """Judge what the run has left, and write the verdict down.

        Raises:
            OSError: it can't be written; the latest verdict is then removed by whoever holds the gate.
        """
        document = self.judge(clock.now(), interrupted=interrupted)
        data, text = to_json(document), render_verdict(document)
        write_atomic(self.folder / VERDICT_TEXT, text)
        paths = [path for path in list_folder(self.folder).files if path not in {SUMS, VERDICT}]
        sums = {path: hash_file(self.folder, path).sha256 for path in paths}
        write_atomic(self.folder / SUMS, write_sums(sums | {VERDICT: hash_bytes(data.encode())}))
        write_atomic(self.folder / VERDICT, data)
        if self.only is None:
            write_latest(self.project, data, text)
        return document

    def judge(self, now: datetime, *, interrupted: bool) -> VerdictDocument:
        """The verdict over what the run has left so far."""
        changed = self.tree.changes(read_tree(self.project.root, EVIDENCE))
        subject = RunSubject(**self.subject.model_dump(), changed=tuple(printable(path) for path in changed))
        incidents = [INTERRUPTED] if interrupted else []
        incidents += [tree_changed(subject.changed)] if changed else []
        policy = self.policy.policy.narrowed(self.only)
        expected = Expected(
            run_id=self.run_id,
            policy_digest=self.policy.digest,
            subject=self.subject,
            now=now,
            require_commit=policy.gate.require_commit,
        )
        checks = judge_checks(self.folder, policy, expected)
        verdict, reasons = decide(checks, incidents)
        update = {"verdict": verdict, "reasons": reasons, "checks": checks}
        return self._document(subject, finished_at=now).model_copy(update=update)

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
    project: Project, policy: LoadedPolicy, clock: Clock, *, run_id: str | None, only: str | None = None
) -> Run:
    """Open a run in a folder of its own.

    Args:
        project: what is gated.
        policy: what the run is judged by; a copy of it is kept with the run.
        clock: says when.
        run_id: the id to use; one that nobody has used before when None.
        only: the one check that the run is about; all of them when None.

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
        only=only,
    )
    prune(project, keep=policy.policy.gate.keep, spare={folder.name})
    return run


def fresh_run_id(moment: datetime) -> str:
    """An id that sorts by time and that no other run of the same moment has."""
    return f"{timestamp(moment)}-{secrets.token_hex(3)}"


def to_json(document: VerdictDocument) -> str:
    """The document as it is written."""
    return document.model_dump_json(indent=2) + "\n"


def write_latest(project: Project, data: str, text: str) -> None:
    """Replace the latest verdict: copies, never links. The JSON, which machines read, goes last."""
    write_atomic(project.latest_markdown, text)
    write_atomic(project.latest_json, data)


def forget_latest(project: Project) -> None:
    """Remove the latest verdict: none is better than an old one."""
    for path in (project.latest_json, project.latest_markdown):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise GatewrightError(
                f"{path} holds an old verdict and can't be removed: {error.strerror}",
                remedy="don't rely on it",
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
