"""The closed loop: so many users, each of whom starts the next run when the last one has ended.

For the search of capacity only. It makes no claim about latency: while the service stalls, its users wait and
ask nothing, so that the stall is met by few runs and hidden from percentiles (coordinated omission). What
others would have waited, only an open loop can tell.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from gatewright.load.journey import Journey
from gatewright.load.mix import Mix
from gatewright.load.recording import Outcome
from gatewright.load.stages import require_positive
from gatewright.load.walk import DEFAULT_DEADLINE_S, Sender, Walk

__all__ = ["ClosedLoop", "ClosedResult"]

DISTINCT_FAILURES = 50


@dataclass(frozen=True)
class ClosedResult:
    """What so many users got done; there is no latency in it, and on purpose.

    Attributes:
        users: the concurrency.
        seconds: how long was measured, after the settling.
        succeeded: runs that succeeded in this time.
        failed: runs that failed in this time.
        dropped: runs in this time for which this machine had no connection.
        failures: counts by step and reason.
        generator_cpu: CPU time of this process, of one core: 1 is all of it.
    """

    users: int
    seconds: float
    succeeded: int
    failed: int
    dropped: int
    failures: tuple[tuple[str, str, int], ...]
    generator_cpu: float

    @property
    def runs_per_s(self) -> float:
        """Throughput: successful runs per second."""
        return self.succeeded / self.seconds

    @property
    def failed_share(self) -> float:
        """Of the runs that ended, 0..1; 0 when none did."""
        ended = self.succeeded + self.failed
        return self.failed / ended if ended else 0.0


class Tally:
    """Counts of runs that ended."""

    def __init__(self) -> None:
        self.succeeded = 0
        self.failed = 0
        self.dropped = 0
        self.failures: Counter[tuple[str, str]] = Counter()

    def fail(self, step: str, reason: str, *, dropped: bool) -> None:
        """A run ended otherwise than it should; the number of different reasons is bounded."""
        self.dropped += dropped
        self.failed += not dropped
        known = (step, reason) in self.failures or len(self.failures) < DISTINCT_FAILURES
        self.failures[(step, reason) if known else ("other", "further reasons")] += 1


class User:
    """One user: makes one run after the other until the loop ends."""

    def __init__(self, loop: "ClosedLoop") -> None:
        self.loop = loop
        self._run: ClosedRun | None = None

    def begin(self) -> None:
        """Start the next run."""
        if not self.loop.ended:
            self._run = ClosedRun(self)
            self._run.advance(None)

    def go_on(self) -> None:
        """A run has ended."""
        self._run = None
        # In a turn of its own: a run that fails at once must not keep all others from theirs.
        asyncio.get_running_loop().call_soon(self.begin)

    def leave(self) -> None:
        """The loop ends; the run under way counts as nothing."""
        if self._run is not None:
            self._run.abort()


class ClosedRun(Walk):
    """One run of a user; it is counted."""

    __slots__ = ("_deadline", "_user")

    def __init__(self, user: User) -> None:
        loop = user.loop
        super().__init__(loop.sender, loop.mix, loop.mix.draw())
        self._user = user
        self._deadline = asyncio.get_running_loop().call_later(loop.deadline_s, self.expire)

    def succeeded(self) -> None:
        """One more."""
        self._user.loop.tally.succeeded += 1
        self._end()

    def failed(self, reason: str, outcome: Outcome) -> None:
        """Count why, and where."""
        step = self._mix.steps[self.step]
        self._user.loop.tally.fail(step, reason, dropped=outcome is Outcome.DROPPED)
        self._end()

    def abort(self) -> None:
        """Give up; nobody hears of it."""
        self._deadline.cancel()
        super().abort()

    def _end(self) -> None:
        self._deadline.cancel()
        self._user.go_on()


class ClosedLoop:
    """Keeps so many users busy and counts what they get done.

    Args:
        sender: what carries the requests; it must allow as many at once as there are users.
        journey: what each run does; or a mix, of which each run makes one.
        users: how many.
        deadline_s: a run that takes longer is given up and counts as failed.
        cpu_clock: seconds of CPU that this process has used.

    Raises:
        ConfigurationError: a number can't be used.
    """

    def __init__(
        self,
        sender: Sender,
        journey: Journey | Mix,
        users: int,
        *,
        deadline_s: float = DEFAULT_DEADLINE_S,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        require_positive(users=users, deadline_s=deadline_s)
        self.sender = sender
        self.mix = journey if isinstance(journey, Mix) else Mix.of(journey)
        self.deadline_s = deadline_s
        self.tally = Tally()
        self.ended = False
        self._users = users
        self._cpu_clock = cpu_clock

    async def run(self, seconds: float, *, settle_s: float = 1.0) -> ClosedResult:
        """Count over some seconds, after the users have settled; runs under way at the end are given up.

        Args:
            seconds: how long is counted.
            settle_s: how long is not, before.
        """
        require_positive(seconds=seconds, settle_s=settle_s)
        users = [User(self) for _ in range(self._users)]
        try:
            for user in users:
                user.begin()
            await asyncio.sleep(settle_s)
            return await self._count(seconds)
        finally:
            self.ended = True
            for user in users:
                user.leave()

    async def _count(self, seconds: float) -> ClosedResult:
        tally = self.tally = Tally()
        clock = asyncio.get_running_loop().time
        begun, cpu = clock(), self._cpu_clock()
        await asyncio.sleep(seconds)
        elapsed = clock() - begun
        return ClosedResult(
            users=self._users,
            seconds=elapsed,
            succeeded=tally.succeeded,
            failed=tally.failed,
            dropped=tally.dropped,
            failures=tuple((step, reason, count) for (step, reason), count in tally.failures.most_common()),
            generator_cpu=(self._cpu_clock() - cpu) / elapsed,
        )
