"""Where a schedule breaks what must hold at every commit: once more, with a look after each step."""

from collections.abc import Sequence

from gatewright.race.arena import Arena
from gatewright.race.postgres_arena import PostgresArena
from gatewright.race.scenario import Judged
from gatewright.race.schedule import Choice, Picker
from gatewright.race.strategies import Replay
from gatewright.race.thread_arena import ThreadArena

__all__ = ["breaking_steps"]

CHANGES_NOTHING = ("SELECT", "BEGIN", "ROLLBACK")


def breaking_steps(
    arena: Arena | ThreadArena | PostgresArena, scenario: Judged, steps: Sequence[tuple[str, str]]
) -> dict[str, int]:
    """For each invariant that holds at every commit, the number of the first step after which it does not.

    Only the scheduled loop can be stopped between two steps, to look.

    Args:
        arena: prepared for the scenario.
        scenario: what was raced.
        steps: actor and label of every step of the schedule; they count from 1.
    """
    marks = [mark for mark in scenario.invariants() if mark.at_every_commit]
    picker = Replay(steps).next_picker()
    if not marks or picker is None or not isinstance(arena, Arena):
        return {}
    arena.add_onlooker()
    onlooker = _Onlooker(arena, picker, steps)
    end = arena.run(onlooker)
    if end.divergence:
        return {}
    for mark in marks:
        if end.violations.get(mark.name):
            onlooker.broken.setdefault(mark.name, len(steps))
    return onlooker.broken


class _Onlooker:
    """Looks at the state after each step that may have changed it, then lets another picker decide."""

    def __init__(self, arena: Arena, picker: Picker, steps: Sequence[tuple[str, str]]) -> None:
        self._arena = arena
        self._picker = picker
        self._steps = steps
        self.broken: dict[str, int] = {}

    def pick(self, choice: Choice) -> str:
        """The other's pick."""
        number = min(choice.index, len(self._steps))
        if number and not self._steps[number - 1][1].startswith(CHANGES_NOTHING):
            for name in self._arena.look():
                self.broken.setdefault(name, number)
        return self._picker.pick(choice)
