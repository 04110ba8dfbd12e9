"""The command line of the toolkit."""

import argparse
import io
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from gatewright.cli.gates import add_gate_commands
from gatewright.cli.histories import add_history_commands
from gatewright.cli.loads import add_slo_commands
from gatewright.cli.races import add_race_commands
from gatewright.cli.reports import add_report_command
from gatewright.cli.seals import add_seal_commands
from gatewright.core.errors import GatewrightError
from gatewright.core.escape import printable
from gatewright.core.interrupts import end_as_by_ctrl_c
from gatewright.core.lifeline import die_with_parent
from gatewright.core.verdict import ExitCode

__all__ = ["execute", "main"]

DESCRIPTION = "A release gate for Python services: race them, load them, test them, judge the evidence."
EPILOG = """\
examples:
  gatewright gate                 run every check of gate.toml and write the verdict
  gatewright gate --full          the same at full length
  gatewright run tests            run one check alone and judge it
  gatewright explain              why the latest verdict is what it is
  gatewright show PLACE           the evidence at a place that explain names
  gatewright report --format ctrf   the latest verdict in another form
  gatewright verify               is the latest verdict still what was written?
  gatewright verify FOLDER --key FILE   and by whom was it sealed? (keygen, sign)
  gatewright history              earlier runs: verdicts, flake rates, trends
  gatewright judge                would the latest evidence still pass, for the tree as it is now?
  gatewright replay TAPE          run a recorded schedule again
  gatewright merge FOLDER...      join the shards of a race suite
  gatewright race self-check      does the race suite see every planted fault?
  gatewright slo run NAME         offer a load that gate.toml declares, and judge it
  gatewright slo compare --help   is the work tree slower than a revision?

exit codes:
  0 PASS   1 FAIL   2 usage or configuration   3 INCONCLUSIVE   4 integrity (tampered, mismatch)

environment:
  GATEWRIGHT_PROFILE   quick (default) or full
  GATEWRIGHT_RUN_ID    the id under which a run is opened
  GATEWRIGHT_PYTHON    a ready interpreter that runs the checks instead of Nox sessions
  GATEWRIGHT_SIGNING_KEY          the key file that seals runs; also a public one whose key is in ssh-agent
  GATEWRIGHT_SIGNING_PASSPHRASE   the passphrase of a key in a PEM file
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
    options.typed = shlex.join(["gatewright", *arguments])
    try:
        code: int = options.command(options)
    except GatewrightError as error:
        code = complain(str(error), error.exit_code)
    except SystemExit as error:
        # Code of the project that is imported here may end the process; whatever it says, nothing was proven.
        code = complain(f"the project's code ended the command: exit {error.code}", ExitCode.INCONCLUSIVE)
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
    add_gate_commands(commands)
    add_report_command(commands)
    add_seal_commands(commands)
    add_history_commands(commands)
    add_race_commands(commands)
    add_slo_commands(commands)
    return parser
