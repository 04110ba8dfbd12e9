"""Rows become values of the domain here, and nowhere else."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement

from multyagents_api.domain.approvals import Approval, ApprovalStatus
from multyagents_api.domain.artifacts import Artifact, ArtifactType, RequiredArtifact, WholeArtifact
from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.events import Event
from multyagents_api.domain.handoffs import Handoff
from multyagents_api.domain.projects import Project
from multyagents_api.domain.roles import RetryPolicy, Role
from multyagents_api.domain.runs import Run, RunStatus
from multyagents_api.domain.skill_packs import SkillPack
from multyagents_api.domain.tasks import Task, TaskStatus
from multyagents_api.domain.templates import Step, Template
from multyagents_api.domain.workspaces import NO_WORKSPACE, ExecutionMode, Sandbox, Workspace
from multyagents_api.service.ports import AttemptRecord, Claim
from multyagents_api.service.runners import Submission, SubmissionState
from multyagents_api.storage import tables

__all__ = [
    "ARTIFACT_COLUMNS",
    "RUN_COLUMNS",
    "TASK_COLUMNS",
    "approval_from_row",
    "artifact_from_row",
    "attempt_from_row",
    "claim_from_row",
    "event_from_row",
    "from_micros",
    "handoff_from_row",
    "project_from_row",
    "required_to_json",
    "role_from_row",
    "run_from_row",
    "skill_pack_from_row",
    "step_to_json",
    "submission_from_json",
    "submission_to_json",
    "task_from_row",
    "template_from_row",
    "to_micros",
    "whole_artifact_from_row",
    "workspace_to_json",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The moment that many microseconds after 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


RUN_COLUMNS: tuple[ColumnElement[Any], ...] = (
    tables.runs.c.id,
    tables.runs.c.template_id,
    tables.runs.c.initiated_by,
    tables.runs.c.status,
    tables.runs.c.version,
    tables.runs.c.rerun_count,
    tables.runs.c.event_sequence,
    tables.runs.c.created_at,
    tables.runs.c.updated_at,
)


def run_from_row(row: Sequence[Any]) -> Run:
    """A run from `RUN_COLUMNS`; further columns may follow."""
    return Run(
        id=row[0],
        template_id=row[1],
        initiated_by=row[2],
        status=RunStatus(row[3]),
        version=row[4],
        rerun_count=row[5],
        event_sequence=row[6],
        created_at=from_micros(row[7]),
        updated_at=from_micros(row[8]),
    )


TASK_COLUMNS: tuple[ColumnElement[Any], ...] = (
    tables.tasks.c.id,
    tables.tasks.c.run_id,
    tables.tasks.c.step_id,
    tables.tasks.c.role_id,
    tables.tasks.c.title,
    tables.tasks.c.depends_on,
    tables.tasks.c.requires_approval,
    tables.tasks.c.approval_id,
    tables.tasks.c.carries_approval_over,
    tables.tasks.c.context7,
    tables.tasks.c.status,
    tables.tasks.c.attempt,
    tables.tasks.c.retries_used,
    tables.tasks.c.last_rerun,
    tables.tasks.c.reason,
    tables.tasks.c.updated_at,
    tables.tasks.c.project_id,
    tables.tasks.c.workspace,
    tables.tasks.c.required_artifacts,
    tables.tasks.c.quality_gates,
)


def task_from_row(row: Sequence[Any]) -> Task:
    """A task from `TASK_COLUMNS`."""
    return Task(
        id=row[0],
        run_id=row[1],
        step_id=row[2],
        role_id=row[3],
        title=row[4],
        depends_on=tuple(row[5]),
        requires_approval=row[6],
        approval_id=row[7],
        carries_approval_over=row[8],
        context7=Context7(row[9]),
        status=TaskStatus(row[10]),
        attempt=row[11],
        retries_used=row[12],
        last_rerun=row[13],
        reason=row[14],
        updated_at=from_micros(row[15]),
        project_id=row[16],
        workspace=workspace_from_json(row[17]),
        required_artifacts=required_from_json(row[18]),
        quality_gates=tuple(row[19] or ()),
    )


def approval_from_row(row: Any) -> Approval:
    """An approval from all columns of its table."""
    return Approval(
        id=row.id,
        task_id=row.task_id,
        run_id=row.run_id,
        attempt=row.attempt,
        status=ApprovalStatus(row.status),
        actor=row.actor,
        comment=row.comment,
        created_at=from_micros(row.created_at),
        decided_at=None if row.decided_at is None else from_micros(row.decided_at),
        requested_by=row.requested_by,
    )


def attempt_from_row(row: Any) -> AttemptRecord:
    """An attempt from its dispatch, followed by the columns of its approval, all None where there is none."""
    return AttemptRecord(
        attempt=row.dispatched_attempt,
        dispatched_at=from_micros(row.dispatched_at),
        state=SubmissionState(row[2]),
        context7_enabled=row.context7_enabled,
        approval=None if row.id is None else approval_from_row(row),
    )


def claim_from_row(row: Any) -> Claim:
    """A claim from what its statement returns."""
    return Claim(
        attempt=row.attempt,
        prompt=row.prompt,
        approval_id=row.approval_id,
        role_name=row.role_name,
        role_context7=row.role_context7,
        system_prompt=row.system_prompt,
        allowed_tools=tuple(row.allowed_tools),
        skill_pack_ids=tuple(row.skill_pack_ids),
        command=_command_from_json(row.command),
        timeout_s=row.timeout_s,
    )


def _command_from_json(kept: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if kept is None else tuple(kept)


def submission_to_json(submission: Submission) -> dict[str, Any]:
    """A submission as it is kept; what says nothing takes no place."""
    kept: dict[str, Any] = {
        "run_id": submission.run_id,
        "task_id": submission.task_id,
        "attempt": submission.attempt,
        "step_id": submission.step_id,
        "role_id": submission.role_id,
        "title": submission.title,
        "prompt": submission.prompt,
        "context7_enabled": submission.context7_enabled,
    }
    more: dict[str, Any] = {
        "role_name": submission.role_name,
        "system_prompt": submission.system_prompt,
        "allowed_tools": submission.allowed_tools,
        "skills": submission.skills,
        "quality_gates": submission.quality_gates,
        "workspace": workspace_to_json(submission.workspace),
        "project_root": submission.project_root,
        "command": submission.command,
        "timeout_s": submission.timeout_s,
    }
    kept.update({name: value for name, value in more.items() if value})
    return kept


def submission_from_json(kept: dict[str, Any]) -> Submission:
    """A submission as it was kept."""
    lists = {name: tuple(kept.get(name, ())) for name in ("allowed_tools", "skills", "quality_gates")}
    command = _command_from_json(kept.get("command"))
    workspace = workspace_from_json(kept.get("workspace"))
    return Submission(**{**kept, **lists, "workspace": workspace, "command": command})


def event_from_row(row: Any) -> Event:
    """An event from all columns of its table."""
    return Event(
        id=row.id,
        run_id=row.run_id,
        sequence=row.sequence,
        contract_version=row.contract_version,
        type=row.type,
        task_id=row.task_id,
        attempt=row.attempt,
        producer_role=row.producer_role,
        payload=row.payload,
        time=from_micros(row.time),
    )


ARTIFACT_COLUMNS: tuple[ColumnElement[Any], ...] = tuple(
    column for column in tables.artifacts.c if column.name != "content"
)
"""What listings show; the content of one artifact is as large as hundreds of them."""


def artifact_from_row(row: Any) -> Artifact:
    """An artifact from `ARTIFACT_COLUMNS`."""
    return Artifact(
        id=row.id,
        run_id=row.run_id,
        task_id=row.task_id,
        attempt=row.attempt,
        type=ArtifactType(row.type),
        name=row.name,
        location=row.location,
        sha256=row.sha256,
        size=row.size,
        created_at=from_micros(row.created_at),
    )


def whole_artifact_from_row(row: Any) -> WholeArtifact:
    """An artifact from all columns of its table."""
    return WholeArtifact(
        id=row.id,
        run_id=row.run_id,
        task_id=row.task_id,
        attempt=row.attempt,
        type=ArtifactType(row.type),
        name=row.name,
        location=row.location,
        sha256=row.sha256,
        size=row.size,
        created_at=from_micros(row.created_at),
        content=row.content,
    )


def handoff_from_row(row: Any) -> Handoff:
    """A hand-off from all columns of its table."""
    return Handoff(
        id=row.id,
        run_id=row.run_id,
        task_id=row.task_id,
        attempt=row.attempt,
        summary=row.summary,
        details=row.details,
        next_actions=tuple(row.next_actions),
        open_questions=tuple(row.open_questions),
        artifact_ids=tuple(row.artifact_ids),
        created_at=from_micros(row.created_at),
    )


def role_from_row(row: Any) -> Role:
    """A role from all columns of its table."""
    return Role(
        id=row.id,
        name=row.name,
        context7_enabled=row.context7_enabled,
        allowed_tools=tuple(row.allowed_tools),
        retry=RetryPolicy(row.max_retries, tuple(row.retry_on)),
        system_prompt=row.system_prompt,
        skill_pack_ids=tuple(row.skill_pack_ids),
        created_at=from_micros(row.created_at),
    )


def project_from_row(row: Any) -> Project:
    """A project from all columns of its table."""
    return Project(
        id=row.id,
        name=row.name,
        root_path=row.root_path,
        allowed_paths=tuple(row.allowed_paths),
        created_at=from_micros(row.created_at),
    )


def skill_pack_from_row(row: Any) -> SkillPack:
    """A skill pack from all columns of its table."""
    return SkillPack(
        id=row.id,
        name=row.name,
        description=row.description,
        skills=tuple(row.skills),
        created_at=from_micros(row.created_at),
    )


def template_from_row(row: Any) -> Template:
    """A template from all columns of its table."""
    return Template(
        id=row.id,
        name=row.name,
        project_id=row.project_id,
        steps=tuple(_step_from_json(step) for step in row.steps),
        created_at=from_micros(row.created_at),
    )


def step_to_json(step: Step) -> dict[str, Any]:
    """A step as it is kept inside its template's row."""
    return {
        "step_id": step.step_id,
        "role_id": step.role_id,
        "title": step.title,
        "prompt": step.prompt,
        "depends_on": list(step.depends_on),
        "requires_approval": step.requires_approval,
        "carries_approval_over": step.carries_approval_over,
        "context7": step.context7.value,
        "workspace": workspace_to_json(step.workspace),
        "required_artifacts": required_to_json(step.required_artifacts),
        "quality_gates": list(step.quality_gates),
        "command": None if step.command is None else list(step.command),
        "timeout_s": step.timeout_s,
    }


def _step_from_json(kept: dict[str, Any]) -> Step:
    return Step(
        step_id=kept["step_id"],
        role_id=kept["role_id"],
        title=kept["title"],
        prompt=kept["prompt"],
        depends_on=tuple(kept["depends_on"]),
        requires_approval=kept["requires_approval"],
        carries_approval_over=kept["carries_approval_over"],
        context7=Context7(kept["context7"]),
        workspace=workspace_from_json(kept.get("workspace")),
        required_artifacts=required_from_json(kept.get("required_artifacts")),
        quality_gates=tuple(kept.get("quality_gates") or ()),
        command=_command_from_json(kept.get("command")),
        timeout_s=kept.get("timeout_s"),
    )


def workspace_to_json(workspace: Workspace) -> dict[str, Any] | None:
    """A workspace as it is kept; the usual one takes no place."""
    if workspace == NO_WORKSPACE:
        return None
    sandbox = workspace.sandbox
    return {
        "mode": workspace.mode.value,
        "lock_paths": list(workspace.lock_paths),
        "sandbox": None if sandbox is None else {"image": sandbox.image, "command": list(sandbox.command)},
    }


def workspace_from_json(kept: dict[str, Any] | None) -> Workspace:
    """A workspace as it was kept."""
    if kept is None:
        return NO_WORKSPACE
    sandbox = kept["sandbox"]
    return Workspace(
        ExecutionMode(kept["mode"]),
        tuple(kept["lock_paths"]),
        None if sandbox is None else Sandbox(sandbox["image"], tuple(sandbox["command"])),
    )


def required_to_json(required: Sequence[RequiredArtifact]) -> list[dict[str, Any]] | None:
    """Required artifacts as they are kept; none take no place."""
    return [
        {"from_step": each.from_step, "type": each.type.value, "name": each.name} for each in required
    ] or None


def required_from_json(kept: Sequence[dict[str, Any]] | None) -> tuple[RequiredArtifact, ...]:
    """Required artifacts as they were kept."""
    return tuple(
        RequiredArtifact(each["from_step"], ArtifactType(each["type"]), each["name"]) for each in kept or ()
    )
