"""`gatewright slo run NAME`: runs a load that the policy declares."""

import argparse
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.core.escape import printable, printable_lines
from gatewright.evidence.record import EVIDENCE
from gatewright.execution.project import Settings
from gatewright.gate.loads import Load
from gatewright.gate.policy import load_policy
from gatewright.suites.arguments import number
from gatewright.suites.slo.declared import Overrides, declared_suite
from gatewright.suites.slo.running import Engine, open_loop, run_and_publish, summary

__all__ = ["declared_load", "run_declared"]


@dataclass(frozen=True)
class RunOptions:
    """What was typed."""

    name: str
    overrides: Overrides
    output: Path | None
    json: bool


def options_of(parsed: argparse.Namespace) -> RunOptions:
    """The typed options; raises what can't be used."""
    overrides = Overrides(
        target=parsed.target,
        may_load=parsed.i_may_load,
        rate=None if parsed.rate is None else number("--rate", parsed.rate),
        seconds=None if parsed.seconds is None else number("--seconds", parsed.seconds),
        seed=parsed.seed,
    )
    return RunOptions(parsed.name, overrides, parsed.output, parsed.json)


def run_declared(parsed: argparse.Namespace, root: Path, policy: Path, *, engine: Engine = open_loop) -> int:
    """Run a declared load; returns the exit code of its verdict.

    Args:
        parsed: the command line.
        root: of the project.
        policy: its gate.toml.
        engine: measures.

    Raises:
        ConfigurationError: there is no such load, or it can't be used.
    """
    options = options_of(parsed)
    load = declared_load(options.name, policy)
    profile = Settings.read(os.environ).profile
    suite = declared_suite(options.name, load, root, options.overrides, profile=profile, command=parsed.typed)
    folder = options.output or root / EVIDENCE / f"slo-{options.name}"
    report = run_and_publish(replace(suite, engine=engine), folder, None if parsed.quiet else sys.stderr)
    sys.stdout.write(
        report.model_dump_json(indent=2) + "\n" if options.json else printable_lines(summary(report))
    )
    sys.stderr.write(f"evidence: {printable(str(folder / 'latest.json'))}\n")
    return report.verdict.exit_code


def declared_load(name: str, policy: Path) -> Load:
    """What a policy declares under `[slo.NAME]`.

    Raises:
        ConfigurationError: nothing.
    """
    loads = load_policy(policy).policy.slo
    if name not in loads:
        known = (
            f"there is {', '.join(loads)}"
            if loads
            else "declare [slo.NAME]; gatewright slo run --help shows how"
        )
        raise ConfigurationError(f"{policy.name} declares no load {name!r}", remedy=known)
    return loads[name]
