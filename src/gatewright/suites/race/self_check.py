"""The self-check by itself: whether the scenarios of planted faults see every one of them."""

from collections.abc import Sequence
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.race.selfcheck import PlantedFault
from gatewright.suites.progress import SuiteProgress
from gatewright.suites.race.config import SELF_CHECK, RaceSuiteConfig
from gatewright.suites.race.imports import import_allowed
from gatewright.suites.race.report import RaceReport
from gatewright.suites.race.suite import RaceSuite, run_race_suite

__all__ = ["check_faults", "find_faults"]

SUITE = "race-self-check"


def find_faults(path: str, allowed: Sequence[str]) -> tuple[PlantedFault, ...]:
    """The planted faults at an import path `module:name`; nothing is imported that the caller does not allow.

    Raises:
        ConfigurationError: no path, not allowed, not there, or no faults.
    """
    if not path:
        raise ConfigurationError(
            "no planted faults are named", remedy="name them, MODULE:NAME, or let the policy's gate.faults do"
        )
    found = import_allowed(path, allowed, who="the self-check")
    if not (isinstance(found, Sequence) and found and all(isinstance(each, PlantedFault) for each in found)):
        raise ConfigurationError(f"the self-check names {path}, which is no sequence of planted faults")
    return tuple(found)


def check_faults(
    faults: Sequence[PlantedFault], output: Path, command: str, progress: SuiteProgress | None = None
) -> RaceReport:
    """Plant one fault after the other, and tell which scenario and which of its oracles saw it.

    Args:
        faults: all of them; their scenarios share an app.
        output: where the evidence will stand.
        command: how a user runs this, for the reasons.
        progress: is told how it goes on.
    """
    scenarios = tuple(dict.fromkeys(fault.scenario for fault in faults))
    suite = RaceSuite(name=SUITE, scenarios=scenarios, faults=tuple(faults), servers={}, command=command)
    config = RaceSuiteConfig(modes=SELF_CHECK, output=output)
    return run_race_suite(suite, config, progress=progress)
