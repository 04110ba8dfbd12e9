"""Progress of a measurement: a small living block on a terminal, now and then a line elsewhere."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from math import isnan
from types import TracebackType
from typing import Self, TextIO

from gatewright.core.escape import columns, printable
from gatewright.core.verdict import Verdict
from gatewright.report.living import LivingBlock, Span, is_living, terminal_size
from gatewright.report.progress import wants_colour
from gatewright.report.text import COLOURS
from gatewright.slo import Decision, ThroughputObjective
from gatewright.suites.slo.watch import Glance
from gatewright.suites.slo.words import metric_words

__all__ = ["Progress"]

PLAIN_INTERVAL_S = 5.0
NAME_COLUMNS = 30
BAR_COLUMNS = 24
BOLD, DIM = "1", "2"
SIGNS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: "…"}
PLAIN_SIGNS = {Verdict.PASS: "+", Verdict.FAIL: "x", Verdict.INCONCLUSIVE: "."}
WORDS = {Verdict.PASS: "kept", Verdict.FAIL: "broken", Verdict.INCONCLUSIVE: "not decided"}


class Progress:
    """Shows glances at a scenario; as a context it leaves the terminal as it was, also after Ctrl-C.

    Args:
        name: of the scenario.
        budget_s: its longest duration, in seconds.
        stream: where to write.
        rate: runs offered per second; not shown when None.
        size: of the terminal; asked of it when None.
    """

    def __init__(
        self,
        name: str,
        budget_s: float,
        stream: TextIO,
        *,
        rate: float | None = None,
        size: Callable[[], os.terminal_size] | None = None,
    ) -> None:
        self._name = printable(name)
        self._budget_s = budget_s
        self._stream = stream
        self._rate = rate
        self._fancy = can_say("✓✗…█░≤≥", stream)
        self._block = (
            LivingBlock(stream, size or partial(terminal_size, stream), colour=wants_colour(stream))
            if is_living(stream)
            else None
        )
        self._next = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __call__(self, glance: Glance) -> None:
        """Show a glance; without a terminal only every five seconds."""
        if self._block is not None:
            self._block.show(list(self._lines(glance)))
        elif glance.seconds >= self._next:
            self._next = glance.seconds + PLAIN_INTERVAL_S
            seconds = f"{glance.seconds:4.0f}/{self._budget_s:g} s"
            self._stream.write(f"{self._name} {seconds}  {describe(glance)}\n")
            self._stream.flush()

    def close(self) -> None:
        """Leave nothing of the living block behind."""
        if self._block is not None:
            self._block.close()

    def _lines(self, glance: Glance) -> Iterator[list[Span]]:
        """The block: time, rate, latencies, and a line for each objective."""
        time = f" {glance.seconds:.0f} of at most {self._budget_s:g} s"
        yield [Span(self._name, BOLD), Span("  "), Span(self._bar(glance.seconds)), Span(time, DIM)]
        offered = "" if self._rate is None else f", {self._rate:g}/s offered"
        if glance.warming_up:
            yield [Span(f"  warming up{offered}", DIM)]
            return
        yield [Span(f"  {glance.runs:,} runs judged{offered}, {glance.rate:.1f}/s achieved")]
        yield [Span(f"  p50 {in_ms(glance.p50_s)}, p95 {in_ms(glance.p95_s)}, p99 {in_ms(glance.p99_s)} ms")]
        names = [metric_words(decision.objective.name) for decision in glance.decisions]
        width = min(NAME_COLUMNS, max(map(columns, names), default=0))
        for name, decision in zip(names, glance.decisions, strict=True):
            yield self._objective(name, width, decision)

    def _objective(self, name: str, width: int, decision: Decision) -> list[Span]:
        """One objective: decision so far, name, exceedances against what is allowed."""
        verdict = decision.verdict
        sign = (SIGNS if self._fancy else PLAIN_SIGNS)[verdict]
        style = DIM if verdict is Verdict.INCONCLUSIVE else f"1;{COLOURS[verdict]}"
        room = " " * max(0, width - columns(name))
        return [
            Span(f"  {sign} ", style),
            Span(f"{name}{room}  "),
            Span(counts(decision)),
            Span(f"  {WORDS[verdict]}", style),
        ]

    def _bar(self, seconds: float) -> str:
        """How much of the budget is spent."""
        spent = round(BAR_COLUMNS * min(1.0, max(0.0, seconds / self._budget_s)))
        full, empty = "█░" if self._fancy else "#-"
        return full * spent + empty * (BAR_COLUMNS - spent)


def can_say(text: str, stream: TextIO) -> bool:
    """Whether a stream's encoding has these characters."""
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def counts(decision: Decision) -> str:
    """What was seen against what is allowed: runs, or the bounds of a rate."""
    if isinstance(decision.objective, ThroughputObjective):
        least = decision.objective.runs_per_s
        return f"{decision.lower:.1f} to {decision.upper:.1f}/s, at least {least:g}"
    allowed = decision.samples * decision.objective.allowed_share
    return f"{decision.exceeded:,} exceed, {allowed:,.1f} may"


def describe(glance: Glance) -> str:
    """The figures of a glance in one line."""
    if glance.warming_up:
        return "warming up"
    latency = "/".join(map(in_ms, (glance.p50_s, glance.p95_s, glance.p99_s)))
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
