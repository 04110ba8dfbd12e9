"""Which prefixes of schedules are the same but for the order of steps that touch nothing in common.

A step happens before a later one that conflicts with it, and before all that follows from that. Two schedules
with the same steps and the same order of this kind come to the same state (Mazurkiewicz, Trace theory, 1986).
"""

from collections import defaultdict
from typing import TypeAlias

from gatewright.race.footprint import Footprint
from gatewright.race.schedule import Trace

__all__ = ["Prefix", "PrefixClasses"]

Prefix: TypeAlias = tuple[tuple[str, int], ...]
"""A class of prefixes: for each actor that has made a step the number of its history, sorted by actor."""

Clock: TypeAlias = dict[str, int]


class PrefixClasses:
    """Tells the classes of all prefixes of schedules, the same ones for all schedules that it is shown."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, str, Prefix], int] = {}

    def of(self, trace: Trace) -> list[Prefix]:
        """The class of the first n steps, for n from 0 to all of them."""
        before: dict[str, list[tuple[Footprint, Clock]]] = defaultdict(list)
        histories: dict[str, int] = {}
        prefixes: list[Prefix] = [()]
        for step in trace.steps:
            clock = clock_of(step.actor, step.footprint, before)
            before[step.actor].append((step.footprint, clock))
            event = (histories.get(step.actor, 0), step.label, tuple(sorted(clock.items())))
            histories[step.actor] = self._numbers.setdefault(event, len(self._numbers) + 1)
            prefixes.append(tuple(sorted(histories.items())))
        return prefixes


def clock_of(actor: str, footprint: Footprint, before: dict[str, list[tuple[Footprint, Clock]]]) -> Clock:
    """How many steps of each actor happen before a step, itself included (a vector clock)."""
    own = before[actor]
    clock = dict(own[-1][1]) if own else {}
    clock[actor] = len(own) + 1
    for other, steps in before.items():
        if other == actor:
            continue
        for number in range(len(steps), clock.get(other, 0), -1):
            past, its_clock = steps[number - 1]
            if footprint.conflicts(past):
                for name, count in its_clock.items():
                    if count > clock.get(name, 0):
                        clock[name] = count
                break
    return clock
