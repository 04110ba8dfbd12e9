"""The open loop: runs start when the schedule says so, whatever became of the earlier ones."""

import asyncio
import time
from collections.abc import Callable, Iterator
from math import inf

from gatewright.load.journey import Journey
from gatewright.load.mix import Mix
from gatewright.load.recording import Outcome, Recording
from gatewright.load.walk import DEFAULT_DEADLINE_S, Sender, Walk

__all__ = ["Observer", "OpenLoop"]

OBSERVE_INTERVAL_S = 0.1
LEAD_S = 0.02
PATIENCE_S = 1.0

Observer = Callable[[Recording, float], bool]


class Run(Walk):
    """One run of an open loop; it is recorded."""

    __slots__ = ("_loop", "_sent", "number")

    def __init__(self, loop: "OpenLoop", journey: int, scheduled: float) -> None:
        super().__init__(loop.sender, loop.mix, journey)
        self._loop = loop
        self._sent = loop.clock()
        self.number = loop.recording.begin(scheduled, self._sent, journey)
        loop.under_way[self.number] = self

    def answered(self, status: int, body: bytes) -> None:
        """The answer of the present step."""
        now = self._loop.clock()
        self._loop.recording.answer(self.number, self.step, now - self._sent)
        self._sent = now
        super().answered(status, body)

    def succeeded(self) -> None:
        """Every step was answered as it should be."""
        self._loop.under_way.pop(self.number, None)
        self._loop.recording.succeed(self.number, self._loop.clock())

    def failed(self, reason: str, outcome: Outcome) -> None:
        """Keep why and where."""
        loop = self._loop
        loop.under_way.pop(self.number, None)
        loop.recording.fail(self.number, loop.clock(), step=self.step, reason=reason, outcome=outcome)


class OpenLoop:
    """Starts a run at each arrival of a schedule and records what becomes of it.

    Args:
        sender: what carries the requests.
        journey: what each run does; or a mix, of which each run makes one.
        arrivals: the schedule, in seconds from the start.
        deadline_s: a run that takes longer from its schedule on is given up and counts as failed.
        clock: monotonic seconds; the running event loop's timers must follow it.
    """

    def __init__(
        self,
        sender: Sender,
        journey: Journey | Mix,
        arrivals: Iterator[float],
        *,
        deadline_s: float = DEFAULT_DEADLINE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sender = sender
        self.clock = clock
        self.mix = journey if isinstance(journey, Mix) else Mix.of(journey)
        self.recording = Recording(self.mix.steps, self.mix.names)
        self.under_way: dict[int, Run] = {}
        self._arrivals = arrivals
        self._deadline_s = deadline_s

    async def run(self, observer: Observer) -> Recording:
        """Follow the schedule to its end, then let runs under way end.

        When the observer says stop, its answer is known: runs under way get a second to end, and those that
        don't are left pending.

        Args:
            observer: called ten times a second with the recording and the moment; returns whether to stop.
        """
        start = self.recording.started = self.clock() + LEAD_S
        patience_s = inf
        pacing = asyncio.create_task(self._pace(start))
        try:
            while not pacing.done():
                await asyncio.wait({pacing}, timeout=OBSERVE_INTERVAL_S)
                self._expire()
                if observer(self.recording, self.clock()):
                    patience_s = PATIENCE_S
                    break
        finally:
            pacing.cancel()
        if pacing.done() and not pacing.cancelled():
            pacing.result()
        await self._drain(patience_s)
        return self.recording

    async def _pace(self, start: float) -> None:
        for offset in self._arrivals:
            due = start + offset
            # Behind the schedule it still lets answers in; timers of some loops fire up to 1 ms early.
            await asyncio.sleep(max(0.0, due - self.clock()))
            while (wait := due - self.clock()) > 0:  # noqa: ASYNC110 - no event tells that it is time
                await asyncio.sleep(wait)
            Run(self, self.mix.draw(), due).advance(None)

    async def _drain(self, patience_s: float) -> None:
        end = self.clock() + patience_s
        while self.under_way and self.clock() < end:
            await asyncio.sleep(OBSERVE_INTERVAL_S / 10)
            self._expire()

    def _expire(self) -> None:
        """Give up runs that are over their deadline; runs are in the order of their schedule."""
        oldest = self.clock() - self._deadline_s
        expired = []
        for number, run in self.under_way.items():
            if self.recording.scheduled[number] > oldest:
                break
            expired.append(run)
        for run in expired:
            run.expire()
