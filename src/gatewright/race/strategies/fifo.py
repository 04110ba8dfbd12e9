"""The natural order: who came first goes on first. The baseline that other strategies are compared with."""

from gatewright.race.schedule import Choice, Picker, Trace

__all__ = ["Fifo"]


class Fifo:
    """One schedule, in which actors take turns in the order in which they reach their points."""

    name = "fifo"
    is_complete = False  # one schedule proves nothing

    def __init__(self) -> None:
        self._proposed = False

    def next_picker(self) -> Picker | None:
        """The one schedule there is."""
        if self._proposed:
            return None
        self._proposed = True
        return self

    def pick(self, choice: Choice) -> str:
        """The candidate that has waited longest."""
        return min(zip(choice.arrivals, choice.candidates, strict=True))[1]

    def learn(self, trace: Trace) -> None:
        """Nothing to learn from."""

    def achieved(self) -> str:
        """The natural order, once."""
        return "the natural order"
