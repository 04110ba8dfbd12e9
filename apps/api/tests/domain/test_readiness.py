"""What keeps a task from going, in the order in which it is told, and which artifacts count."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from multyagents_api.domain.artifacts import (
    ArtifactType,
    ProducedArtifact,
    RequiredArtifact,
    missing_artifacts,
)
from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.readiness import BlockedReason, blocked_reason
from multyagents_api.domain.runs import Run, RunStatus
from multyagents_api.domain.tasks import Task, TaskStatus

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
RUN = Run(1, 1, None, RunStatus.RUNNING, 1, 0, 0, MOMENT, MOMENT)
PLAN = RequiredArtifact("plan", ArtifactType.TEXT, "plan.md")
TASK = Task(
    id=2,
    run_id=1,
    step_id="build",
    role_id=1,
    title="Build it",
    depends_on=("plan",),
    requires_approval=True,
    approval_id=3,
    carries_approval_over=False,
    context7=Context7.INHERIT,
    status=TaskStatus.CREATED,
    attempt=0,
    retries_used=0,
    last_rerun=0,
    reason=None,
    updated_at=MOMENT,
    required_artifacts=(PLAN,),
)


def test_reasons_are_told_one_after_the_other():
    """As each one is removed the next one shows, until the task may go."""
    aborted, paused = replace(RUN, status=RunStatus.ABORTED), replace(RUN, status=RunStatus.PAUSED)
    assert blocked_reason(TASK, aborted, set(), is_approved=False, missing=[PLAN]) == "run-aborted"
    assert blocked_reason(TASK, paused, set(), is_approved=False, missing=[PLAN]) == "run-paused"
    told = [
        blocked_reason(TASK, RUN, set(), is_approved=False, missing=[PLAN]),
        blocked_reason(TASK, RUN, {"plan"}, is_approved=False, missing=[PLAN]),
        blocked_reason(TASK, RUN, {"plan"}, is_approved=False, missing=[]),
        blocked_reason(TASK, RUN, {"plan"}, is_approved=True, missing=[]),
    ]
    assert told == [
        BlockedReason.DEPENDENCIES_NOT_SATISFIED,
        BlockedReason.REQUIRED_ARTIFACTS_MISSING,
        BlockedReason.APPROVAL_REQUIRED,
        None,
    ]


def test_an_approval_that_nobody_asks_for_blocks_nothing():
    """Only a task that requires an approval waits for one."""
    free = replace(TASK, requires_approval=False, approval_id=None)
    assert blocked_reason(free, RUN, {"plan"}, is_approved=False, missing=[]) is None


@pytest.mark.parametrize(
    ("produced", "is_there"),
    [
        (ProducedArtifact("plan", ArtifactType.TEXT, "plan.md", is_current=True), True),
        (ProducedArtifact("plan", ArtifactType.TEXT, "plan.md", is_current=False), False),
        (ProducedArtifact("plan", ArtifactType.TEXT, "notes.md", is_current=True), False),
        (ProducedArtifact("plan", ArtifactType.REPORT, "plan.md", is_current=True), False),
        (ProducedArtifact("other", ArtifactType.TEXT, "plan.md", is_current=True), False),
    ],
)
def test_an_artifact_counts_by_step_type_name_and_attempt(produced, is_there):
    """What another step, another type, another name or an earlier attempt produced does not help."""
    assert missing_artifacts([PLAN], [produced]) == ([] if is_there else [PLAN])


def test_without_a_name_any_artifact_of_the_type_will_do():
    """Each one that is missing is told, in the order of the step's wishes; nothing wanted is nothing missing."""
    any_text = RequiredArtifact("plan", ArtifactType.TEXT)
    diff = RequiredArtifact("plan", ArtifactType.DIFF)
    produced = [ProducedArtifact("plan", ArtifactType.TEXT, "notes.md", is_current=True)]
    assert missing_artifacts([any_text], produced) == []
    assert missing_artifacts([PLAN, any_text, diff], produced) == [PLAN, diff]
    assert missing_artifacts([], []) == []
