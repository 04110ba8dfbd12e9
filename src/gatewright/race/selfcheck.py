"""The self-check: a suite that can't see planted faults proves nothing by being green."""

from collections.abc import Callable, Mapping, Sequence
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

    A crash counts as seen only if an invariant of the scenario's own says what went wrong: a fault that merely
    breaks the service shows nothing about the oracles.
    """
    outcomes = []
    for fault in faults:
        if progress is not None:
            progress(fault)
        scenario = fault.scenario()
        with fault.plant():
            found = explore(
                scenario, strategies=[PreemptionBounding(bound)], budget=budget, arena=arena, keep=0
            )
        violated: Mapping[str, tuple[str, ...]] = (
            found.finding.iteration.race.failures if found.finding else {}
        )
        outcomes.append(
            FaultOutcome(
                fault=fault,
                killed_by=tuple(sorted(set(violated) - ALWAYS_ON)),
                schedules=found.schedules,
                preemptions=found.finding.tape.preemptions if found.finding else 0,
                doubts=tuple(found.doubts),
            )
        )
    return outcomes
