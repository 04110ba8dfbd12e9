"""Run one check: all its commands, then the manifest that binds what they left to this run."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gatewright.core.clock import Clock
from gatewright.core.errors import ConfigurationError
from gatewright.core.provenance import read_environment, read_subject, read_tree
from gatewright.core.redaction import Redactor
from gatewright.evidence.digest import hash_file, list_folder
from gatewright.evidence.manifest import MANIFEST, Manifest, Step
from gatewright.evidence.record import EVIDENCE, EVIDENCE_FOLDER_VARIABLE, write_atomic
from gatewright.evidence.results import read_result
from gatewright.evidence.signing import PASSPHRASE_VARIABLE
from gatewright.evidence.strict import EvidenceError, read_bytes
from gatewright.execution.project import Project
from gatewright.execution.signing import KEY_VARIABLE
from gatewright.execution.step import Echo, run_step, silence
from gatewright.gate.measure import total
from gatewright.gate.policy import Check, LoadedPolicy

__all__ = ["CheckRun", "run_check"]

OWN_VARIABLES = ("GATEWRIGHT_RUN_ID", "GATEWRIGHT_RUN_FOLDER", KEY_VARIABLE, PASSPHRASE_VARIABLE)
"""Kept from commands: what a check tests must not write into the run around it, nor sign as the gate."""

FILE_TIME_TOLERANCE_S = 2.0
"""The coarsest times that a file system keeps."""


@dataclass(frozen=True)
class CheckRun:
    """One check about to be run: which, under what policy, for which run, and how."""

    project: Project
    policy: LoadedPolicy
    name: str
    run_folder: Path
    profile: str
    isolated: bool

    @property
    def check(self) -> Check:
        """What the policy says of it."""
        return self.policy.policy.checks[self.name]

    @property
    def folder(self) -> Path:
        """Where its evidence goes."""
        return self.run_folder / self.name


def run_check(
    run: CheckRun, clock: Clock, echo: Echo = silence, tick: Callable[[], None] = lambda: None
) -> Manifest:
    """Run all commands of a check, one after the other, and write the manifest last.

    Args:
        run: the check.
        clock: times it.
        echo: is given the output of its commands line by line.
        tick: is called several times a second while a command runs.

    Raises:
        ConfigurationError: the run already holds evidence of this check.
        OSError: evidence can't be written.
    """
    try:
        run.folder.mkdir(parents=True)
    except FileExistsError:
        raise ConfigurationError(
            f"the run already holds evidence of {run.name}",
            remedy="open another run; evidence is never replaced",
        ) from None
    began = run.folder.stat().st_mtime  # by the clock of the file system, which may be another machine's
    subject = read_subject(run.project.root, read_tree(run.project.root, EVIDENCE))
    started_at, start = clock.now(), clock.monotonic()
    redactor = Redactor(environment_of(run))
    steps = run_steps(run, redactor, clock, echo, tick)
    cut_secrets(run.folder, redactor)
    listing = list_folder(run.folder)
    files = run.check.results_of(run.profile)
    results = [read_result(run.folder, file.path, file.format) for file in files]
    manifest = Manifest(
        run_id=run.run_folder.name,
        check=run.name,
        profile=run.profile,
        isolated=run.isolated,
        policy=run.policy.digest,
        subject=subject,
        environment=read_environment(),
        started_at=started_at,
        finished_at=clock.now(),
        duration_s=round(clock.monotonic() - start, 6),
        steps=steps,
        counts=total(results),
        files=tuple(hash_file(run.folder, path) for path in listing.files if is_text(path)),
        older=tuple(file.path for file in files if is_older(run.folder / file.path, began)),
    )
    publish(run)
    write_atomic(run.folder / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
    return manifest


def environment_of(run: CheckRun) -> dict[str, str]:
    """The variables that the commands of a check get."""
    environment = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
    return environment | {EVIDENCE_FOLDER_VARIABLE: str(run.folder), "GATEWRIGHT_PROFILE": run.profile}


def run_steps(
    run: CheckRun, redactor: Redactor, clock: Clock, echo: Echo, tick: Callable[[], None]
) -> tuple[Step, ...]:
    """Run all commands; together they get the time of the check."""
    environment = environment_of(run)
    deadline = clock.monotonic() + run.check.timeout_s
    return tuple(
        run_step(
            fill(argv, run),
            log=run.folder / f"step-{number}.log",
            environment=environment,
            folder=run.project.root,
            timeout_s=max(0.0, deadline - clock.monotonic()),
            redactor=redactor,
            clock=clock,
            echo=echo,
            tick=tick,
        )
        for number, argv in enumerate(run.check.steps_of(run.profile), start=1)
    )


def fill(argv: tuple[str, ...], run: CheckRun) -> list[str]:
    """Fill in what the policy leaves open."""
    values: Mapping[str, str] = {
        "{python}": sys.executable,
        "{evidence}": str(run.folder),
        "{profile}": run.profile,
        "{root}": str(run.project.root),
    }
    filled = list(argv)
    for placeholder, value in values.items():
        filled = [argument.replace(placeholder, value) for argument in filled]
    return filled


def cut_secrets(folder: Path, redactor: Redactor) -> None:
    """Take secrets out of the texts that commands left: a test report quotes what a test has printed.

    A file with a link elsewhere is replaced, never written into, and stays as old as it was. What is no text,
    or too large to be read as evidence, stays as it is.
    """
    for path in list_folder(folder).files:
        try:
            text = read_bytes(folder / path).decode()
        except (EvidenceError, UnicodeDecodeError):
            continue
        if (clean := redactor.document(text)) != text:
            status = (folder / path).stat()
            write_atomic(folder / path, clean)
            os.utime(folder / path, ns=(status.st_atime_ns, status.st_mtime_ns))


def is_older(path: Path, began: float) -> bool:
    """Whether a file was last changed before a moment; one that is not there is judged elsewhere."""
    try:
        return path.lstat().st_mtime < began - FILE_TIME_TOLERANCE_S
    except OSError:
        return False


def is_text(path: str) -> bool:
    """Whether a name can be written down; a file whose name can't will count as not listed."""
    return path.isprintable() and path.encode(errors="ignore").decode() == path


def publish(run: CheckRun) -> None:
    """Copy files of the check to where people look for them."""
    for source, target in run.check.publish.items():
        if (run.folder / source).is_file():
            destination = run.project.root / target
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(run.folder / source, destination)
