"""The command line of a race suite."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tabulate import tabulate

from gatewright.core.clock import SystemClock
from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.core.interrupts import end_as_by_ctrl_c
from gatewright.race import read_share
from gatewright.report.command import as_typed
from gatewright.suites.arguments import OneLineParser
from gatewright.suites.carrying_out import Evidence, carry_out, profile_of, refuse
from gatewright.suites.progress import Lines, SuiteProgress
from gatewright.suites.race.config import MODES, SELF_CHECK, STRATEGIES, RaceSuiteConfig
from gatewright.suites.race.reasons import unfinished_report
from gatewright.suites.race.report import RaceReport, SelfCheckResult
from gatewright.suites.race.suite import announce_race, publish_race_report

__all__ = ["race_command"]

SHOWN_REASONS = 10

EPILOG = """\
verdicts and exit codes:
  0 PASS          every invariant held in every schedule, and enough schedules were run
  1 FAIL          one did not hold; the report names the tape of the schedule that shows it
  2               the command line or the environment can't be used
  3 INCONCLUSIVE  it could not be known: nothing overlapped, a planted fault survived, a server can't start

A database that this machine can't run is skipped, and the report says so; under CI it is a failure.

examples:
  PROGRAM                                          explore, then stress
  PROGRAM --mode explore --scenario NAME --bound 3   one scenario, deeper
  PROGRAM --mode stress --iterations 500            longer, in real parallelism
  PROGRAM --self-check-only                        does the suite see every planted fault?
  PROGRAM --details all --json                      every iteration, for machines
"""

Config = TypeVar("Config", bound=RaceSuiteConfig)


def race_command(
    run: Callable[[Config, SuiteProgress], RaceReport],
    profiles: Mapping[str, Config],
    argv: Sequence[str] | None = None,
    *,
    program: str,
    suite: str,
    environment: Mapping[str, str],
) -> int:
    """Parse, run, write the evidence, print the outcome; the exit code is the verdict's.

    Args:
        run: runs the suite.
        profiles: configurations by name; the first is the default.
        argv: the arguments; those of the process when None.
        program: the name in the help.
        suite: the suite's name in reports.
        environment: `GATEWRIGHT_PROFILE` chooses the profile where no flag does.
    """
    options = parser(profiles, program).parse_args(argv)
    end_as_by_ctrl_c()
    try:
        config = configured(options, profiles, environment)
    except GatewrightError as error:
        return refuse(program, error)
    clock = SystemClock()
    started_at = clock.now()

    def unfinished(why: str) -> RaceReport:
        return unfinished_report(suite, config, why, started_at, clock.now())

    evidence = Evidence(
        announce=partial(announce_race, config.output),
        publish=partial(publish_race_report, config.output),
        unfinished=unfinished,
    )

    def show(report: RaceReport) -> str:
        return report.model_dump_json(indent=2) + "\n" if options.json else summary(report)

    return carry_out(program, lambda: run(config, Lines(sys.stderr)), evidence, show)


def parser(profiles: Mapping[str, RaceSuiteConfig], program: str) -> argparse.ArgumentParser:
    """The flags."""
    arguments = OneLineParser(
        prog=program,
        description="Race the service: every schedule with few preemptions, then real parallelism.",
        epilog=EPILOG.replace("PROGRAM", program),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = arguments.add_argument
    add(
        "--mode",
        action="append",
        choices=MODES,
        help="controlled schedules, or real parallelism; both by default",
    )
    add("--self-check-only", action="store_true", help="only show that the suite sees every planted fault")
    add("--scenario", action="append", metavar="NAME", help="race only this one; may be given again")
    add(
        "--iterations",
        action="append",
        metavar="[NAME=]N",
        help="schedules at most, and releases, of a scenario",
    )
    add("--bound", type=int, metavar="N", help="the most preemptions")
    add("--seed", type=int, metavar="N", help="of chance, in schedules and in the app")
    add("--strategy", action="append", choices=STRATEGIES, help="only this one; may be given again")
    add("--database", action="append", metavar="NAME", help="stress only this one; may be given again")
    add("--kills", type=int, metavar="N", help="releases in whose midst a server is killed")
    add("--clients", type=int, metavar="N", help="how many race in mode stress")
    add("--profile", choices=tuple(profiles), help="how much to do; the flags above overrule it")
    add("--reduction", choices=("on", "off"), help="off: also run what differs only in unrelated statements")
    add("--shard", metavar="I/N", help="only this part of the work; `gatewright merge` joins the evidence")
    add("--details", metavar="N|all", help="keep the first N passing iterations whole")
    add("--output-dir", type=Path, metavar="DIR", help="where the evidence goes")
    add("--json", action="store_true", help="print the whole report as JSON")
    return arguments


def configured(
    options: argparse.Namespace, profiles: Mapping[str, Config], environment: Mapping[str, str]
) -> Config:
    """The profile with what the flags overrule.

    Raises:
        ConfigurationError: a value that can't be used.
    """
    profile = profile_of(profiles, options.profile, environment)
    if options.self_check_only and options.mode:
        raise ConfigurationError("--self-check-only leaves no other mode", remedy="leave --mode out")
    modes = SELF_CHECK if options.self_check_only else tuple(dict.fromkeys(options.mode or ()))
    changes: dict[str, Any] = {
        "modes": modes or None,
        "databases": tuple(dict.fromkeys(options.database)) if options.database else None,
        "kills": options.kills,
        "scenarios": tuple(options.scenario) if options.scenario else None,
        "iterations": dict(map(iterations, options.iterations)) if options.iterations else None,
        "bound": options.bound,
        "seed": options.seed,
        "strategies": tuple(dict.fromkeys(options.strategy)) if options.strategy else None,
        "clients": options.clients,
        "reduction": None if options.reduction is None else options.reduction == "on",
        "shard": read_share(options.shard) if options.shard else None,
        "output": options.output_dir,
    }
    changes = {name: value for name, value in changes.items() if value is not None}
    if options.details:
        changes["keep"] = None if options.details == "all" else number("--details", options.details)
    return replace(profile, **changes)


def iterations(text: str) -> tuple[str, int]:
    """`N` or `NAME=N`."""
    name, _, count = text.rpartition("=")
    return name, number("--iterations", count)


def number(flag: str, text: str) -> int:
    """A whole number of a sensible size.

    Raises:
        ConfigurationError: it is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 9):  # noqa: PLR2004 - up to 999,999,999
        raise ConfigurationError(f"{flag}: {text!r} is no whole number")
    return int(text)


def summary(report: RaceReport) -> str:
    """The outcome for a terminal."""
    rows = [
        (
            result.scenario,
            result.place,
            result.verdict.value,
            result.iterations,
            result.failed,
            "; ".join(result.achieved.values()),
        )
        for result in report.scenarios
    ]
    headers = ("scenario", "mode", "verdict", "iterations", "failed", "achieved")
    lines = [tabulate(rows, headers=headers)] if rows else []
    if report.self_check is not None:
        lines.append(
            f"\nself-check: {report.self_check.killed} of {report.self_check.planted} planted faults killed"
        )
        if not report.scenarios:
            lines += ["", oracle_table(report.self_check)]
    lines += [f"skipped: {part.mode} on {part.database}: {part.reason}" for part in report.skipped]
    for result in report.scenarios:
        if result.counterexample is not None:
            lines += ["", f"{result.scenario}:", *result.counterexample.interleaving]
    lines.append("")
    for reason in report.reasons[:SHOWN_REASONS]:
        lines.append(f"- {reason.message}")
        lines += [f"  {as_typed(reason.command)}"] if reason.command else []
    if len(report.reasons) > SHOWN_REASONS:
        lines.append(f"- and {len(report.reasons) - SHOWN_REASONS} more")
    lines.append(f"{report.verdict.value}")
    return "\n".join(lines) + "\n"


def oracle_table(checked: SelfCheckResult) -> str:
    """The matrix of the self-check, a row for each fault; the oracles of a row that saw it."""
    rows = [
        (
            fault.fault,
            fault.scenario,
            "killed" if fault.killed else "SURVIVED",
            fault.schedules,
            ", ".join(fault.killed_by),
        )
        for fault in checked.faults
    ]
    return tabulate(rows, headers=("fault", "scenario", "outcome", "schedules", "seen by"))
