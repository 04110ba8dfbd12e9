"""Planted faults of runs: reruns, approvals and operators."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam

from multyagents_api.domain.reruns import check_dependencies, select_for_rerun
from multyagents_api.scenarios.planted.planting import replaced, rewritten, weakened
from multyagents_api.service import callbacks, reruns
from multyagents_api.service.change import RunChange
from multyagents_api.service.runs import Runs
from multyagents_api.storage import guards, tables
from multyagents_api.storage.guards import GuardedWrites

__all__ = [
    "abort_forgets_what_went_meanwhile",
    "decision_after_the_abort",
    "decision_overwritten",
    "double_rerun",
    "lost_rerun_count",
    "operator_overwrites_operator",
    "pause_answered_too_late",
    "pause_undone_by_callback",
    "rerun_of_a_busy_run",
    "rerun_of_a_held_run",
    "rerun_of_another_failure",
    "rerun_over_a_fallen_dependency",
    "second_decision",
    "unchecked_reset",
    "uncounted_change",
    "uncounted_rerun",
    "unversioned_rerun",
]


@contextmanager
def double_rerun() -> Iterator[None]:
    """The reset no longer asks whether the task still stands failed."""
    with weakened("RESET_TASK", "tasks.status"):
        yield


@contextmanager
def unchecked_reset() -> Iterator[None]:
    """The rerun no longer looks at how many tasks its reset changed."""
    genuine = GuardedWrites.reset_tasks

    async def reset_tasks(self: GuardedWrites, *args: Any, **kwargs: Any) -> bool:
        await genuine(self, *args, **kwargs)
        return True

    with replaced(GuardedWrites, "reset_tasks", reset_tasks):
        yield


@contextmanager
def lost_rerun_count() -> Iterator[None]:
    """A rerun adds one to the count that it read before its transaction: of two one is lost."""
    counted: ContextVar[int] = ContextVar("counted")
    begin_rerun = GuardedWrites.begin_rerun

    def look(request: Any, run: Any, tasks: Any) -> Any:
        counted.set(run.rerun_count + 1)
        return select_for_rerun(request, run, tasks)

    async def begin(self: GuardedWrites, run_id: int, **how: Any) -> Any:
        statement = guards.BEGIN_RERUN.values(rerun_count=bindparam("counted", counted.get()))
        with replaced(guards, "BEGIN_RERUN", statement):
            return await begin_rerun(self, run_id, **how)

    with replaced(reruns, "select_for_rerun", look), replaced(GuardedWrites, "begin_rerun", begin):
        yield


@contextmanager
def uncounted_rerun() -> Iterator[None]:
    """A rerun does not count the run's version on: others take their look at its tasks for current."""
    with rewritten("BEGIN_RERUN", version=tables.runs.c.version):
        yield


@contextmanager
def uncounted_change() -> Iterator[None]:
    """Changes do not count the run's version on, so that a rerun that expects one meets it after all."""
    with rewritten("TOUCH_RUN", version=tables.runs.c.version):
        yield


@contextmanager
def unversioned_rerun() -> Iterator[None]:
    """The version that a rerun expects is asked before its transaction only."""
    with weakened("BEGIN_RERUN", "expected_version"):
        yield


@contextmanager
def rerun_of_a_busy_run() -> Iterator[None]:
    """Whether somebody works on the run is read before the transaction of the rerun only."""
    with weakened("BEGIN_RERUN", "tasks.run_id"):
        yield


@contextmanager
def rerun_of_a_held_run() -> Iterator[None]:
    """Whether the run is paused or aborted is read before the transaction of the rerun only."""
    with weakened("BEGIN_RERUN", "runs.status"):
        yield


@contextmanager
def rerun_of_another_failure() -> Iterator[None]:
    """A rerun does not ask whether the failure is still the one that it read: the next looks the same."""

    def check(selected: Any, tasks: Any) -> None:
        check_dependencies(selected, tasks)

    with replaced(reruns, "_check_current", check):
        yield


@contextmanager
def rerun_over_a_fallen_dependency() -> Iterator[None]:
    """Whether what a task waits for has failed is read before the transaction of the rerun only."""
    with replaced(reruns, "check_dependencies", lambda *_: None):
        yield


@contextmanager
def second_decision() -> Iterator[None]:
    """A decision no longer asks whether the approval is still pending, nor whether its task still waits."""
    with weakened("DECIDE_APPROVAL", "approvals.status"), weakened("MOVE_TASK", "expected_status"):
        yield


@contextmanager
def decision_overwritten() -> Iterator[None]:
    """A decision no longer asks whether somebody has decided since."""
    with weakened("DECIDE_APPROVAL", "approvals.status"):
        yield


@contextmanager
def decision_after_the_abort() -> Iterator[None]:
    """A decision no longer asks whether its task still waits for it."""
    with weakened("DECIDE_APPROVAL", "tasks.status"):
        yield


@contextmanager
def operator_overwrites_operator() -> Iterator[None]:
    """A pause or an abort is written whatever became of the run since it was read."""
    with weakened("MOVE_RUN", "expected_status"):
        yield


@contextmanager
def pause_answered_too_late() -> Iterator[None]:
    """A pause is answered with the run as somebody else left it after the pause."""
    genuine = Runs.pause

    async def pause(self: Runs, run_id: int, actor: str | None) -> Any:
        await genuine(self, run_id, actor)
        return await self.get(run_id)

    with replaced(Runs, "pause", pause):
        yield


@contextmanager
def pause_undone_by_callback() -> Iterator[None]:
    """A callback takes the run's status for what it was before its transaction, and overwrites a pause."""
    genuine = RunChange.open

    async def open_as_seen(writer: Any, run_id: int, now: Any, **how: Any) -> RunChange:
        change = await genuine(writer, run_id, now, **how)
        change.run = replace(change.run, status=how["seen"][0].status)
        return change

    with replaced(callbacks, "RunChange", _Opened(open_as_seen)):
        yield


class _Opened:
    """What a module knows as `RunChange`, as far as it opens changes."""

    def __init__(self, opening: Any) -> None:
        self.open = opening


@contextmanager
def abort_forgets_what_went_meanwhile() -> Iterator[None]:
    """An abort asks to stop only what was active when the run was read; here that is nothing."""

    async def request_cancel(_self: GuardedWrites, _run_id: int, _now: Any) -> list[Any]:
        return []

    with replaced(GuardedWrites, "request_cancel", request_cancel):
        yield
