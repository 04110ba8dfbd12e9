"""The wire's view of hand-offs, and their routes."""

from datetime import datetime
from typing import Annotated

from fastapi import FastAPI
from pydantic import Field

from multyagents_api.domain.errors import NotFound, UnknownArtifact
from multyagents_api.domain.handoffs import Handoff, NewHandoff
from multyagents_api.http.artifacts import Place, to_within
from multyagents_api.http.wire import Answer, Cursor, Demand, Id, Limit, Line, Note, Text, parse_id
from multyagents_api.service.handoffs import Handoffs

__all__ = ["HandoffDemand", "add_routes"]

Lines = Annotated[list[Line], Field(max_length=20, default_factory=list)]


class HandoffDemand(Demand):
    """What an attempt leaves to whoever goes on; its artifacts belong to the same run."""

    summary: Note
    details: Text = ""
    next_actions: Lines
    open_questions: Lines
    artifact_ids: Annotated[list[Id], Field(max_length=100, default_factory=list)]

    def to_handoff(self) -> NewHandoff:
        """The hand-off in the domain's words; an artifact that is named twice is meant once."""
        return NewHandoff(
            summary=self.summary,
            details=self.details,
            next_actions=tuple(self.next_actions),
            open_questions=tuple(self.open_questions),
            artifact_ids=tuple(dict.fromkeys(_artifact(artifact_id) for artifact_id in self.artifact_ids)),
        )


def _artifact(artifact_id: str) -> int:
    try:
        return parse_id("artifact", artifact_id)
    except NotFound:
        raise UnknownArtifact(artifact_id) from None


class HandoffAnswer(Answer):
    """A hand-off, as it was kept: without secrets."""

    id: str
    run_id: str
    task_id: str
    attempt: int
    summary: str
    details: str
    next_actions: list[str]
    open_questions: list[str]
    artifact_ids: list[str]
    created_at: datetime

    @classmethod
    def of(cls, handoff: Handoff) -> "HandoffAnswer":
        """The wire's view of a hand-off."""
        return cls(
            id=str(handoff.id),
            run_id=str(handoff.run_id),
            task_id=str(handoff.task_id),
            attempt=handoff.attempt,
            summary=handoff.summary,
            details=handoff.details,
            next_actions=list(handoff.next_actions),
            open_questions=list(handoff.open_questions),
            artifact_ids=[str(artifact_id) for artifact_id in handoff.artifact_ids],
            created_at=handoff.created_at,
        )


class HandoffPage(Answer):
    """Hand-offs in the order of their creation; `next_cursor` is None at the end."""

    items: list[HandoffAnswer]
    next_cursor: str | None


def add_routes(app: FastAPI, handoffs: Handoffs) -> None:
    """Add the routes, bound to their use cases."""

    @app.get("/handoffs", tags=["hand-offs"])
    async def list_handoffs(
        run_id: Place = None, task_id: Place = None, cursor: Cursor = "0", limit: Limit = 100
    ) -> HandoffPage:
        """Hand-offs, a page at a time: of a run, of a task or all."""
        page = await handoffs.page(to_within(run_id, task_id), after=int(cursor), limit=limit)
        items = [HandoffAnswer.of(handoff) for handoff in page.items]
        return HandoffPage(items=items, next_cursor=items[-1].id if page.has_more else None)

    @app.get("/tasks/{task_id}/handoff", tags=["hand-offs"])
    async def get_task_handoff(task_id: str) -> HandoffAnswer:
        """The hand-off of the latest attempt of a task that has one."""
        return HandoffAnswer.of(await handoffs.latest_of(parse_id("task", task_id)))
