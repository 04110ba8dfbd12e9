"""The protocol of a strategy."""

from typing import Protocol

from gatewright.race.schedule import Picker, Trace

__all__ = ["Strategy"]


class Strategy(Protocol):
    """Proposes schedules one after the other and learns from each."""

    @property
    def name(self) -> str:
        """The name in reports and on command lines."""
        ...

    def next_picker(self) -> Picker | None:
        """The next schedule to run; None when there is nothing left to propose."""
        ...

    def learn(self, trace: Trace) -> None:
        """Take note of how the schedule proposed last went."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether all that it set out to do is done, and is enough for a PASS."""
        ...

    def achieved(self) -> str:
        """What the schedules so far have covered, as a short phrase for the report."""
        ...
