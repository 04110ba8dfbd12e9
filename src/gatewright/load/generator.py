"""The open loop: runs start when the schedule says so, whatever became of the earlier ones."""

import asyncio
import time
from collections.abc import Callable, Generator, Iterator
from math import inf
from typing import Protocol

from gatewright.load.client import OutOfConnectionsError, Receiver, Sending
from gatewright.load.journey import Answer, Call, Journey, StepFailedError
from gatewright.load.mix import Mix
from gatewright.load.recording import Outcome, Recording
from gatewright.load.request import Request

__all__ = ["DEFAULT_DEADLINE_S", "OpenLoop", "Sender"]

DEFAULT_DEADLINE_S = 5.0
OBSERVE_INTERVAL_S = 0.1
LEAD_S = 0.02
PATIENCE_S = 1.0

Observer = Callable[[Recording, float], bool]


class Sender(Protocol):
    """What carries requests: an HTTP client, or the application itself."""

    def send(self, request: Request, receiver: Receiver) -> Sending:
        """Send a request; the receiver hears of its answer, never before this returns."""
        ...


class Run:
    """One run under way: feeds each answer to the journey and sends what it yields next."""

    __slots__ = ("_calls", "_journey", "_loop", "_sending", "_sent", "_step", "number")

    def __init__(self, loop: "OpenLoop", journey: int) -> None:
        self._loop = loop
        self._journey = journey
        self._calls: Generator[Call, Answer, None] = loop.mix.journeys[journey].run()
        self._sending: Sending | None = None
        self._sent = 0.0
        self._step = loop.mix.number(journey, 0)
        self.number = 0

    def begin(self, scheduled: float) -> None:
        """Send the first request."""
        loop = self._loop
        self._sent = loop.clock()
        self.number = loop.recording.begin(scheduled, self._sent, self._journey)
        loop.under_way[self.number] = self
        self._advance(None)

    def answered(self, status: int, body: bytes) -> None:
        """The answer of the present step."""
        now = self._loop.clock()
        self._loop.recording.answer(self.number, self._step, now - self._sent)
        self._sent = now
        self._advance(Answer(status, body))

    def broken(self, error: Exception) -> None:
        """The present step gets no answer."""
        if isinstance(error, OutOfConnectionsError):
            self._fail(str(error), Outcome.DROPPED)
        else:
            self._fail(type(error).__name__)

    def expire(self) -> None:
        """The deadline of the run is over."""
        if self._sending is not None:
            self._sending.abort()
        self._fail("no answer within the deadline")

    def _advance(self, answer: Answer | None) -> None:
        loop = self._loop
        try:
            call = next(self._calls) if answer is None else self._calls.send(answer)
            self._step = loop.mix.number(self._journey, call.step)
            self._sending = loop.sender.send(call.request, self)
        except StopIteration:
            loop.under_way.pop(self.number, None)
            loop.recording.succeed(self.number, loop.clock())
        except StepFailedError as failure:
            self._fail(str(failure))
        except OutOfConnectionsError as failure:
            self._fail(str(failure), Outcome.DROPPED)
        except Exception as error:  # noqa: BLE001 - whatever the answer broke, it is this run that failed
            self._fail(f"unreadable answer: {type(error).__name__}")

    def _fail(self, reason: str, outcome: Outcome = Outcome.FAILED) -> None:
        loop = self._loop
        loop.under_way.pop(self.number, None)
        loop.recording.fail(self.number, loop.clock(), step=self._step, reason=reason, outcome=outcome)
        self._calls.close()


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
            Run(self, self.mix.draw()).begin(due)

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
