"""The command about the history of verdicts."""

import argparse
import sys
from pathlib import Path

from gatewright.cli.common import Commands, project_of
from gatewright.cli.seals import add_trust_arguments, trusted_of
from gatewright.core.clock import SystemClock
from gatewright.core.errors import ConfigurationError
from gatewright.core.escape import printable
from gatewright.core.verdict import ExitCode
from gatewright.evidence.dsse import Trusted
from gatewright.evidence.ledger import (
    LedgerBreak,
    LedgerEntry,
    find_breaks,
    head_now,
    read_recent,
    read_signed_head,
    set_aside,
)
from gatewright.evidence.strict import EvidenceError
from gatewright.evidence.trends import check_names
from gatewright.execution.history import find_unlike_runs
from gatewright.execution.lock import hold_gate
from gatewright.execution.project import Project
from gatewright.report.history import LEGEND, render_history, report_history
from gatewright.report.progress import wants_colour

__all__ = ["add_history_commands"]

DESCRIPTION = """\
The runs of the gate, oldest first: when each ended, its verdict, commit and profile, how long its checks took
and how each of them ended. Below: how many runs passed, which checks flake, how their figures move.

A check flakes when its verdict changes though tree, policy and profile are those of an earlier run, or when
it counts a test that passed only at a second try. The rate is the share of runs in which either happened.
"""
EPILOG = f"""\
{LEGEND}

examples:
  gatewright history                          the last 20 runs
  gatewright history --last 200 --check unit  one check over a longer time
  gatewright history --json | jq .flake_rates for machines
  gatewright history --verify                 is the chain whole, and does it fit the runs that are kept?
  gatewright history --verify --key FILE.pub  and has this key signed its end?

exit codes:
  0 shown, and whole as far as it was read   2 usage   3 there is no history   4 the history is broken
"""


def add_history_commands(commands: Commands) -> None:
    """Add it to the command line."""
    parser = commands.add_parser(
        "history",
        help="earlier runs: verdicts, flake rates, trends; is their chain whole?",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--last", type=int, default=20, metavar="N", help="how many runs (default: 20)")
    parser.add_argument("--check", metavar="NAME", help="only this check")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--verify", action="store_true", help="check every line instead of showing the last")
    parser.add_argument(
        "--set-aside", action="store_true", help="rename a broken history, so that a new one begins"
    )
    add_trust_arguments(parser)
    parser.set_defaults(command=history_command)


def history_command(options: argparse.Namespace) -> int:
    """Show, verify or set aside the history."""
    if options.last < 1:
        raise ConfigurationError(f"--last is {options.last}", remedy="ask for one run at least")
    project = project_of(options)
    if options.set_aside:
        return begin_anew(project)
    if options.verify:
        return verify_history(project, options)
    breaks = find_breaks(project.history, trusted_of(options))
    try:
        entries = read_recent(project.history, options.last)
    except EvidenceError as error:
        unreadable = LedgerBreak(f"can't be read: {error.message}")
        breaks, entries = list(dict.fromkeys([*breaks, unreadable])), ()
    return show_history(options, entries, breaks)


def show_history(
    options: argparse.Namespace, entries: tuple[LedgerEntry, ...], breaks: list[LedgerBreak]
) -> int:
    """Print runs and what follows from them."""
    names = check_names(entries)
    if options.check and entries and options.check not in names:
        raise ConfigurationError(
            f"the last {len(entries)} runs have no check {options.check!r}",
            remedy=f"they have {', '.join(names)}",
        )
    report = report_history(entries, breaks, options.check)
    if options.json:
        print(report.model_dump_json(indent=2))
    elif entries:
        encoding = (sys.stdout.encoding or "").lower().replace("-", "")
        colour, blocks = wants_colour(sys.stdout), encoding == "utf8"
        sys.stdout.write(render_history(report, colour=colour, blocks=blocks))
    if not entries and not breaks and not options.json:
        print("there is no history yet; run: gatewright gate")
    tell(breaks)
    if breaks:
        return ExitCode.INTEGRITY
    return ExitCode.PASS if entries else ExitCode.INCONCLUSIVE


def verify_history(project: Project, options: argparse.Namespace) -> int:
    """Check every line, the end, and the runs that are kept."""
    trusted = trusted_of(options)
    breaks = find_breaks(project.history, trusted, parse=True)
    if not breaks:
        breaks += find_unlike_runs(project)
    tell(breaks)
    if breaks:
        return ExitCode.INTEGRITY
    if not project.history.exists():
        print("there is no history yet; run: gatewright gate")
        return ExitCode.INCONCLUSIVE
    print(printable(f"the history is whole; {signed_part(project, trusted)}"))
    for path in sorted(project.evidence.glob(f"{project.history.name}.aside-*")):
        print(printable(f"an earlier one was set aside as {path.name}"))
    return ExitCode.PASS


def signed_part(project: Project, trusted: Trusted | None) -> str:
    """How much of a history that is whole somebody signed whom the reader trusts."""
    if trusted is None:
        return "no key was given to check its end (--key FILE)"
    signed, head = read_signed_head(project.history, trusted), head_now(project.history)
    if head is None or signed.count < head.count:
        there = head.count if head else "more"
        return f"{trusted.name} signed the first {signed.count} of {there} runs, and nobody the rest"
    return f"its end is signed by {trusted.name}"


def begin_anew(project: Project) -> int:
    """Rename the history, while no gate adds to it."""
    clock = SystemClock()
    with hold_gate(project.evidence, "history --set-aside", clock):
        kept: list[Path] = set_aside(project.history, clock.now())
    for path in kept:
        print(printable(f"kept as {path}"))
    if not kept:
        print("there is no history to set aside")
    return ExitCode.PASS


def tell(breaks: list[LedgerBreak]) -> None:
    """Say what is wrong with the history."""
    for found in breaks:
        print(printable(f"BROKEN history: {found}"), file=sys.stderr)
    for remedy in dict.fromkeys(found.remedy for found in breaks):
        print(remedy, file=sys.stderr)
