"""`gatewright slo hdr REPORT`: the latencies of a report as an interval log of HdrHistogram."""

import sys
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import ExitCode
from gatewright.evidence.strict import EvidenceError, read_model
from gatewright.load import HdrInterval, hdr_log
from gatewright.suites.slo.report import SloReport

__all__ = ["log_of", "print_hdr_log"]


def print_hdr_log(path: Path) -> int:
    """Print the log of a report's file.

    Raises:
        ConfigurationError: the file is no report of an SLO suite.
    """
    try:
        report = read_model(path, SloReport)
    except EvidenceError as error:
        raise ConfigurationError(f"{path} is no report of an SLO suite: {error}") from None
    try:
        log = log_of(report)
    except OverflowError:
        raise ConfigurationError(f"{path} was begun at a time that no clock tells") from None
    sys.stdout.write(log)
    return ExitCode.PASS


def log_of(report: SloReport) -> str:
    """An interval for each scenario's judged runs, tagged with its name; latencies in nanoseconds."""
    return hdr_log(
        report.started_at,
        [
            HdrInterval(
                scenario.timeline.measured_from_s,
                scenario.measured_s,
                scenario.histogram.histogram(),
                scenario.name,
            )
            for scenario in report.scenarios
        ],
    )
