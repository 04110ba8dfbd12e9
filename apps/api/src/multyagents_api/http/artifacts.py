"""Routes of artifacts."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import FastAPI, Query
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, Field

from multyagents_api.domain.artifacts import Artifact, ArtifactDraft, ArtifactType, WholeArtifact
from multyagents_api.http.wire import (
    MOST_COUNT,
    MOST_EXACT,
    Answer,
    Cursor,
    Demand,
    Id,
    Limit,
    Line,
    parse_id,
    without_nul,
)
from multyagents_api.service.artifacts import Artifacts
from multyagents_api.service.page import Within

__all__ = ["Place", "add_routes", "to_within"]

Place = Annotated[str | None, Query(max_length=40)]
"""The id of a run or task to look at."""


class ArtifactDemand(Demand):
    """What an attempt produced.

    `text`, `diff` and `report` carry their `content`; `file` says where it is, its `sha256` and `size`;
    `commit` has its id as `location`, and its message as `content`, if any.
    """

    task_id: Id
    attempt: Annotated[int, Field(ge=1, le=MOST_COUNT)] | None = None
    type: Literal["text", "file", "diff", "commit", "report"]
    name: Line
    content: Annotated[str, Field(max_length=200_000), AfterValidator(without_nul)] | None = None
    location: Annotated[str, Field(max_length=4_096), AfterValidator(without_nul)] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    size: Annotated[int, Field(ge=0, le=MOST_EXACT)] | None = None

    def to_draft(self) -> ArtifactDraft:
        """The artifact in the domain's words."""
        return ArtifactDraft(
            type=ArtifactType(self.type),
            name=self.name,
            content=self.content,
            location=self.location,
            sha256=self.sha256,
            size=self.size,
        )


class ArtifactSummary(Answer):
    """An artifact without its content; `size` is in bytes."""

    id: str
    run_id: str
    task_id: str
    attempt: int
    type: ArtifactType
    name: str
    location: str | None
    sha256: str
    size: int
    created_at: datetime

    @classmethod
    def of_artifact(cls, artifact: Artifact) -> "ArtifactSummary":
        """The wire's view of an artifact."""
        return cls(
            id=str(artifact.id),
            run_id=str(artifact.run_id),
            task_id=str(artifact.task_id),
            attempt=artifact.attempt,
            type=artifact.type,
            name=artifact.name,
            location=artifact.location,
            sha256=artifact.sha256,
            size=artifact.size,
            created_at=artifact.created_at,
        )


class ArtifactAnswer(ArtifactSummary):
    """An artifact with its content, as it was kept: without secrets."""

    content: str | None

    @classmethod
    def of(cls, artifact: WholeArtifact) -> "ArtifactAnswer":
        """The wire's view of an artifact."""
        summary = ArtifactSummary.of_artifact(artifact)
        return cls(**dict(summary), content=artifact.content)


class ArtifactPage(Answer):
    """Artifacts in the order of their creation; `next_cursor` is None at the end."""

    items: list[ArtifactSummary]
    next_cursor: str | None


def to_within(run_id: str | None, task_id: str | None) -> Within:
    """Where to look."""
    return Within(
        run_id=None if run_id is None else parse_id("run", run_id),
        task_id=None if task_id is None else parse_id("task", task_id),
    )


def add_routes(app: FastAPI, artifacts: Artifacts) -> None:
    """Add the routes, bound to their use cases."""

    @app.post("/artifacts", tags=["artifacts"], status_code=HTTPStatus.CREATED)
    async def create_artifact(demand: ArtifactDemand) -> ArtifactAnswer:
        """Keep what the latest attempt of a task produced."""
        task_id = parse_id("task", demand.task_id)
        return ArtifactAnswer.of(await artifacts.create(task_id, demand.attempt, demand.to_draft()))

    @app.get("/artifacts", tags=["artifacts"])
    async def list_artifacts(
        run_id: Place = None,
        task_id: Place = None,
        kind: Annotated[ArtifactType | None, Query(alias="type")] = None,
        cursor: Cursor = "0",
        limit: Limit = 100,
    ) -> ArtifactPage:
        """Artifacts, a page at a time: of a run, of a task or all; of one type only within a run or task."""
        if kind is not None and run_id is None and task_id is None:
            msg = "a type is looked for only within a run_id or a task_id"
            raise RequestValidationError([{"type": "value_error", "loc": ("query", "type"), "msg": msg}])
        within = to_within(run_id, task_id)
        page = await artifacts.page(within, kind=kind, after=int(cursor), limit=limit)
        items = [ArtifactSummary.of_artifact(artifact) for artifact in page.items]
        return ArtifactPage(items=items, next_cursor=items[-1].id if page.has_more else None)

    @app.get("/artifacts/{artifact_id}", tags=["artifacts"])
    async def get_artifact(artifact_id: str) -> ArtifactAnswer:
        """One artifact with its content."""
        return ArtifactAnswer.of(await artifacts.get(parse_id("artifact", artifact_id)))
