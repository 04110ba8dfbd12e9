"""A runner that has done an attempt as soon as it has it, and says nothing of the ones it withholds."""

from collections.abc import Iterator
from itertools import pairwise
from typing import TypeAlias

from multyagents_api.scenarios.recording_runner import Delivery, RecordingRunner

__all__ = ["Attempt", "WithholdingRunner"]

Attempt: TypeAlias = tuple[str, int]
"""Task and attempt."""


class WithholdingRunner(RecordingRunner):
    """Keeps what it is handed, and answers for whoever drives the callbacks which of it is done."""

    def __init__(self) -> None:
        super().__init__()
        self._withheld: Attempt | None = None
        self._withholds = False

    @property
    def withheld(self) -> Attempt | None:
        """The attempt that it has and never speaks about."""
        return self._withheld

    def withhold(self) -> None:
        """From now on say nothing about the next attempt that somebody asks about."""
        self._withheld, self._withholds = None, True

    def has_done(self, task_id: str, attempt: int) -> bool:
        """Whether an attempt has arrived, and is not withheld."""
        if not self.has(task_id, attempt):
            return False
        if self._withholds:
            self._withheld, self._withholds = (task_id, attempt), False
        return (task_id, attempt) != self._withheld

    def handed_over_twice(self, run_id: str, within_s: float) -> Iterator[str]:
        """The attempts of a run of which two deliveries came within so many seconds."""
        by_attempt: dict[Attempt, list[Delivery]] = {}
        for delivery in self.deliveries(run_id):
            by_attempt.setdefault((delivery.task_id, delivery.attempt), []).append(delivery)
        for (task_id, attempt), deliveries in by_attempt.items():
            if any(later.at - earlier.at < within_s for earlier, later in pairwise(deliveries)):
                yield f"task {task_id} attempt {attempt} was handed to the runner twice within {within_s:g} s"
