"""Commands about a gate: run it, judge and explain what it left, check its policy."""

import argparse
import os
import re
import sys
from pathlib import Path

from gatewright.cli.common import Commands, project_of
from gatewright.cli.reports import Output, add_output_option, show
from gatewright.core.clock import SystemClock
from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import ExitCode
from gatewright.execution.gate import add_check, run_alone, run_gate
from gatewright.execution.judge import judge_now, resolve_run
from gatewright.execution.project import PROFILES, Settings
from gatewright.execution.surroundings import look_around
from gatewright.gate.lint import lint_policy
from gatewright.gate.lint_rules import Severity
from gatewright.gate.policy import parse_policy, read_policy
from gatewright.report.excerpt import render_excerpt
from gatewright.report.lint import LINT_FORMATS
from gatewright.report.progress import ProgressLines
from gatewright.report.schemas import find_schemas, schema_text, write_schemas
from gatewright.report.text import render_explanation, render_policy

__all__ = ["add_gate_commands"]


def add_gate_commands(commands: Commands) -> None:
    """Add them to the command line."""
    gate = commands.add_parser("gate", help="run every check of the policy and write the verdict")
    gate.add_argument("--full", action="store_true", help="the full profile instead of the quick one")
    add_output_option(gate)
    gate.set_defaults(command=gate_command)

    run = commands.add_parser(
        "run", help="run one check; judge it, unless a gate is waiting for its evidence"
    )
    run.add_argument("check", metavar="CHECK", help="its name in gate.toml")
    run.add_argument("--profile", choices=PROFILES, help="how long the check may take its time")
    run.set_defaults(command=run_command)

    text = "judge evidence against the policy and tree of now; reads only"
    judge = commands.add_parser("judge", help=text, description=text)
    judge.add_argument("folder", nargs="?", type=Path, help="a run folder; by default the latest run's")
    judge.add_argument("--check", metavar="CHECK", help="ask about this check alone")
    judge.set_defaults(command=judge_command)

    explain = commands.add_parser("explain", help="every reason of a verdict, with the command that mends it")
    explain.add_argument("check", nargs="?", metavar="CHECK", help="only the reasons of this check")
    explain.add_argument("--run", type=Path, dest="folder", help="a run folder; by default the latest run's")
    explain.set_defaults(command=explain_command)

    show_parser = commands.add_parser(
        "show", help="a place in the evidence: a JSON value by its pointer, or the end of a log"
    )
    show_parser.add_argument(
        "place", metavar="PATH[#POINTER]", help="as explain names it: runs/ID/CHECK/FILE#/a/0"
    )
    show_parser.add_argument(
        "--run", type=Path, dest="folder", help="a run folder that was copied from elsewhere"
    )
    show_parser.set_defaults(command=show_command)

    policy = commands.add_parser(
        "policy", help="find all that is wrong with a policy, and show what it requires; runs nothing"
    )
    policy.add_argument("action", choices=["check"])
    policy.add_argument("file", nargs="?", type=Path, help="by default the project's gate.toml")
    policy.add_argument("--strict", action="store_true", help="warnings end in exit code 2 too")
    policy.add_argument("--format", choices=LINT_FORMATS, default="text", help="how problems are told")
    policy.set_defaults(command=policy_command)

    schema = commands.add_parser("schema", help="JSON Schemas of manifest, verdict, policy and suite reports")
    schema.add_argument(
        "names", nargs="*", metavar="NAME", help="a schema by name, or a model as module:Model"
    )
    schema.add_argument("--write", type=Path, metavar="FOLDER", help="write files instead of printing")
    schema.set_defaults(command=schema_command)


def gate_command(options: argparse.Namespace) -> int:
    """Run the release gate."""
    project = project_of(options)
    settings = Settings.read(os.environ | ({"GATEWRIGHT_PROFILE": "full"} if options.full else {}))
    outputs = [Output.parse(text) for text in options.output]
    for output in outputs:
        output.forget()
    clock, formats = SystemClock(), tuple(output.format for output in outputs)
    document = run_gate(project, settings, clock, ProgressLines(sys.stdout, clock), formats)
    return show(document, project.runs / document.run_id, outputs)


def run_command(options: argparse.Namespace) -> int:
    """Run one check."""
    project = project_of(options)
    profile = {"GATEWRIGHT_PROFILE": options.profile} if options.profile else {}
    settings = Settings.read(os.environ | profile)
    clock = SystemClock()
    if settings.run_folder:
        return add_check(project, settings, settings.run_folder, options.check, clock=clock, echo=echo)
    document = run_alone(project, settings, options.check, clock=clock, echo=echo)
    return show(document, project.runs / document.run_id)


def echo(line: str) -> None:
    """Pass on what a command says."""
    sys.stdout.write(line)
    sys.stdout.flush()


def judge_command(options: argparse.Namespace) -> int:
    """Judge evidence as of now."""
    project = project_of(options)
    document = judge_now(project, options.folder, SystemClock(), only=options.check)
    return show(document, options.folder or project.runs / document.run_id)


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


def show_command(options: argparse.Namespace) -> int:
    """Show a place in the evidence."""
    if options.folder:
        folder, place = options.folder, re.sub(r"^runs/[^/#]+/", "", options.place)
    else:
        folder, place = project_of(options).evidence, options.place
    sys.stdout.write(render_excerpt(folder, place))
    return ExitCode.PASS


def policy_command(options: argparse.Namespace) -> int:
    """Tell all problems of a policy; of one that can be used, also what it requires."""
    path: Path = options.file or project_of(options).policy
    data = read_policy(path)
    # As seen from here, for whoever follows the name: an editor, or GitHub from the top of a repository.
    name = path.as_posix() if options.file else Path(os.path.relpath(path)).as_posix()
    report = lint_policy(data, name, look_around(path.resolve().parent, SystemClock().now()))
    sys.stdout.write(LINT_FORMATS[options.format](report))
    if report.count(Severity.ERROR):
        return ExitCode.USAGE
    if options.format == "text":
        sys.stdout.write("\n" + render_policy(parse_policy(data, path.name)))
    return ExitCode.USAGE if options.strict and report.problems else ExitCode.PASS


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
