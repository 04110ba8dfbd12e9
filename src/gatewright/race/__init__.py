"""Explore the schedules of a service on purpose, judge every one, replay the failing ones exactly.

from gatewright.race import Scenario, invariant, explore
"""

from gatewright.race.arena import Arena, Race, SetupFailed
from gatewright.race.checkers import Done, Refused, SequentialModel
from gatewright.race.client import Client
from gatewright.race.explorer import Budget, Exploration, Finding, Iteration, explore, reproduces
from gatewright.race.history import History, Operation, Response
from gatewright.race.loop import ProcessModel
from gatewright.race.points.explicit import point, point_sync
from gatewright.race.scenario import Actor, Invariant, Scenario, Unchecked, invariant
from gatewright.race.schedule import Deadlock, Diverged, ForeignThread, Livelock, ScheduleError, Trace
from gatewright.race.strategies import (
    Deviation,
    DeviationTape,
    Fifo,
    PreemptionBounding,
    RandomWalk,
    Replay,
    Strategy,
)
from gatewright.race.tape import Tape, read_tape

__all__ = [
    "Actor",
    "Arena",
    "Budget",
    "Client",
    "Deadlock",
    "Deviation",
    "DeviationTape",
    "Diverged",
    "Done",
    "Exploration",
    "Fifo",
    "Finding",
    "ForeignThread",
    "History",
    "Invariant",
    "Iteration",
    "Livelock",
    "Operation",
    "PreemptionBounding",
    "ProcessModel",
    "Race",
    "RandomWalk",
    "Refused",
    "Replay",
    "Response",
    "Scenario",
    "ScheduleError",
    "SequentialModel",
    "SetupFailed",
    "Strategy",
    "Tape",
    "Trace",
    "Unchecked",
    "explore",
    "invariant",
    "point",
    "point_sync",
    "read_tape",
    "reproduces",
]
