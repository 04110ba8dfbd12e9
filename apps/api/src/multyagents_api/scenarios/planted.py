"""Planted faults: each takes one guard out of the service while it is entered, and its race must notice.

They replace statements and functions at run time and never stand in the service's own modules.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Update

from gatewright.race.selfcheck import PlantedFault
from multyagents_api.scenarios.races import ApprovalDispatch, ParallelDispatch, PartialRerun
from multyagents_api.service import change
from multyagents_api.storage import guards

__all__ = [
    "FAULTS",
    "NotPlanted",
    "double_dispatch",
    "double_rerun",
    "second_decision",
    "unapproved_dispatch",
    "unchecked_reset",
]


class NotPlanted(Exception):  # noqa: N818 - what happened
    """The guard that a fault takes out is not there."""


@contextmanager
def double_dispatch() -> Iterator[None]:
    """A dispatch trusts what it read before its transaction, and the claim does not ask the task's status."""
    with replaced(change, "is_current", lambda *_: True), weakened("CLAIM_TASK", "tasks.status"):
        yield


@contextmanager
def unapproved_dispatch() -> Iterator[None]:
    """The claim no longer asks for the approval."""
    with weakened("CLAIM_TASK", "approvals"):
        yield


@contextmanager
def double_rerun() -> Iterator[None]:
    """The reset no longer asks whether the task still stands failed."""
    with weakened("RESET_TASK", "tasks.status"):
        yield


@contextmanager
def unchecked_reset() -> Iterator[None]:
    """The rerun no longer looks at how many tasks its reset changed."""
    genuine = guards.GuardedWrites.reset_tasks

    async def reset_tasks(self: guards.GuardedWrites, *args: Any, **kwargs: Any) -> bool:
        await genuine(self, *args, **kwargs)
        return True

    with replaced(guards.GuardedWrites, "reset_tasks", reset_tasks):
        yield


@contextmanager
def second_decision() -> Iterator[None]:
    """A decision no longer asks whether the approval is still pending, nor whether its task still waits."""
    with weakened("DECIDE_APPROVAL", "approvals.status"), weakened("MOVE_TASK", "expected_status"):
        yield


@contextmanager
def replaced(owner: object, name: str, stand_in: object) -> Iterator[None]:
    """Put a stand-in in an attribute's place for a while."""
    genuine = getattr(owner, name)
    setattr(owner, name, stand_in)
    try:
        yield
    finally:
        setattr(owner, name, genuine)


def weakened(name: str, mention: str) -> AbstractContextManager[None]:
    """Take the conditions that mention something out of one of the guarded statements.

    Raises:
        NotPlanted: no condition does, so there is nothing to take out.
    """
    statement: Update = getattr(guards, name)
    kept = [clause for clause in statement._where_criteria if mention not in str(clause)]  # noqa: SLF001 - no public way
    if len(kept) == len(statement._where_criteria):  # noqa: SLF001 - no public way
        raise NotPlanted(f"{name} has no condition on {mention}")
    weaker = statement._generate()  # noqa: SLF001 - no public way
    weaker._where_criteria = tuple(kept)  # noqa: SLF001 - no public way
    return replaced(guards, name, weaker)


FAULTS: tuple[PlantedFault, ...] = tuple(
    PlantedFault(plant.__name__.replace("_", "-"), str(plant.__doc__), scenario, plant)
    for plant, scenario in (
        (double_dispatch, ParallelDispatch),
        (double_rerun, PartialRerun),
        (unchecked_reset, PartialRerun),
        (unapproved_dispatch, ApprovalDispatch),
        (second_decision, ApprovalDispatch),
    )
)
