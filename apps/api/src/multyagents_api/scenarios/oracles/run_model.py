"""The model of a run for the linearizability of races: requests, answers and observations in its terms.

Whatever order of requests explains a race must be one that a sequential run could have seen.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from gatewright.race import Operation, Response, SequentialModel
from multyagents_api.scenarios.oracles.run_state import RunState
from multyagents_api.scenarios.oracles.sequential_run import (
    ABORTED,
    CREATED,
    PAUSED,
    PENDING,
    STEPS,
    SUBMISSION_REFUSED,
    Body,
    Gate,
    Outcome,
    SequentialRun,
    SequentialTask,
    merged,
)

__all__ = ["NotModelled", "RunModel"]

OK = 200
TRY_AGAIN = "conflict"
NOT_DISPATCHED = {"approval required", "dependencies not satisfied", "no ready tasks"}
SUBMIT_FAILED = "submit failed"


class NotModelled(LookupError):  # noqa: N818 - reads as what happened
    """A request about something that the model knows nothing of, so that it can't judge."""


class RunModel(SequentialModel[SequentialRun]):
    """The sequential specification of one run.

    Args:
        run_id: the run.
        before: the run before the race.
    """

    def __init__(self, run_id: str, before: RunState) -> None:
        self._run = run_id
        self._key = f"run {run_id}"
        self._initial = _from_observed(before)

    def standing_keys(self) -> Iterable[str]:
        """The run, also where nobody asked for anything."""
        return (self._key,)

    def key(self, operation: Operation) -> str:  # noqa: ARG002 - there is one run
        """The run."""
        return self._key

    def initial(self, key: Hashable) -> SequentialRun:  # noqa: ARG002 - there is one run
        """The run before the race."""
        return self._initial

    def parts(self, operation: Operation) -> Iterable[Operation]:
        """A rerun is a reset, then dispatches; a dispatch that the runner refused is one, then its end."""
        kind, subject, verb = _parsed(operation)
        if not kind or _field(operation, "code") == TRY_AGAIN:
            return ()
        self._check_known(kind, subject)
        if verb == "partial-rerun":
            return self._parts_of_rerun(operation)
        if verb == "dispatch-ready":
            return _parts_of_dispatch(operation)
        return (operation,)

    def step(self, state: SequentialRun, operation: Operation) -> Outcome:
        """What the API does to this request."""
        kind, subject, verb = _parsed(operation)
        body: Body = operation.body if isinstance(operation.body, Mapping) else {}
        return STEPS[kind, verb](state, subject, body)

    def differences(self, key: Hashable, state: SequentialRun, observed: RunState) -> Iterator[str]:  # noqa: ARG002 - there is one run
        """Status, reruns, tasks and decisions."""
        if observed.status != state.status:
            yield f"the run was observed {observed.status}"
        if observed.rerun_count != state.rerun_count:
            yield f"{observed.rerun_count} reruns were observed"
        for task, seen in zip(state.tasks, observed.tasks, strict=True):
            if (merged(seen.status), seen.attempt) != (task.status, task.attempt):
                yield f"{task.step_id} was observed {merged(seen.status)} at attempt {seen.attempt}"
            if task.gate is not None:
                yield from _undecided(task.step_id, task.gate, seen.approval_id or "", observed)

    def describe(self, state: SequentialRun) -> str:
        """The run and its tasks on a line."""
        tasks = "; ".join(map(_described, state.tasks))
        reruns = f", rerun {state.rerun_count} times" if state.rerun_count else ""
        return f"{state.status}{reruns}: {tasks}"

    def _check_known(self, kind: str, subject: str) -> None:
        tasks = self._initial.tasks
        known = {
            "workflow-runs": {self._run},
            "tasks": {task.id for task in tasks},
            "approvals": {task.gate.id for task in tasks if task.gate and task.gate.id},
        }
        if subject not in known[kind]:
            raise NotModelled(f"the model of run {self._run} knows nothing of {kind}/{subject}")

    def _parts_of_rerun(self, operation: Operation) -> Iterator[Operation]:
        """Without an answer, all dispatches that there can have been; else those that it tells."""
        body: Body = operation.body if isinstance(operation.body, Mapping) else {}
        if body.get("expected_version") is not None:
            raise NotModelled("the model does not count versions")
        most = min(body.get("max_dispatch", 10), len(self._initial.tasks))
        dispatch = replace(operation, path=f"/workflow-runs/{self._run}/dispatch-ready", body=None)
        yield operation
        if not body.get("auto_dispatch", True):
            return
        if not operation.answered:
            yield from [dispatch] * most
            return
        for made in _field(operation, "dispatched") or ():
            told = {
                "dispatched": True,
                "task_id": made["task_id"],
                "attempt": made["attempt"],
                "reason": None,
            }
            yield replace(dispatch, response=Response(OK, told))
        reason = _field(operation, "reason")
        if reason in NOT_DISPATCHED:
            yield replace(
                dispatch, response=Response(OK, {"dispatched": False, "task_id": None, "reason": reason})
            )


def _parts_of_dispatch(operation: Operation) -> Iterator[Operation]:
    if _field(operation, "reason") != SUBMIT_FAILED:
        yield operation
        return
    task_id = _field(operation, "task_id")
    told = {"dispatched": True, "task_id": task_id, "attempt": _field(operation, "attempt"), "reason": None}
    yield replace(operation, response=Response(OK, told))
    yield replace(operation, path=f"/tasks/{task_id}/{SUBMISSION_REFUSED}", response=Response(OK))


def _parsed(operation: Operation) -> tuple[str, str, str]:
    """Kind, id and verb of what is asked for; all empty for what is no matter of the model."""
    kind, subject, verb, *_ = (*operation.path.removeprefix("/runner").strip("/").split("/"), "", "", "")
    is_read = operation.method == "GET"
    known = (kind, verb) in STEPS and is_read == (not verb)
    return (kind, subject, verb) if known else ("", "", "")


def _field(operation: Operation, name: str) -> Any:
    """A field of the answer, if there is one."""
    body = operation.response.json
    return body.get(name) if isinstance(body, Mapping) else None


def _from_observed(run: RunState) -> SequentialRun:
    return SequentialRun(
        held=run.status if run.status in {PAUSED, ABORTED} else "",
        rerun_count=run.rerun_count,
        tasks=tuple(
            SequentialTask(
                id=task.id,
                step_id=task.step_id,
                depends_on=task.depends_on,
                status=merged(task.status),
                attempt=task.attempt,
                reset=task.status == CREATED and task.attempt > 0,
                gate=_gate(run, task.approval_id) if task.requires_approval else None,
            )
            for task in run.tasks
        ),
    )


def _gate(run: RunState, approval_id: str | None) -> Gate:
    return Gate(
        approval_id, run.approvals.get(approval_id or "", PENDING), run.deciders.get(approval_id or "")
    )


def _undecided(step_id: str, gate: Gate, approval_id: str, observed: RunState) -> Iterator[str]:
    """How an approval was observed, where it is not as it should be."""
    seen = (observed.approvals.get(approval_id), observed.deciders.get(approval_id))
    if seen != (gate.status, gate.actor) or gate.id not in {None, approval_id}:
        by = f" by {seen[1]}" if seen[1] else ""
        yield f"the approval of {step_id} was observed {seen[0]}{by}"


def _described(task: SequentialTask) -> str:
    attempt = f" (attempt {task.attempt})" if task.attempt else ""
    gate = f", approval {task.gate.status}" if task.gate else ""
    return f"{task.step_id} {task.status}{attempt}{gate}"
