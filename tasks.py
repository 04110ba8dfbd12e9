"""What checks do: the human verbs, each a short sequence; listing them needs nothing but Invoke.

A task whose packages are missing says so in one line and runs itself through its Nox session.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "src")]

from bootstrap import outcome
from bootstrap.interpreters import missing_here
from bootstrap.places import Places, python_in, state_folder
from bootstrap.progress import say
from bootstrap.sessions import project_path
from bootstrap.tools import install_environment

from gatewright.core.lifeline import die_with_parent

REDIRECTED = "MULTYAGENTS_REDIRECTED"
"""Set below a task that runs itself through its session; a second redirect would go round in circles."""

PROFILE = "GATEWRIGHT_PROFILE"

die_with_parent()


@task
def test(_context: Context, quick: bool = False) -> None:
    """Run every test; --quick leaves out those that start whole processes."""
    require("tests", ["--quick"] if quick else [])
    run_check("tests", "quick" if quick else os.environ.get(PROFILE, "full"))


@task
def race_stress(_context: Context, full: bool = False) -> None:
    """Race the service: controlled schedules, then stress over HTTP."""
    require("race_stress", ["--full"] if full else [])
    run_check("race-stress", profile_of(full=full))


@task
def slo_smoke(_context: Context, full: bool = False) -> None:
    """Load the service and hold it to its objectives."""
    require("slo_smoke", ["--full"] if full else [])
    run_check("slo-smoke", profile_of(full=full))


@task
def restart_persistence(_context: Context, full: bool = False) -> None:
    """Kill the service in the midst of its work, and see what comes back."""
    require("restart_persistence", ["--full"] if full else [])
    run_check("restart-persistence", profile_of(full=full))


@task
def stress_smoke(_context: Context, full: bool = False) -> None:
    """Run many workflows at once, through real processes and a real runner."""
    require("stress_smoke", ["--full"] if full else [])
    run_check("stress-smoke", profile_of(full=full))


@task
def chaos(_context: Context, full: bool = False) -> None:
    """Take away what the service leans on, one thing after the other."""
    require("chaos", ["--full"] if full else [])
    run_check("chaos", profile_of(full=full))


@task
def security(_context: Context, full: bool = False) -> None:
    """Attack the service."""
    require("security", ["--full"] if full else [])
    run_check("security", profile_of(full=full))


@task
def audit(_context: Context) -> None:
    """Ask which locked packages have known vulnerabilities; nobody knows without a network."""
    require("audit")
    run_check("dependencies", profile_of(full=False))


@task
def gate(_context: Context, full: bool = False) -> None:
    """Start every check as a Nox session of its own, then judge what they recorded."""
    require("gate", ["--full"] if full else [])
    run_module("gatewright", "gate", **{PROFILE: profile_of(full=full)})


@task
def locust(_context: Context) -> None:
    """Try the Locust engine of load tests, in an environment that has Locust."""
    require("locust")
    run_module("pytest", "-q", "-m", "locust", "tests/plugins")


@task
def mutation(_context: Context) -> None:
    """Plant faults in the room of the judge and see whether the tests notice."""
    require("mutation")
    run(sys.executable, "scripts/mutation.py")


@task
def lint(_context: Context) -> None:
    """Check style, formatting, import contracts, and what deploys the service."""
    require("lint")
    deployment = [
        "check-jsonschema",
        "--quiet",
        "--builtin-schema",
        "vendor.compose-spec",
        "deploy/compose.yaml",
    ]
    images = [] if sys.platform == "win32" else [["hadolint", "deploy/Dockerfile"]]
    run_all(["ruff", "check"], ["ruff", "format", "--check"], ["lint-imports"], deployment, *images)


@task
def types(_context: Context) -> None:
    """Check types."""
    require("types")
    run_module("mypy")


@task
def docs(_context: Context) -> None:
    """Check links and commands in the documentation, and the changelog fragments."""
    require("docs")
    run_all([sys.executable, "scripts/check_docs.py"], ["towncrier", "build", "--draft", "--version", "next"])


@task
def package(_context: Context) -> None:
    """Build the wheels and try them in an environment that has their locked dependencies and nothing else."""
    require("package")
    with tempfile.TemporaryDirectory(prefix="multyagents-package-") as folder:
        wheels, bare = Path(folder, "wheels"), Path(folder, "bare")
        for project in (ROOT, ROOT / "apps" / "api"):
            run_module("build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(project))
        run_module("venv", "--without-pip", str(bare))
        install = ["uv", "pip", "install", "--quiet", "--python", str(bare)]
        settings = install_environment(Places(ROOT, state_folder()))
        run(*install, "--require-hashes", "-r", "requirements/runtime.txt", **settings)
        run(*install, "--no-deps", *map(str, sorted(wheels.glob("*.whl"))), **settings)
        run(str(python_in(bare)), "-I", "-m", "gatewright", "--help")
        run(str(python_in(bare)), "-I", "-m", "multyagents_api", "serve", "--help")
        run(str(python_in(bare)), "-I", "-c", "import multyagents_api.storage.postgres")


@task
def doctor(_context: Context) -> None:
    """Tell what this machine has, and what to do about what it lacks."""
    run(sys.executable, "scripts/launcher.py", "doctor")


@task
def lock(_context: Context, upgrade: bool = False) -> None:
    """Write requirements/*.txt anew."""
    run(sys.executable, "scripts/launcher.py", "lock", *(["--upgrade"] if upgrade else []))


def require(session: str, arguments: list[str] | None = None) -> None:
    """Return if the session's packages are here, else run the session itself and end with its exit code."""
    missing = missing_here(session.replace("_", "-"), ROOT)
    if not missing:
        return
    lacking = (
        f"{', '.join(missing[:3])}{' and more' if len(missing) > 3 else ''} missing from {sys.executable}"  # noqa: PLR2004 - a line's worth
    )
    if os.environ.get(REDIRECTED):
        say(f"{lacking}, although this is session {session} already; its lock does not fit its group")
        raise Exit(code=outcome.USAGE)
    say(f"{lacking}; running Nox session {session} instead")
    run_id = os.environ.get("GATEWRIGHT_RUN_ID") or outcome.new_run_id()
    environ = {**os.environ, REDIRECTED: "1", "GATEWRIGHT_RUN_ID": run_id}
    command = session_command(session, arguments or [])
    code = subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode
    verdict = outcome.exit_code_of_run(ROOT / "docs" / "evidence", run_id)
    raise Exit(code=code if verdict is None else verdict)


def session_command(session: str, arguments: list[str]) -> list[str]:
    """Start a session by Nox as it is found: in this interpreter, on PATH, or in the launcher's own tools."""
    if importlib.util.find_spec("nox"):
        return [sys.executable, "-m", "nox", "-s", session, "--", *arguments]
    if found := shutil.which("nox"):
        return [found, "-s", session, "--", *arguments]
    return [sys.executable, "scripts/launcher.py", session.replace("_", "-"), *arguments]


def profile_of(*, full: bool) -> str:
    """How much is run: what the flag says, else what the gate around us says, else the quick profile."""
    return "full" if full else os.environ.get(PROFILE, "quick")


def run_check(name: str, profile: str) -> None:
    """Run one check of gate.toml and end with the exit code of its verdict."""
    run_module("gatewright", "run", name, **{PROFILE: profile})


def run_module(module: str, *arguments: str, **variables: str) -> None:
    """Run a module in this interpreter; anything but 0 ends the task with that code."""
    run(sys.executable, "-m", module, *arguments, **variables)


def run(*command: str, **variables: str) -> None:
    """Run a command in the checkout; anything but 0 ends the task with that code."""
    if code := exit_code(command, variables):
        outcome.note_exit_code(code)
        raise Exit(code=code)


def run_all(*commands: list[str]) -> None:
    """Run all commands, also after one has failed, then end with the first bad exit code."""
    codes = [exit_code(command, {}) for command in commands]
    if bad := next(filter(None, codes), 0):
        raise Exit(code=bad)


def exit_code(command: Sequence[str], variables: dict[str, str]) -> int:
    """Run a command in the checkout with the project's packages importable."""
    environ = {**os.environ, "PYTHONPATH": project_path(ROOT), **variables}
    return subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode
