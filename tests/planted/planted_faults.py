"""Faults for self-checks: one that is seen, one that nothing sees, and one whose race alarms without it."""

from collections.abc import Iterator
from contextlib import contextmanager

from planted.dispatch_programs import GuardedDispatch, RacyDispatch, check_then_act

from gatewright.race.selfcheck import PlantedFault

__all__ = ["ALARMING", "KILLED", "NOTHING", "SURVIVING", "harmless", "unguarded"]


@contextmanager
def unguarded() -> Iterator[None]:
    """The guarded program checks, then acts."""
    genuine = GuardedDispatch.dispatch
    GuardedDispatch.dispatch = staticmethod(check_then_act)
    try:
        yield
    finally:
        GuardedDispatch.dispatch = staticmethod(genuine)


@contextmanager
def harmless() -> Iterator[None]:
    """Takes nothing away."""
    yield


KILLED = (PlantedFault("unguarded", "no guard", GuardedDispatch, unguarded),)
SURVIVING = (*KILLED, PlantedFault("harmless", "nothing", GuardedDispatch, harmless))
ALARMING = (PlantedFault("harmless", "nothing", RacyDispatch, harmless),)
NOTHING: tuple[PlantedFault, ...] = ()
