"""A clock that goes when it is told to."""

from datetime import UTC, datetime, timedelta

__all__ = ["FakeClock"]


class FakeClock:
    """A clock of the test's own; each look at it may move it on.

    Args:
        now: where it starts.
        step_s: how far every look moves it, in seconds.
    """

    def __init__(
        self, now: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC), *, step_s: float = 0.0
    ) -> None:
        self._start = now
        self._elapsed_s = 0.0
        self._step_s = step_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed_s += seconds

    def now(self) -> datetime:
        """The wall clock."""
        self.advance(self._step_s)
        return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        """The monotonic clock."""
        self.advance(self._step_s)
        return self._elapsed_s
