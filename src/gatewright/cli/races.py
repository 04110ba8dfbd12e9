"""Commands about races: replay a tape, join shards, plant faults."""

import argparse
import shlex
import shutil
import sys
from pathlib import Path

from gatewright.cli.common import Commands, needs_extra, project_of
from gatewright.core.errors import ConfigurationError
from gatewright.core.escape import printable, printable_lines
from gatewright.evidence.record import EVIDENCE, write_atomic
from gatewright.gate.policy import load_policy
from gatewright.report.command import as_typed
from gatewright.report.progress import wants_colour

__all__ = ["add_race_commands"]

WIDTH_OF_FILES = 110
"""How wide text is where no terminal says."""


def add_race_commands(commands: Commands) -> None:
    """Add them to the command line."""
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


def replay_command(options: argparse.Namespace) -> int:
    """Run a recorded schedule again."""
    with needs_extra("replay", "race"):
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
    with needs_extra("merge", "race"):
        from gatewright.suites.race import merge, publish_race_report, read_shards  # noqa: PLC0415 - an extra
        from gatewright.suites.race.command import summary  # noqa: PLC0415 - likewise
    output = Path(options.output)
    report = merge(read_shards(options.folders), output)
    published = publish_race_report(output, report)
    sys.stdout.write(printable_lines(summary(report)))
    print(f"evidence: {printable(str(published.json))}", file=sys.stderr)
    return report.verdict.exit_code


def race_command(options: argparse.Namespace) -> int:
    """Let a race suite prove that it can see."""
    with needs_extra("race", "race"):
        from gatewright.suites.progress import Lines  # noqa: PLC0415 - likewise
        from gatewright.suites.race import check_faults, find_faults, publish_race_report  # noqa: PLC0415 - an extra
        from gatewright.suites.race.command import summary  # noqa: PLC0415 - likewise
    gate = load_policy(project_of(options).policy).policy.gate
    path = options.faults or gate.faults
    faults = find_faults(path, gate.scenarios)
    command = f"python -m gatewright race self-check --faults {shlex.quote(path)}"
    output = Path(options.output)
    report = check_faults(faults, output, command, Lines(sys.stderr))
    published = publish_race_report(output, report)
    text = report.model_dump_json(indent=2) + "\n" if options.json else printable_lines(summary(report))
    sys.stdout.write(text)
    print(f"evidence: {printable(str(published.json))}", file=sys.stderr)
    return report.verdict.exit_code
