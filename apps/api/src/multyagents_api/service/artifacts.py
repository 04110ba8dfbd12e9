"""Artifacts: kept for the attempt that produced them, without the secrets in their content."""

from dataclasses import dataclass

from multyagents_api.domain.artifacts import (
    Artifact,
    ArtifactDraft,
    ArtifactType,
    NewArtifact,
    WholeArtifact,
    to_new_artifact,
)
from multyagents_api.domain.errors import NotFound
from multyagents_api.domain.events import EventType, task_event
from multyagents_api.domain.tasks import check_is_latest
from multyagents_api.service.change import RunChange
from multyagents_api.service.page import Page, Within, cut
from multyagents_api.service.ports import Clock, Outdated, Storage
from multyagents_api.service.retry import decide_until_current

__all__ = ["Artifacts"]


@dataclass(frozen=True, slots=True)
class Artifacts:
    """Use cases about artifacts."""

    storage: Storage
    clock: Clock

    async def create(self, task_id: int, attempt: int | None, draft: ArtifactDraft) -> WholeArtifact:
        """Keep what the latest attempt of a task produced; an attempt that is named must be that one."""
        new = to_new_artifact(draft)
        return await decide_until_current("task", lambda: self._create(task_id, attempt, new))

    async def get(self, artifact_id: int) -> WholeArtifact:
        """One artifact with its content."""
        async with self.storage.read() as reader:
            artifact = await reader.artifact(artifact_id)
        if artifact is None:
            raise NotFound("artifact", str(artifact_id))
        return artifact

    async def page(
        self, within: Within, *, kind: ArtifactType | None, after: int, limit: int
    ) -> Page[Artifact]:
        """The artifacts after a given one; those of one type within a run or task, which bounds the look."""
        async with self.storage.read() as reader:
            if not await within.may_hold_something(reader):
                return Page([], has_more=False)
            found = await reader.artifacts_after(
                after, run_id=within.run_id, task_id=within.task_id, kind=kind, limit=limit + 1
            )
        return cut(found, limit)

    async def _create(self, task_id: int, named: int | None, new: NewArtifact) -> WholeArtifact:
        async with self.storage.read() as reader:
            task = await reader.task(task_id)
        if task is None:
            raise NotFound("task", str(task_id))
        attempt = task.attempt if named is None else named
        check_is_latest(task, attempt)
        now = self.clock.now()
        async with self.storage.write() as writer:
            change = await RunChange.open(writer, task.run, now, reserve=1)
            kept = await writer.insert_artifact(task.id, attempt, new, now)
            if kept is None:
                raise Outdated
            told = {"artifact_id": str(kept.id), "type": kept.type.value, "name": kept.name}
            change.tell(task_event(EventType.ARTIFACT_CREATED, task, attempt, **told, sha256=kept.sha256))
            await change.finish(change.run.status)
        return kept
