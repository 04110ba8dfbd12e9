"""Where checks run: each session is an isolated environment, installed from its lock in requirements/."""

import os
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "src")]

from bootstrap.places import Places, state_folder
from bootstrap.sessions import (
    SESSIONS_VARIABLE,
    is_installed,
    lock_of,
    mark_installed,
    mark_unfinished,
    project_path,
)
from bootstrap.tools import install_environment

from gatewright.core.lifeline import die_with_parent

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.envdir = os.environ.get(SESSIONS_VARIABLE, ".nox")
nox.options.error_on_external_run = True
nox.options.reuse_venv = "yes"
nox.options.sessions = ["gate"]

die_with_parent()


@nox.session
def tests(session: nox.Session) -> None:
    """Run every test."""
    run_task(session, "test")


@nox.session
def race_stress(session: nox.Session) -> None:
    """Race the service: controlled schedules, then stress over HTTP."""
    run_task(session, "race-stress")


@nox.session
def slo_smoke(session: nox.Session) -> None:
    """Load the service and hold it to its objectives."""
    run_task(session, "slo-smoke")


@nox.session
def restart_persistence(session: nox.Session) -> None:
    """Kill the service in the midst of its work, and see what comes back."""
    run_task(session, "restart-persistence")


@nox.session
def stress_smoke(session: nox.Session) -> None:
    """Run many workflows at once, through real processes and a real runner."""
    run_task(session, "stress-smoke")


@nox.session
def chaos(session: nox.Session) -> None:
    """Take away what the service leans on, one thing after the other."""
    run_task(session, "chaos")


@nox.session
def security(session: nox.Session) -> None:
    """Attack the service."""
    run_task(session, "security")


@nox.session
def audit(session: nox.Session) -> None:
    """Ask which locked packages have known vulnerabilities."""
    run_task(session, "audit")


@nox.session
def gate(session: nox.Session) -> None:
    """Start every check as a session of its own, then judge what they recorded."""
    run_task(session, "gate")


@nox.session
def locust(session: nox.Session) -> None:
    """Try the Locust engine of load tests."""
    run_task(session, "locust")


@nox.session
def mutation(session: nox.Session) -> None:
    """Plant faults in the room of the judge and see whether the tests notice."""
    run_task(session, "mutation")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting, import contracts, and what deploys the service."""
    run_task(session, "lint")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    run_task(session, "types")


@nox.session
def docs(session: nox.Session) -> None:
    """Check links and commands in the documentation, and the changelog fragments."""
    run_task(session, "docs")


@nox.session
def package(session: nox.Session) -> None:
    """Build the wheels and try them in a bare environment."""
    run_task(session, "package")


def run_task(session: nox.Session, task: str) -> None:
    """Install what the session's lock says, then run the Invoke task in there."""
    install(session)
    environment = Path(session.virtualenv.location)
    session.env["PYTHONPATH"] = project_path(ROOT)
    session.env["PYTHONDONTWRITEBYTECODE"] = None
    session.env[SESSIONS_VARIABLE] = str(environment.parent)
    session.run("python", "-m", "invoke", task, *session.posargs)


def install(session: nox.Session) -> None:
    """Install from the lock, unless this environment has done so before."""
    environment, lock = Path(session.virtualenv.location), lock_of(session.name, ROOT / "requirements")
    if is_installed(environment, session.name, lock):
        return
    mark_unfinished(environment)
    settings = install_environment(Places(ROOT, state_folder()))
    if session.venv_backend == "uv":
        command = [
            "uv",
            "pip",
            "sync",
            "--quiet",
            "--require-hashes",
            "--python",
            str(environment),
            str(lock),
        ]
        session.run_install(*command, env=settings, include_outer_env=False)
    else:
        session.install("--quiet", "--require-hashes", "--no-deps", "-r", str(lock), env=settings)
    mark_installed(environment, session.name, lock)
