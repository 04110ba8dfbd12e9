"""What attempts leave behind: artifacts and hand-offs, read and written, and when the attempts began."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, or_, select

from multyagents_api.domain.artifacts import (
    Artifact,
    ArtifactType,
    NewArtifact,
    ProducedArtifact,
    WholeArtifact,
)
from multyagents_api.domain.handoffs import Handoff, NewHandoff
from multyagents_api.domain.summaries import DispatchTimes
from multyagents_api.domain.tasks import Task, TaskStatus
from multyagents_api.storage.rows import (
    ARTIFACT_COLUMNS,
    artifact_from_row,
    from_micros,
    handoff_from_row,
    to_micros,
    whole_artifact_from_row,
)
from multyagents_api.storage.tables import artifacts, dispatches, handoffs, tasks

if TYPE_CHECKING:  # the reader is made of these reads
    from multyagents_api.storage.reads import Connection

__all__ = ["MOST_ARTIFACTS", "ResultReads", "ResultWrites"]

MOST_ARTIFACTS = 100
"""How many artifacts one look can tell apart."""


ARTIFACT = select(artifacts).where(artifacts.c.id == bindparam("artifact_id"))
ARTIFACTS_AFTER = (
    select(*ARTIFACT_COLUMNS)
    .where(artifacts.c.id > bindparam("after"))
    .order_by(artifacts.c.id)
    .limit(bindparam("limit"))
)
ARTIFACTS_OF_RUN_AFTER = ARTIFACTS_AFTER.where(artifacts.c.run_id == bindparam("run_id"))
ARTIFACTS_OF_TASK_AFTER = ARTIFACTS_AFTER.where(artifacts.c.task_id == bindparam("task_id"))
OF_TYPE = {
    statement: statement.where(artifacts.c.type == bindparam("kind"))
    for statement in (ARTIFACTS_AFTER, ARTIFACTS_OF_RUN_AFTER, ARTIFACTS_OF_TASK_AFTER)
}
ARTIFACTS_OF_RUN = (
    select(
        tasks.c.step_id,
        artifacts.c.type,
        artifacts.c.name,
        artifacts.c.attempt,
        tasks.c.attempt.label("latest_attempt"),
    )
    .join_from(artifacts, tasks, tasks.c.id == artifacts.c.task_id)
    .where(artifacts.c.run_id == bindparam("run_id"))
)
KNOWN_ARTIFACTS = select(artifacts.c.id).where(
    artifacts.c.run_id == bindparam("run_id"),
    or_(*(artifacts.c.id == bindparam(f"artifact_{index}") for index in range(MOST_ARTIFACTS))),
)
INSERT_ARTIFACT = (
    insert(artifacts)
    .from_select(
        [*ARTIFACT_COLUMNS[1:], artifacts.c.content],
        select(
            tasks.c.run_id,
            tasks.c.id,
            tasks.c.attempt,
            bindparam("the_type", type_=artifacts.c.type.type),
            bindparam("the_name", type_=artifacts.c.name.type),
            bindparam("the_location", type_=artifacts.c.location.type),
            bindparam("the_sha256", type_=artifacts.c.sha256.type),
            bindparam("the_size", type_=artifacts.c.size.type),
            bindparam("now", type_=artifacts.c.created_at.type),
            bindparam("the_content", type_=artifacts.c.content.type),
        ).where(
            tasks.c.id == bindparam("the_task"),
            tasks.c.attempt == bindparam("expected_attempt"),
            tasks.c.status != TaskStatus.CREATED.value,
        ),
    )
    .returning(*artifacts.c)
)

HANDOFFS_AFTER = (
    select(handoffs)
    .where(handoffs.c.id > bindparam("after"))
    .order_by(handoffs.c.id)
    .limit(bindparam("limit"))
)
HANDOFFS_OF_RUN_AFTER = HANDOFFS_AFTER.where(handoffs.c.run_id == bindparam("run_id"))
HANDOFFS_OF_TASK_AFTER = (
    select(handoffs)
    .where(handoffs.c.task_id == bindparam("task_id"), handoffs.c.id > bindparam("after"))
    .order_by(handoffs.c.attempt)
    .limit(bindparam("limit"))
)
"""Within a task, attempts are in the order of ids, and have the index."""
LATEST_HANDOFF = (
    select(handoffs)
    .where(handoffs.c.task_id == bindparam("task_id"))
    .order_by(handoffs.c.attempt.desc())
    .limit(1)
)
INSERT_HANDOFF = insert(handoffs).returning(*handoffs.c)

_first, _latest = dispatches.alias("first_dispatch"), dispatches.alias("latest_dispatch")
DISPATCH_TIMES = (
    select(tasks.c.id, _first.c.created_at.label("first_at"), _latest.c.created_at.label("latest_at"))
    .join_from(tasks, _first, (_first.c.task_id == tasks.c.id) & (_first.c.attempt == 1))
    .join(_latest, (_latest.c.task_id == tasks.c.id) & (_latest.c.attempt == tasks.c.attempt))
    .where(tasks.c.run_id == bindparam("run_id"))
)


class ResultReads:
    """Reads of what attempts left behind."""

    _connection: "Connection"

    async def artifact(self, artifact_id: int) -> WholeArtifact | None:
        """One artifact with its content."""
        row = (await self._connection.execute(ARTIFACT, {"artifact_id": artifact_id})).one_or_none()
        return None if row is None else whole_artifact_from_row(row)

    async def artifacts_after(
        self, after: int, *, run_id: int | None, task_id: int | None, kind: ArtifactType | None, limit: int
    ) -> list[Artifact]:
        """Artifacts with a greater id, in order: of a task, else of a run, else all; also of one type."""
        parameters: dict[str, int | str] = {"after": after, "limit": limit}
        statement = ARTIFACTS_AFTER
        if task_id is not None:
            statement, parameters["task_id"] = ARTIFACTS_OF_TASK_AFTER, task_id
        elif run_id is not None:
            statement, parameters["run_id"] = ARTIFACTS_OF_RUN_AFTER, run_id
        if kind is not None:
            statement, parameters["kind"] = OF_TYPE[statement], kind.value
        rows = (await self._connection.execute(statement, parameters)).all()
        return [artifact_from_row(row) for row in rows]

    async def artifacts_of_run(self, run_id: int) -> list[ProducedArtifact]:
        """What the steps of a run produced, in no order."""
        rows = (await self._connection.execute(ARTIFACTS_OF_RUN, {"run_id": run_id})).all()
        return [
            ProducedArtifact(
                row.step_id, ArtifactType(row.type), row.name, is_current=row.attempt == row.latest_attempt
            )
            for row in rows
        ]

    async def known_artifacts(self, run_id: int, artifact_ids: Sequence[int]) -> frozenset[int]:
        """Those of the given artifacts, `MOST_ARTIFACTS` at most, that belong to the run."""
        if not artifact_ids:
            return frozenset()
        asked = [*artifact_ids, *[artifact_ids[-1]] * (MOST_ARTIFACTS - len(artifact_ids))]
        parameters = {f"artifact_{index}": artifact_id for index, artifact_id in enumerate(asked)}
        result = await self._connection.execute(KNOWN_ARTIFACTS, {"run_id": run_id, **parameters})
        return frozenset(result.scalars())

    async def handoffs_after(
        self, after: int, *, run_id: int | None, task_id: int | None, limit: int
    ) -> list[Handoff]:
        """Hand-offs with a greater id, in order: of a task, else of a run, else all."""
        parameters = {"after": after, "limit": limit}
        statement = HANDOFFS_AFTER
        if task_id is not None:
            statement, parameters["task_id"] = HANDOFFS_OF_TASK_AFTER, task_id
        elif run_id is not None:
            statement, parameters["run_id"] = HANDOFFS_OF_RUN_AFTER, run_id
        rows = (await self._connection.execute(statement, parameters)).all()
        return [handoff_from_row(row) for row in rows]

    async def latest_handoff(self, task_id: int) -> Handoff | None:
        """The hand-off of the latest attempt of a task that has one."""
        row = (await self._connection.execute(LATEST_HANDOFF, {"task_id": task_id})).one_or_none()
        return None if row is None else handoff_from_row(row)

    async def dispatch_times(self, run_id: int) -> list[DispatchTimes]:
        """When the tasks of a run were dispatched, those of them that ever were, in no order."""
        rows = (await self._connection.execute(DISPATCH_TIMES, {"run_id": run_id})).all()
        return [DispatchTimes(row.id, from_micros(row.first_at), from_micros(row.latest_at)) for row in rows]


class ResultWrites:
    """Writes of what attempts leave behind."""

    _connection: "Connection"

    async def insert_artifact(
        self, task_id: int, attempt: int, new: NewArtifact, now: datetime
    ) -> WholeArtifact | None:
        """Add an artifact, if that attempt of the task is its latest and the task was not reset since."""
        parameters = {
            "the_task": task_id,
            "expected_attempt": attempt,
            "the_type": new.type.value,
            "the_name": new.name,
            "the_location": new.location,
            "the_sha256": new.sha256,
            "the_size": new.size,
            "now": to_micros(now),
            "the_content": new.content,
        }
        row = (await self._connection.execute(INSERT_ARTIFACT, parameters)).one_or_none()
        return None if row is None else whole_artifact_from_row(row)

    async def insert_handoff(self, task: Task, attempt: int, new: NewHandoff, now: datetime) -> Handoff:
        """Add the hand-off of an attempt; the uniqueness of the attempt refuses a second one."""
        values = {
            "run_id": task.run,
            "task_id": task.id,
            "attempt": attempt,
            "summary": new.summary,
            "details": new.details,
            "next_actions": list(new.next_actions),
            "open_questions": list(new.open_questions),
            "artifact_ids": list(new.artifact_ids),
            "created_at": to_micros(now),
        }
        return handoff_from_row((await self._connection.execute(INSERT_HANDOFF, values)).one())
