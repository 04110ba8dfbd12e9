"""Progress of a measurement: one living line on a terminal, now and then a line elsewhere."""

from math import isnan
from typing import TextIO

from gatewright.slo import Decision, ThroughputObjective
from gatewright.suites.slo.watch import Glance

__all__ = ["Progress"]

PLAIN_INTERVAL_S = 5.0
ERASE_LINE = "\r\x1b[2K"


class Progress:
    """Shows glances at a scenario.

    Args:
        name: of the scenario.
        budget_s: its longest duration, in seconds.
        stream: where to write.
    """

    def __init__(self, name: str, budget_s: float, stream: TextIO) -> None:
        self._name = name
        self._budget_s = budget_s
        self._stream = stream
        self._lively = stream.isatty()
        self._next = 0.0

    def __call__(self, glance: Glance) -> None:
        """Show a glance; without a terminal only every five seconds."""
        line = f"{self._name} {glance.seconds:4.0f}/{self._budget_s:g} s  {describe(glance)}"
        if self._lively:
            self._stream.write(ERASE_LINE + line)
        elif glance.seconds >= self._next:
            self._next = glance.seconds + PLAIN_INTERVAL_S
            self._stream.write(line + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Leave the living line behind."""
        if self._lively:
            self._stream.write(ERASE_LINE)
            self._stream.flush()


def describe(glance: Glance) -> str:
    """The figures of a glance in one line."""
    if glance.warming_up:
        return "warming up"
    latency = "/".join(
        "-" if isnan(value) else f"{value * 1e3:.0f}" for value in (glance.p50_s, glance.p95_s, glance.p99_s)
    )
    decisions = "  ".join(describe_decision(decision) for decision in glance.decisions)
    return f"{glance.runs} runs at {glance.rate:.1f}/s  p50/p95/p99 {latency} ms  {decisions}"


def in_ms(seconds: float) -> str:
    """Milliseconds, or a dash for NaN."""
    return "-" if isnan(seconds) else f"{seconds * 1e3:.0f}"


def describe_decision(decision: Decision) -> str:
    """An objective's name, exceedances against what is allowed, and the decision so far."""
    word = {"PASS": "ok", "FAIL": "FAIL"}.get(decision.verdict.value, "...")
    if isinstance(decision.objective, ThroughputObjective):
        return f"throughput {word}"
    name = decision.objective.name.removeprefix("latency_").removesuffix("_ms").removesuffix("_ratio")
    return f"{name} {decision.exceeded}/{decision.samples * decision.objective.allowed_share:.0f} {word}"
