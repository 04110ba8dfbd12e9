"""The self-check: a suite that can't see planted faults proves nothing by being green."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from gatewright.race.arena import Arena
from gatewright.race.explorer import Budget, explore
from gatewright.race.scenario import Scenario
from gatewright.race.strategies import PreemptionBounding

__all__ = ["FaultOutcome", "PlantedFault", "self_check"]

ALWAYS_ON = frozenset({"no-server-error", "no-actor-crash", "no-deadlock-or-livelock"})


@dataclass(frozen=True)
class PlantedFault:
    """A guard of the service taken out at run time.

    Args:
        name: of the fault.
        sentence: what it takes away.
        scenario: the scenario that must notice.
        plant: a context manager under which the fault is in place.
    """

    name: str
    sentence: str
    scenario: type[Scenario]
    plant: Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class FaultOutcome:
    """Whether a fault was noticed: killed by these invariants after so many schedules, or survived."""

    fault: PlantedFault
    killed_by: tuple[str, ...]
    schedules: int
    preemptions: int
    doubts: tuple[str, ...]

    @property
    def killed(self) -> bool:
        """Whether an invariant of the scenario's own saw the fault."""
        return bool(self.killed_by)


def self_check(
    faults: Sequence[PlantedFault],
    arena: Arena,
    *,
    bound: int,
    budget: Budget,
    progress: Callable[[PlantedFault], None] | None = None,
) -> list[FaultOutcome]:
    """Plant one fault after the other and explore its scenario until an invariant sees it.

    A crash counts as seen only if an invariant of the scenario's own says what went wrong: a fault that
    merely breaks the service shows nothing about the oracles. A fault that can't be planted, because its
    guard is not there or nothing works without it, is reported as not killed.
    """
    outcomes = []
    for fault in faults:
        if progress is not None:
            progress(fault)
        outcomes.append(_check(fault, arena, PreemptionBounding(bound), budget))
    return outcomes


def _check(fault: PlantedFault, arena: Arena, strategy: PreemptionBounding, budget: Budget) -> FaultOutcome:
    try:
        arena.prepare(fault.scenario())  # apps made under a fault would keep what they took from it
        with fault.plant():
            found = explore(fault.scenario(), strategies=[strategy], budget=budget, arena=arena, keep=0)
    except Exception as error:  # noqa: BLE001 - a service without the guard must not end the suite
        return FaultOutcome(fault, (), 0, 0, (f"not planted: {type(error).__name__}: {error}",))
    if found.finding is None:
        return FaultOutcome(fault, (), found.schedules, 0, tuple(found.doubts))
    killed_by = sorted(set(found.finding.tape.failed) - ALWAYS_ON)
    preemptions = found.finding.tape.preemptions
    return FaultOutcome(fault, tuple(killed_by), found.schedules, preemptions, tuple(found.doubts))
