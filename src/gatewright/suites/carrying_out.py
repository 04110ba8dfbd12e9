"""Carries a suite out from a command line: evidence before, after, and whatever comes in between."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.evidence.record import Published
from gatewright.evidence.report import SuiteReport

__all__ = ["Evidence", "carry_out", "profile_of", "refuse"]

INTERRUPTED = 130

Report = TypeVar("Report", bound=SuiteReport)
Config = TypeVar("Config")


@dataclass(frozen=True)
class Evidence(Generic[Report]):
    """How a suite's evidence is written.

    Attributes:
        announce: lets the latest evidence say that a run has begun: a killed one leaves no older PASS then.
        publish: writes a report.
        unfinished: the report of a run that did not come to its end, by why.
    """

    announce: Callable[[Report], None]
    publish: Callable[[Report], Published]
    unfinished: Callable[[str], Report]


def carry_out(
    program: str, run: Callable[[], Report], evidence: Evidence[Report], show: Callable[[Report], str]
) -> int:
    """Announce, run, publish and show; the exit code is the verdict's.

    Args:
        program: as it was called, for what is said on stderr.
        run: the suite.
        evidence: how it is written.
        show: what is printed of the report.
    """
    try:
        evidence.announce(evidence.unfinished("a run has begun and not finished"))
    except GatewrightError as error:
        return refuse(program, error)
    try:
        report = run()
    except KeyboardInterrupt:
        evidence.publish(evidence.unfinished("the run was interrupted"))
        sys.stderr.write(f"{program}: interrupted\n")
        return INTERRUPTED
    except GatewrightError as error:
        evidence.publish(evidence.unfinished(str(error)))
        return refuse(program, error)
    published = evidence.publish(report)
    sys.stdout.write(show(report))
    sys.stderr.write(f"evidence: {published.json}\n")
    return report.verdict.exit_code


def refuse(program: str, error: GatewrightError) -> int:
    """One line for what the user can mend."""
    sys.stderr.write(f"{program}: {error}\n")
    return error.exit_code


def profile_of(profiles: Mapping[str, Config], flag: str | None, environment: Mapping[str, str]) -> Config:
    """The configuration of a profile: the flag's, else `GATEWRIGHT_PROFILE`'s, else the first.

    Raises:
        ConfigurationError: there is none of that name.
    """
    wanted = flag or environment.get("GATEWRIGHT_PROFILE")
    profile = profiles.get(wanted or next(iter(profiles)))
    if profile is None:
        raise ConfigurationError(f"no profile {wanted!r}", remedy=f"there are {', '.join(profiles)}")
    return profile
