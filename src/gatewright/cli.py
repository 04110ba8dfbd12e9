"""The command line of the toolkit."""

import argparse
import io
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gatewright.core.clock import SystemClock
from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.core.escape import printable
from gatewright.core.interrupts import end_as_by_ctrl_c
from gatewright.core.lifeline import die_with_parent
from gatewright.core.verdict import ExitCode
from gatewright.evidence.record import EVIDENCE, write_atomic
from gatewright.execution.gate import add_check, run_alone, run_gate
from gatewright.execution.judge import judge_now, resolve_run, verify_run
from gatewright.execution.project import PROFILES, Project, Settings, find_project
from gatewright.gate.decision import VerdictDocument, exit_code
from gatewright.gate.policy import load_policy
from gatewright.report.command import as_typed
from gatewright.report.progress import ProgressLines, wants_colour
from gatewright.report.schemas import find_schemas, schema_text, write_schemas
from gatewright.report.text import render_explanation, render_policy, render_verdict_text

__all__ = ["execute", "main"]

WIDTH_OF_FILES = 110
"""How wide text is where no terminal says."""

DESCRIPTION = "A release gate for Python services: race them, load them, test them, judge the evidence."
EPILOG = """\
examples:
  gatewright gate                 run every check of gate.toml and write the verdict
  gatewright gate --full          the same at full length
  gatewright run tests            run one check alone and judge it
  gatewright explain              why the latest verdict is what it is
  gatewright verify               is the latest verdict still what was written?
  gatewright judge                would the latest evidence still pass, for the tree as it is now?
  gatewright replay TAPE          run a recorded schedule again
  gatewright merge FOLDER...      join the shards of a race suite
  gatewright race self-check      does the race suite see every planted fault?

exit codes:
  0 PASS   1 FAIL   2 usage or configuration   3 INCONCLUSIVE   4 integrity (tampered, mismatch)

environment:
  GATEWRIGHT_PROFILE   quick (default) or full
  GATEWRIGHT_RUN_ID    the id under which a run is opened
  GATEWRIGHT_PYTHON    a ready interpreter that runs the checks instead of Nox sessions
  GATEWRIGHT_PROGRAM   what remedies call this program, where a launcher stands before it
  NO_COLOR             no colours
"""


def main() -> int:
    """Run the command that this process was started with, and die with whoever started it."""
    die_with_parent()
    end_as_by_ctrl_c()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return execute(sys.argv[1:])


def execute(arguments: Sequence[str]) -> int:
    """Run one command; the exit code is the verdict's, and bad input costs one line, never a traceback."""
    options = build_parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except GatewrightError as error:
        code = complain(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = complain("interrupted", ExitCode.INCONCLUSIVE)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.INCONCLUSIVE
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        code = complain(f"{error.strerror or error}{place}", ExitCode.INCONCLUSIVE)
    return code


def complain(message: str, code: ExitCode) -> ExitCode:
    """Say in one line what is wrong."""
    print(f"gatewright: {printable(message)}", file=sys.stderr)
    return code


def build_parser() -> argparse.ArgumentParser:
    """All commands, each with its own help."""
    parser = argparse.ArgumentParser(
        prog="gatewright",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--root", type=Path, help="the project; by default the folder of the nearest gate.toml"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    gate = commands.add_parser("gate", help="run every check of the policy and write the verdict")
    gate.add_argument("--full", action="store_true", help="the full profile instead of the quick one")
    gate.set_defaults(command=gate_command)

    run = commands.add_parser(
        "run", help="run one check; judge it, unless a gate is waiting for its evidence"
    )
    run.add_argument("check", metavar="CHECK", help="its name in gate.toml")
    run.add_argument("--profile", choices=PROFILES, help="how long the check may take its time")
    run.set_defaults(command=run_command)

    for name, command, text in (
        ("judge", judge_command, "judge evidence against the policy and tree of now; reads only"),
        ("verify", verify_command, "verify that a verdict and its evidence are what was written; reads only"),
    ):
        reader = commands.add_parser(name, help=text, description=text)
        reader.add_argument("folder", nargs="?", type=Path, help="a run folder; by default the latest run's")
        reader.set_defaults(command=command)
        if command is judge_command:
            reader.add_argument("--check", metavar="CHECK", help="ask about this check alone")

    explain = commands.add_parser("explain", help="every reason of a verdict, with the command that mends it")
    explain.add_argument("check", nargs="?", metavar="CHECK", help="only the reasons of this check")
    explain.add_argument("--run", type=Path, dest="folder", help="a run folder; by default the latest run's")
    explain.set_defaults(command=explain_command)

    replay = commands.add_parser("replay", help="run a recorded schedule of a race suite again")
    replay.add_argument("tape", type=Path, metavar="TAPE", help="the file that a race report names")
    replay.add_argument("--times", type=int, default=20, help="how often (default: 20)")
    replay.add_argument(
        "--lenient",
        action="store_true",
        help="go on as near to the tape as possible",
    )
    replay.add_argument("--html", type=Path, metavar="FILE", help="write it as a page for a browser, too")
    replay.set_defaults(command=replay_command)

    race = commands.add_parser("race", help="plant faults, and see whether their races notice")
    race.add_argument("action", choices=["self-check"])
    race.add_argument("--faults", metavar="MODULE:NAME", help="by default the policy's gate.faults")
    race.add_argument(
        "--output", type=Path, default=EVIDENCE / "race-self-check", help="where the evidence goes"
    )
    race.add_argument("--json", action="store_true", help="print the whole report as JSON")
    race.set_defaults(command=race_command)

    merge = commands.add_parser("merge", help="join the evidence of a race suite's shards into one verdict")
    merge.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="the evidence of a shard")
    merge.add_argument("--output", type=Path, default=EVIDENCE / "race", help="where the evidence goes")
    merge.set_defaults(command=merge_command)

    policy = commands.add_parser("policy", help="check a policy and show what it requires; runs nothing")
    policy.add_argument("action", choices=["check"])
    policy.add_argument("file", nargs="?", type=Path, help="by default the project's gate.toml")
    policy.set_defaults(command=policy_command)

    schema = commands.add_parser("schema", help="JSON Schemas of manifest, verdict, policy and suite reports")
    schema.add_argument(
        "names", nargs="*", metavar="NAME", help="a schema by name, or a model as module:Model"
    )
    schema.add_argument("--write", type=Path, metavar="FOLDER", help="write files instead of printing")
    schema.set_defaults(command=schema_command)
    return parser


def project_of(options: argparse.Namespace) -> Project:
    """The project that the user means."""
    return find_project((options.root or Path.cwd()).resolve())


def gate_command(options: argparse.Namespace) -> int:
    """Run the release gate."""
    project = project_of(options)
    settings = Settings.read(os.environ | ({"GATEWRIGHT_PROFILE": "full"} if options.full else {}))
    clock = SystemClock()
    return show(run_gate(project, settings, clock, ProgressLines(sys.stdout, clock)))


def run_command(options: argparse.Namespace) -> int:
    """Run one check."""
    project = project_of(options)
    profile = {"GATEWRIGHT_PROFILE": options.profile} if options.profile else {}
    settings = Settings.read(os.environ | profile)
    clock = SystemClock()
    if settings.run_folder:
        return add_check(project, settings, settings.run_folder, options.check, clock=clock, echo=echo)
    return show(run_alone(project, settings, options.check, clock=clock, echo=echo))


def echo(line: str) -> None:
    """Pass on what a command says."""
    sys.stdout.write(line)
    sys.stdout.flush()


def judge_command(options: argparse.Namespace) -> int:
    """Judge evidence as of now."""
    project = project_of(options)
    return show(judge_now(project, options.folder, SystemClock(), only=options.check))


def verify_command(options: argparse.Namespace) -> int:
    """Verify a verdict."""
    verification = verify_run(project_of(options) if options.folder is None else None, options.folder)
    for problem in verification.problems:
        print(printable(f"TAMPERED {problem.artifact}: {problem.message}"))
    document = verification.document
    if document and verification.is_intact:
        print(f"intact: run {document.run_id} says {document.verdict.value}")
    return verification.exit_code


def explain_command(options: argparse.Namespace) -> int:
    """Explain a verdict."""
    document = resolve_run(None if options.folder else project_of(options), options.folder).read()
    names = [judged.check for judged in document.checks]
    if options.check and options.check not in names:
        raise ConfigurationError(
            f"the run has no check {options.check!r}", remedy=f"it has {', '.join(names)}"
        )
    sys.stdout.write(render_explanation(document, options.check))
    return ExitCode.PASS


def replay_command(options: argparse.Namespace) -> int:
    """Run a recorded schedule again."""
    with needs_race_extra("replay"):
        from gatewright.suites.race import replay  # noqa: PLC0415 - its dependencies are an extra
    if not options.tape.is_file():
        raise ConfigurationError(f"there is no tape {options.tape}", remedy="a race report names its tapes")
    policy = load_policy(project_of(options).policy).policy
    outcome = replay(options.tape, options.times, allowed=policy.gate.scenarios, strict=not options.lenient)
    width = shutil.get_terminal_size((WIDTH_OF_FILES, 24)).columns
    sys.stdout.write(outcome.text(width=width, colour=wants_colour(sys.stdout)))
    if options.html:
        command = f"gatewright replay {shlex.quote(str(options.tape))}"
        write_atomic(options.html, outcome.html(as_typed(command)))
    return outcome.verdict.exit_code


def merge_command(options: argparse.Namespace) -> int:
    """Join shards."""
    with needs_race_extra("merge"):
        from gatewright.suites.race import merge, publish_race_report, read_shards  # noqa: PLC0415 - an extra
        from gatewright.suites.race.command import summary  # noqa: PLC0415 - likewise
    output = Path(options.output)
    report = merge(read_shards(options.folders), output)
    published = publish_race_report(output, report)
    print(printable_lines(summary(report)))
    print(f"evidence: {printable(str(published.json))}", file=sys.stderr)
    return report.verdict.exit_code


def race_command(options: argparse.Namespace) -> int:
    """Let a race suite prove that it can see."""
    with needs_race_extra("race"):
        from gatewright.suites.race import check_faults, find_faults, publish_race_report  # noqa: PLC0415 - an extra
        from gatewright.suites.race.command import Lines, summary  # noqa: PLC0415 - likewise
    gate = load_policy(project_of(options).policy).policy.gate
    path = options.faults or gate.faults
    faults = find_faults(path, gate.scenarios)
    command = f"python -m gatewright race self-check --faults {shlex.quote(path)}"
    output = Path(options.output)
    report = check_faults(faults, output, command, Lines(sys.stderr))
    published = publish_race_report(output, report)
    text = report.model_dump_json(indent=2) if options.json else printable_lines(summary(report))
    print(text)
    print(f"evidence: {printable(str(published.json))}", file=sys.stderr)
    return report.verdict.exit_code


def printable_lines(text: str) -> str:
    """Lines that come from elsewhere, each made harmless."""
    return "\n".join(printable(line) for line in text.splitlines())


@contextmanager
def needs_race_extra(command: str) -> Iterator[None]:
    """Say in one line what to install where a dependency of the race engine is missing."""
    try:
        yield
    except ImportError as error:
        raise ConfigurationError(
            f"{command} needs {error.name}, which is not installed", remedy="pip install 'gatewright[race]'"
        ) from None


def policy_command(options: argparse.Namespace) -> int:
    """Check a policy."""
    loaded = load_policy(options.file or project_of(options).policy)
    sys.stdout.write(render_policy(loaded))
    return ExitCode.PASS


def schema_command(options: argparse.Namespace) -> int:
    """Print or write schemas."""
    models = find_schemas(options.names)
    if options.write:
        for path in write_schemas(options.write, models):
            print(path)
        return ExitCode.PASS
    for model in models.values():
        sys.stdout.write(schema_text(model))
    return ExitCode.PASS


def show(document: VerdictDocument) -> int:
    """Print a verdict; its exit code."""
    sys.stdout.write("\n" + render_verdict_text(document, colour=wants_colour(sys.stdout)))
    return exit_code(document)
