"""Hand-offs: what an attempt leaves to whoever goes on."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from multyagents_api.domain.errors import HandoffTooEarly
from multyagents_api.domain.redaction import redact
from multyagents_api.domain.tasks import FINISHED, TaskStatus

__all__ = ["Handoff", "NewHandoff", "check_comes_at_the_end"]


@dataclass(frozen=True, slots=True)
class NewHandoff:
    """A hand-off as a runner writes it; its artifacts belong to the same run."""

    summary: str
    details: str = ""
    next_actions: tuple[str, ...] = ()
    open_questions: tuple[str, ...] = ()
    artifact_ids: tuple[int, ...] = ()

    def redacted(self) -> "NewHandoff":
        """The hand-off without what looks like a secret."""
        return replace(
            self,
            summary=redact(self.summary),
            details=redact(self.details),
            next_actions=tuple(redact(action) for action in self.next_actions),
            open_questions=tuple(redact(question) for question in self.open_questions),
        )


@dataclass(frozen=True, slots=True)
class Handoff(NewHandoff):
    """A hand-off as it is stored; an attempt has one at most."""

    id: int = field(kw_only=True)
    run_id: int = field(kw_only=True)
    task_id: int = field(kw_only=True)
    attempt: int = field(kw_only=True)
    created_at: datetime = field(kw_only=True)


def check_comes_at_the_end(status: TaskStatus) -> None:
    """Refuse a hand-off that comes with anything but the end of an attempt.

    Raises:
        HandoffTooEarly: the attempt goes on.
    """
    if status not in FINISHED:
        raise HandoffTooEarly(status)
