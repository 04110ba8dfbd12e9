"""The release gate: every check in an environment of its own, then one verdict over what they left."""

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gatewright.core.clock import Clock
from gatewright.core.errors import GatewrightError
from gatewright.core.escape import printable
from gatewright.core.redaction import Redactor
from gatewright.core.verdict import ExitCode
from gatewright.evidence.manifest import Step
from gatewright.evidence.record import write_atomic
from gatewright.execution.check import OWN_VARIABLES, CheckRun, run_check
from gatewright.execution.lanes import Job, Watch, run_jobs
from gatewright.execution.lock import GateBusyError, hold_gate
from gatewright.execution.project import Project, Settings
from gatewright.execution.run import Run, forget_latest, fresh_run_id, open_run
from gatewright.execution.signing import find_signer
from gatewright.execution.step import Echo, run_step
from gatewright.gate.aggregate import SESSIONS, CheckVerdict, judge_check
from gatewright.gate.baseline import read_baseline
from gatewright.gate.binding import Expected
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.policy import Check, load_policy
from gatewright.gate.verify import POLICY_COPY

__all__ = ["Progress", "add_check", "run_alone", "run_gate"]

SET_UP_ALLOWANCE_S = 600
"""What a session may take beyond the time of its check, to make its environment."""


class Progress(Protocol):
    """Is told how far a gate has come, in one thread; several checks may run at once."""

    def begin(self, check: str) -> None:
        """A check begins."""
        ...

    def tick(self) -> None:
        """Those that have begun still go on."""
        ...

    def end(self, verdict: CheckVerdict) -> None:
        """A check has ended."""
        ...


def run_gate(
    project: Project,
    settings: Settings,
    clock: Clock,
    progress: Progress,
    formats: tuple[str, ...] = (),
) -> VerdictDocument:
    """Run every check of the policy and write the verdict, also in `formats` that the policy does not name.

    Whatever goes wrong, no older verdict is left standing: it is replaced before the first check begins, and
    removed when that can't be done.

    Raises:
        GateBusyError: another gate is running; its verdict is left alone.
        ConfigurationError: the policy or the key that signs can't be used.
        OSError: evidence can't be written.
    """
    run_id = settings.run_id or fresh_run_id(clock.now())
    try:
        with hold_gate(project.evidence, run_id, clock):
            policy = load_policy(project.policy)
            run = open_run(
                project,
                policy,
                clock,
                run_id=run_id,
                profile=settings.profile,
                formats=formats,
                signer=find_signer(project, policy.policy),
            )
            run.announce()
            interrupted = not run_sessions(run, settings, clock, progress)
            return run.close(clock, interrupted=interrupted)
    except GateBusyError:
        raise
    except BaseException:
        # Also Ctrl-C at the prompt for a passphrase: the older verdict has not been replaced by then.
        forget_latest(project)
        raise


def run_sessions(run: Run, settings: Settings, clock: Clock, progress: Progress) -> bool:
    """Start the session of each check, as many at once as the policy says; False when interrupted."""
    policy = run.policy.policy
    (run.folder / SESSIONS).mkdir(exist_ok=True)

    def end(name: str) -> None:
        progress.end(judge_check(run.folder, name, policy.checks[name], expectations(run, clock)).verdict)

    jobs = [
        Job(name, environment_of(check, settings), check.exclusive, SessionJob(run, name, settings, clock))
        for name, check in policy.checks.items()
    ]
    try:
        run_jobs(jobs, policy.gate.jobs_of(settings.profile), Watch(progress.begin, progress.tick, end))
    except KeyboardInterrupt:
        return False
    return True


def environment_of(check: Check, settings: Settings) -> str:
    """The folder that Nox makes for a session: two names may share one, and must not fill it at once."""
    if settings.python or not check.session:
        return ""
    return re.sub(r"[^\w]+", "-", check.session).strip("-").lower() or check.session


@dataclass(frozen=True)
class SessionJob:
    """The session of one check, ready to be started."""

    run: Run
    name: str
    settings: Settings
    clock: Clock

    def __call__(self, tick: Callable[[], None]) -> None:
        """Start it, and wait for its end."""
        run_session(self.run, self.name, self.settings, self.clock, tick)


def expectations(run: Run, clock: Clock) -> Expected:
    """What the evidence of a run must be bound to at this moment."""
    return Expected(run.run_id, run.policy.digest, run.subject, clock.now(), baseline=run.baseline)


def run_session(run: Run, name: str, settings: Settings, clock: Clock, tick: Callable[[], None]) -> None:
    """Run one check as a session, or right here where it has none; what it found is in its own manifest."""
    check = run.policy.policy.checks[name]
    if settings.python or check.session:
        session = start_session(run, name, settings, clock, tick)
    else:
        session = run_here(run, name, settings, clock, tick)
    write_atomic(run.folder / SESSIONS / f"{name}.json", session.model_dump_json(indent=2) + "\n")


def start_session(run: Run, name: str, settings: Settings, clock: Clock, tick: Callable[[], None]) -> Step:
    """Start the session of a check as a command; how that ended."""
    check = run.policy.policy.checks[name]
    environment = {key: value for key, value in os.environ.items() if key not in OWN_VARIABLES}
    environment |= {"GATEWRIGHT_RUN_FOLDER": str(run.folder), "GATEWRIGHT_PROFILE": settings.profile}
    return run_step(
        session_command(run.project.root, name, check, settings),
        log=run.folder / SESSIONS / f"{name}.log",
        environment=environment,
        folder=run.project.root,
        timeout_s=check.timeout_s + SET_UP_ALLOWANCE_S,
        redactor=Redactor(environment),
        clock=clock,
        tick=tick,
    )


def session_command(root: Path, name: str, check: Check, settings: Settings) -> list[str]:
    """The Nox session of a check, or the check itself in the environment that is ready."""
    if settings.python or not check.session:
        return [settings.interpreter, "-m", "gatewright", "run", name]
    return [sys.executable, "-m", "nox", "-f", str(root / "noxfile.py"), "-s", check.session]


def run_here(run: Run, name: str, settings: Settings, clock: Clock, tick: Callable[[], None]) -> Step:
    """Run a check that needs no environment: starting the toolkit once more would prove nothing."""
    started_at, start = clock.now(), clock.monotonic()
    error = ""
    try:
        run_check(
            CheckRun(run.project, run.policy, name, run.folder, settings.profile, settings.isolated),
            clock,
            tick=tick,
        )
    except (GatewrightError, OSError) as problem:
        error = printable(str(problem)) or type(problem).__name__
    except Exception as problem:  # noqa: BLE001 - a defect costs this check, as in a process of its own
        error = printable(f"{type(problem).__name__}: {problem}")
    log = run.folder / SESSIONS / f"{name}.log"
    write_atomic(log, f"{error}\n" if error else "")
    return Step(
        argv=("gatewright", "run", name),
        exit_code=None if error else 0,
        error=error,
        started_at=started_at,
        finished_at=clock.now(),
        duration_s=round(clock.monotonic() - start, 6),
        log=log.name,
    )


def add_check(
    project: Project, settings: Settings, folder: Path, name: str, *, clock: Clock, echo: Echo
) -> ExitCode:
    """Run one check of a gate's run and add its evidence there; the gate judges, the code is a courtesy.

    Raises:
        ConfigurationError: there is no such check, or no policy in the run's folder.
        OSError: evidence can't be written.
    """
    policy = load_policy(folder / POLICY_COPY)
    check = policy.policy.narrowed(name).checks[name]
    manifest = run_check(
        CheckRun(project, policy, name, folder, settings.profile, settings.isolated), clock, echo
    )
    baseline = read_baseline(folder)
    expected = Expected(folder.name, policy.digest, manifest.subject, clock.now(), baseline=baseline)
    return judge_check(folder, name, check, expected).verdict.state.verdict.exit_code


def run_alone(
    project: Project, settings: Settings, name: str, *, clock: Clock, echo: Echo
) -> VerdictDocument:
    """Run one check in a run of its own and judge it; the latest verdict of the gate is left alone.

    Raises:
        ConfigurationError: there is no such check, or the policy can't be used.
        OSError: evidence can't be written.
    """
    policy = load_policy(project.policy)
    policy.policy.narrowed(name)
    run = open_run(project, policy, clock, run_id=settings.run_id, profile=settings.profile, only=name)
    check_run = CheckRun(project, policy, name, run.folder, settings.profile, settings.isolated)
    try:
        run_check(check_run, clock, echo)
    except KeyboardInterrupt:
        return run.close(clock, interrupted=True)
    return run.close(clock)
