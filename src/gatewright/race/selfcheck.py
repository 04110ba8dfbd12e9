"""The self-check: a suite that can't see planted faults proves nothing by being green."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from gatewright.race.arena import Arena
from gatewright.race.explorer import Budget, explore
from gatewright.race.scenario import Scenario
from gatewright.race.strategies import PreemptionBounding, Replay
from gatewright.race.tape import Tape

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
    """Whether a fault was noticed, after so many schedules.

    `oracles` tells for each of the scenario's own invariants whether it saw the fault in the first schedule
    that showed it; `false_alarms` are those that saw something in that schedule without the fault, too.
    """

    fault: PlantedFault
    oracles: Mapping[str, bool]
    schedules: int
    preemptions: int
    doubts: tuple[str, ...]
    false_alarms: tuple[str, ...] = ()

    @property
    def killed_by(self) -> tuple[str, ...]:
        """The invariants that saw the fault."""
        return tuple(name for name, saw in sorted(self.oracles.items()) if saw)

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
    guard is not there or nothing works without it, is reported as not killed. The schedule that killed a
    fault is run once more without it, as near as can be: an oracle that is not silent then saw no fault.
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
        return FaultOutcome(fault, {}, 0, 0, (f"not planted: {type(error).__name__}: {error}",))
    tape = None if found.finding is None else found.finding.tape
    return FaultOutcome(
        fault,
        oracles={name: tape is not None and name in tape.failed for name in set(found.evaluated) - ALWAYS_ON},
        schedules=found.schedules,
        preemptions=0 if tape is None else tape.preemptions,
        doubts=tuple(found.doubts),
        false_alarms=() if tape is None else _alarms_without(fault, arena, tape),
    )


def _alarms_without(fault: PlantedFault, arena: Arena, tape: Tape) -> tuple[str, ...]:
    """What the oracles see in the same schedule when the service is as it should be."""
    arena.prepare(fault.scenario())
    picker = Replay(tape.steps, strict=False).next_picker()
    assert picker is not None, "a replay proposes one schedule"
    return tuple(sorted(arena.run(picker).failures))
