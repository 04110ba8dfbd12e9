"""The command line of a suite of drills."""

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
from gatewright.core.escape import printable_lines
from gatewright.core.interrupts import end_as_by_ctrl_c
from gatewright.report.command import as_typed
from gatewright.suites.arguments import Figure, OneLineParser, add_figures, read_figures
from gatewright.suites.carrying_out import Evidence, carry_out, profile_of, refuse
from gatewright.suites.drill.markdown import violated
from gatewright.suites.drill.report import DrillReport
from gatewright.suites.drill.suite import (
    DrillSuite,
    DrillSuiteConfig,
    announce_drills,
    publish_drill_report,
    unfinished_report,
)
from gatewright.suites.progress import Lines, SuiteProgress

__all__ = ["drill_command"]

SHOWN_REASONS = 10

EPILOG = """\
verdicts and exit codes:
  0 PASS          everything that must hold was looked at, and held
  1 FAIL          something did not hold; the report says what, and when
  2               the command line or the environment can't be used
  3 INCONCLUSIVE  it could not be known: a drill could not be carried out, or something was never looked at

What this machine can't run is skipped, and the report says so; under CI it is a failure.

examples:
  PROGRAM                        every drill
  PROGRAM --drill NAME           this one only
  PROGRAM --profile full --json  more of it, for machines
"""

Config = TypeVar("Config", bound=DrillSuiteConfig)


def drill_command(
    run: Callable[[Config, SuiteProgress], DrillReport],
    profiles: Mapping[str, Config],
    argv: Sequence[str] | None = None,
    *,
    program: str,
    suite: str,
    description: str,
    environment: Mapping[str, str],
    figures: Mapping[str, Figure] | None = None,
    prefix: str = "",
) -> int:
    """Parse, run, write the evidence, print the outcome; the exit code is the verdict's.

    Args:
        run: runs the suite.
        profiles: configurations by name; the first is the default.
        argv: the arguments; those of the process when None.
        program: the name in the help.
        suite: the suite's name in reports.
        description: what the suite does, for the help.
        environment: `GATEWRIGHT_PROFILE` chooses the profile where no flag does.
        figures: whole numbers that a flag, or a variable with the prefix, sets in the configuration, by the
            name of its field; what nobody sets is as the profile says.
        prefix: of the variables.
    """
    figures = figures or {}
    options = parser(profiles, program, description, tuple(figures.values()), prefix).parse_args(argv)
    end_as_by_ctrl_c()
    try:
        config = configured(options, profiles, environment, figures, prefix)
    except GatewrightError as error:
        return refuse(program, error)
    clock = SystemClock()
    started_at = clock.now()

    def unfinished(why: str) -> DrillReport:
        return unfinished_report(DrillSuite(suite, (), program), config, why, started_at, clock.now())

    evidence = Evidence(
        announce=partial(announce_drills, config.output),
        publish=partial(publish_drill_report, config.output),
        unfinished=unfinished,
    )

    def show(report: DrillReport) -> str:
        return report.model_dump_json(indent=2) + "\n" if options.json else summary(report)

    return carry_out(program, lambda: run(config, Lines(sys.stderr, every=1)), evidence, show)


def parser(
    profiles: Mapping[str, DrillSuiteConfig],
    program: str,
    description: str,
    figures: Sequence[Figure],
    prefix: str,
) -> argparse.ArgumentParser:
    """The flags."""
    arguments = OneLineParser(
        prog=program,
        description=description,
        epilog=EPILOG.replace("PROGRAM", program),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = arguments.add_argument
    add("--profile", choices=tuple(profiles), help="how much to do; the flags below overrule it")
    add("--drill", action="append", metavar="NAME", help="this one only; may be given again")
    add("--database", action="append", metavar="NAME", help="on this one only; may be given again")
    add("--seed", type=int, metavar="N", help="of whatever is drawn by chance")
    add_figures(arguments, figures, prefix)
    add("--output-dir", type=Path, metavar="DIR", help="where the evidence goes")
    add("--json", action="store_true", help="print the whole report as JSON")
    return arguments


def configured(
    options: argparse.Namespace,
    profiles: Mapping[str, Config],
    environment: Mapping[str, str],
    figures: Mapping[str, Figure],
    prefix: str,
) -> Config:
    """The profile with what flags and environment overrule.

    Raises:
        ConfigurationError: a value that can't be used.
    """
    profile = profile_of(profiles, options.profile, environment)
    read = read_figures(options, tuple(figures.values()), prefix, environment) if figures else {}
    changes: dict[str, Any] = {
        field: whole(figure, read[figure.name])
        for field, figure in figures.items()
        if is_set(options, figure, prefix, environment)
    }
    given = {
        "drills": tuple(dict.fromkeys(options.drill)) if options.drill else None,
        "places": tuple(dict.fromkeys(options.database)) if options.database else None,
        "seed": options.seed,
        "output": options.output_dir,
    }
    return replace(profile, **changes, **{name: value for name, value in given.items() if value is not None})


def is_set(options: argparse.Namespace, figure: Figure, prefix: str, environment: Mapping[str, str]) -> bool:
    """Whether anybody set a figure."""
    return getattr(options, figure.attribute) is not None or figure.variable(prefix) in environment


def whole(figure: Figure, value: float) -> int:
    """A figure as the whole number that it must be.

    Raises:
        ConfigurationError: it is none.
    """
    if value != int(value):
        raise ConfigurationError(f"--{figure.name} must be a whole number, not {value:g}")
    return int(value)


def summary(report: DrillReport) -> str:
    """The outcome for a terminal."""
    rows = [
        (result.title, result.verdict.value, result.repetitions, violated(result)) for result in report.drills
    ]
    lines = [tabulate(rows, headers=("drill", "verdict", "repetitions", "violated"))] if rows else []
    lines += [f"skipped: {each.drill} {each.place}: {each.reason}" for each in report.skipped]
    lines.append("")
    for reason in report.reasons[:SHOWN_REASONS]:
        lines.append(f"- {reason.message}")
        lines += [f"  {as_typed(reason.command)}"] if reason.command else []
    if len(report.reasons) > SHOWN_REASONS:
        lines.append(f"- and {len(report.reasons) - SHOWN_REASONS} more")
    lines.append(report.verdict.value)
    return printable_lines("\n".join(lines) + "\n")
