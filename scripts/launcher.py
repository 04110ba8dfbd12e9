#!/usr/bin/env python3
"""One command from a fresh clone to a verdict: sets up, runs Nox, returns the verdict's exit code.

Needs Python >= 3.11 and its pip, nothing else. `scripts/multyagents` finds such a Python and calls this file.
"""

import difflib
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "src"))

from bootstrap import doctor, interpreters, locks, outcome
from bootstrap.child import INTERRUPTED, run_child
from bootstrap.places import ROOT, Places, SetupError, state_folder
from bootstrap.progress import say
from bootstrap.sessions import installed_python, project_path, sessions_of_policy
from bootstrap.settings import cleaned
from bootstrap.tools import install_sessions, set_up_tools

EVIDENCE = ROOT / "docs" / "evidence"

CHECKS = (
    "tests",
    "race-stress",
    "slo-smoke",
    "restart-persistence",
    "stress-smoke",
    "chaos",
    "security",
    "dependencies",
)

# What remedies in evidence tell users to type.
NAMED = {"GATEWRIGHT_PROGRAM": "./scripts/multyagents"}

# Set afresh for each run; inherited ones belong to a run that this launcher is a part of.
RUN_VARIABLES = ("GATEWRIGHT_EVIDENCE", "GATEWRIGHT_PYTHON", "GATEWRIGHT_RUN_FOLDER", "GATEWRIGHT_RUN_ID")


@dataclass(frozen=True)
class Command:
    """One word of the launcher.

    Args:
        summary: what it does, for `help`.
        run: takes the arguments behind the word, returns the exit code.
        aliases: other words for it.
    """

    summary: str
    run: Callable[[list[str]], int]
    aliases: tuple[str, ...] = ()


def judged(
    session: str, group: str, *action: str, profile: str | None = None, forget: bool = False
) -> Callable[[list[str]], int]:
    """A command that ends with a verdict of its own run.

    Args:
        session: the Nox session that runs it, in an environment of its own.
        group: the dependency group that a ready interpreter must have to run it instead.
        action: what gatewright is asked for there.
        profile: how much is run where nobody says; gatewright's own choice when None.
        forget: whether the latest verdict is removed first, so that none outlives a set-up that fails.
    """

    def run(arguments: list[str]) -> int:
        refuse_unknown(arguments)
        if forget:
            outcome.forget_latest(EVIDENCE)
        run_id = outcome.new_run_id()
        environ = fresh_environment(run_id)
        if arguments:
            environ["GATEWRIGHT_PROFILE"] = arguments[0].removeprefix("--")
        elif profile is not None:
            environ.setdefault("GATEWRIGHT_PROFILE", profile)
        python = interpreters.ready_interpreter(group, ROOT)
        if python is None:
            code = run_session_of_run(session, environ)
        else:
            say(f"running in {python}, which is not isolated")
            environ |= {"GATEWRIGHT_PYTHON": str(python), "PYTHONPATH": project_path(ROOT)}
            code = run_child([str(python), "-m", "gatewright", *action], environ, ROOT)
        return verdict_of(run_id, code)

    return run


def refuse_unknown(arguments: Sequence[str]) -> None:
    """Accept one profile at most.

    Raises:
        SetupError: names the first argument that is none, or says that there are too many.
    """
    for argument in arguments:
        if argument not in {"--full", "--quick"}:
            message = f"{argument!r} is not known here; --full and --quick are"
            raise SetupError(message, exit_code=outcome.USAGE)
    if len(arguments) > 1:
        raise SetupError("only one of --full and --quick can be meant", exit_code=outcome.USAGE)


def run_session_of_run(session: str, environ: dict[str, str]) -> int:
    """Run a session; its task's own exit code, which the task notes because Nox folds it to 1."""
    with tempfile.TemporaryDirectory(prefix="multyagents-") as folder:
        note = Path(folder, "exit-code")
        code = run_session(session, [], environ | {outcome.NOTE_VARIABLE: str(note)})
        return outcome.noted_exit_code(note, code)


def verdict_of(run_id: str, code: int) -> int:
    """The exit code of this very run's verdict; where there is none, only a usage error is known for sure."""
    verdict = outcome.exit_code_of_run(EVIDENCE, run_id)
    if verdict is not None:
        return verdict
    if code == outcome.USAGE:
        return code
    say(f"run {run_id} left no verdict: INCONCLUSIVE (the lines above say what happened)")
    return outcome.INCONCLUSIVE


def plain(session: str) -> Callable[[list[str]], int]:
    """A command that passes or fails as its Nox session does."""
    return lambda arguments: run_session(session, arguments, fresh_environment(outcome.new_run_id()))


def reading(session: str, group: str, action: str) -> Callable[[list[str]], int]:
    """A command that only reads evidence: gatewright's own exit code, in the environment of a session."""

    def run(arguments: list[str]) -> int:
        python = interpreters.ready_interpreter(group, ROOT) or environment_of(session)
        environ = {**cleaned(os.environ), **NAMED, "PYTHONPATH": project_path(ROOT)}
        return run_child([str(python), "-m", "gatewright", action, *map(from_root, arguments)], environ, ROOT)

    return run


def from_root(argument: str) -> str:
    """An argument for a command that runs in the checkout: a path in the user's folder becomes absolute."""
    path = Path(argument)
    return str(path.absolute()) if Path.cwd() != ROOT and path.exists() else argument


def environment_of(session: str) -> Path:
    """The interpreter of a session's environment, which is installed unless it is there and up to date."""
    places = Places(ROOT, state_folder())
    python = installed_python(places, session)
    if python is None:
        install_sessions(places, set_up_tools(places), [session])
        python = installed_python(places, session)
    if python is None:
        raise SetupError(f"session {session} did not finish its environment")
    return python


def fresh_environment(run_id: str) -> dict[str, str]:
    """The environment of a new run, with nothing left of a run around us."""
    environ = {name: value for name, value in cleaned(os.environ).items() if name not in RUN_VARIABLES}
    return environ | {"GATEWRIGHT_RUN_ID": run_id, **NAMED}


def run_session(session: str, arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one Nox session with the tools' own Nox; its exit code."""
    places = Places(ROOT, state_folder())
    tools = set_up_tools(places)
    install_sessions(places, tools, [session, *(sessions_of_policy(ROOT) if session == "gate" else [])])
    command = [*tools.nox(places), "-s", session, "--", *arguments]
    return run_child(command, tools.environment(places, environ), ROOT)


def run_check(arguments: list[str]) -> int:
    """Run the check of that name, as `gatewright run` would."""
    if not arguments or arguments[0] not in CHECKS:
        raise SetupError(f"run needs the name of a check: {', '.join(CHECKS)}", exit_code=outcome.USAGE)
    return find_command(arguments[0]).run(arguments[1:])


def show_help(_arguments: list[str]) -> int:
    """Print every command with what it does."""
    print("usage: multyagents COMMAND [ARGUMENT...]\n")
    for name, command in COMMANDS.items():
        aliases = f" (also: {', '.join(command.aliases)})" if command.aliases else ""
        print(f"  {name:<19} {command.summary}{aliases}")
    print("\nExit codes: 0 PASS, 1 FAIL, 2 usage, 3 INCONCLUSIVE, 4 evidence that can't be believed.")
    return 0


COMMANDS = {
    "gate": Command(
        "run the release gate and print its verdict (--full: at full depth)",
        judged("gate", "tests", "gate", forget=True),
    ),
    "test": Command(
        "run every test", judged("tests", "tests", "run", "tests", profile="full"), aliases=("tests",)
    ),
    "race-stress": Command(
        "race the service: controlled schedules, then stress over HTTP",
        judged("race_stress", "race-stress", "run", "race-stress"),
        aliases=("stress-race",),
    ),
    "slo-smoke": Command(
        "load the service and hold it to its objectives",
        judged("slo_smoke", "slo-smoke", "run", "slo-smoke"),
        aliases=("task-076",),
    ),
    "restart-persistence": Command(
        "kill the service in the midst of its work, and see what comes back",
        judged("restart_persistence", "restart-persistence", "run", "restart-persistence"),
    ),
    "stress-smoke": Command(
        "run many workflows at once, through real processes and a real runner",
        judged("stress_smoke", "stress-smoke", "run", "stress-smoke"),
    ),
    "chaos": Command(
        "take away what the service leans on, one thing after the other",
        judged("chaos", "chaos", "run", "chaos"),
    ),
    "security": Command("attack the service", judged("security", "security", "run", "security")),
    "audit": Command(
        "ask which locked packages have known vulnerabilities",
        judged("audit", "audit", "run", "dependencies"),
        aliases=("dependencies",),
    ),
    "run": Command("run one check of gate.toml by its name", run_check),
    "judge": Command("judge recorded evidence again", reading("gate", "gate", "judge")),
    "verify": Command("check that recorded evidence is what was recorded", reading("gate", "gate", "verify")),
    "explain": Command("tell the reasons behind a verdict", reading("gate", "gate", "explain")),
    "show": Command("show the evidence at a place that explain names", reading("gate", "gate", "show")),
    "report": Command("write the latest verdict in another form", reading("gate", "gate", "report")),
    "history": Command("show earlier runs, flake rates and trends", reading("gate", "gate", "history")),
    "sign": Command("seal a run with a key", reading("gate", "gate", "sign")),
    "keygen": Command("make a key to sign with", reading("gate", "gate", "keygen")),
    "policy": Command("check gate.toml (policy check)", reading("gate", "gate", "policy")),
    "replay": Command("replay a recorded schedule", reading("race_stress", "race-stress", "replay")),
    "schema": Command(
        "print or write the JSON Schemas of evidence", reading("slo_smoke", "slo-smoke", "schema")
    ),
    "locust": Command("try the Locust engine of load tests", plain("locust")),
    "mutation": Command("plant faults in the judge and see whether tests notice", plain("mutation")),
    "lint": Command("check style, formatting and import contracts", plain("lint")),
    "types": Command("check types", plain("types")),
    "docs": Command("check links and commands in the documentation", plain("docs")),
    "package": Command("build the wheels and try them in a bare environment", plain("package")),
    "doctor": Command("tell what this machine has, and what to do about what it lacks", doctor.examine),
    "lock": Command(
        "write requirements/*.txt anew (--upgrade: with the newest of everything)", locks.write_locks
    ),
    "wheelhouse": Command("download all wheels, for set-up without an index", locks.download_wheels),
    "help": Command("print this", show_help),
}


def find_command(word: str) -> Command:
    """The command of a word or of an alias.

    Raises:
        SetupError: there is none; names the nearest.
    """
    words = {alias: command for command in COMMANDS.values() for alias in command.aliases} | COMMANDS
    if word in words:
        return words[word]
    nearest = difflib.get_close_matches(word, words, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(COMMANDS)}"
    raise SetupError(f"no command {word!r}; {hint}", exit_code=outcome.USAGE)


def main(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(number, lambda received, _frame: sys.exit(128 + received))
    try:
        return run_command(arguments)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it flushes.
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return outcome.INCONCLUSIVE


def run_command(arguments: list[str]) -> int:
    """Run one command; what goes wrong costs one line.

    Raises:
        BrokenPipeError: nobody reads our lines any more.
    """
    word = arguments[0] if arguments else "help"
    try:
        return find_command("help" if word in {"-h", "--help"} else word).run(arguments[1:])
    except SetupError as error:
        say(str(error))
        return error.exit_code
    except BrokenPipeError:
        raise
    except OSError as error:
        say(f"{error.filename or 'set-up'}: {error.strerror or error}")
        return outcome.INCONCLUSIVE
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            print(file=sys.stderr)  # the cursor stands behind ^C, or behind a time that grows
        say("interrupted; nothing was decided")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
