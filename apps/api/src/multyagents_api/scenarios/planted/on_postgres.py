"""Planted faults that only a database shows whose transactions run side by side: locks before a look."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType

from gatewright.race.selfcheck import PlantedFault
from multyagents_api.scenarios.planted.planting import NotPlanted, replaced
from multyagents_api.scenarios.races.queues import PathLock
from multyagents_api.scenarios.races.reruns import RerunDispatch
from multyagents_api.storage import path_locks, postgres_writes

__all__ = ["POSTGRES_FAULTS"]


@contextmanager
def unlocked_paths() -> Iterator[None]:
    """Who takes paths does not lock others out first, and sees none that is taken at the same time."""
    with unlocked(path_locks, "LOCK_OUT_OTHERS"):
        yield


@contextmanager
def unlocked_rerun() -> Iterator[None]:
    """A rerun does not lock its run first: having waited for it, it sees the tasks as they were before."""
    with unlocked(postgres_writes, "LOCK_RUN"):
        yield


def unlocked(owner: ModuleType, name: str) -> AbstractContextManager[None]:
    """Let a statement read without locking what it reads.

    Raises:
        NotPlanted: it locks nothing.
    """
    statement = getattr(owner, name)
    if statement._for_update_arg is None:  # noqa: SLF001 - no public way
        raise NotPlanted(f"{name} locks nothing")
    weaker = statement._generate()  # noqa: SLF001 - no public way
    weaker._for_update_arg = None  # noqa: SLF001 - no public way
    return replaced(owner, name, weaker)


POSTGRES_FAULTS = (
    PlantedFault("unlocked-paths", str(unlocked_paths.__doc__), PathLock, unlocked_paths),
    PlantedFault("unlocked-rerun", str(unlocked_rerun.__doc__), RerunDispatch, unlocked_rerun),
)
