"""Explore the schedules of a service on purpose, judge every one, replay the failing ones exactly.

from gatewright.race import Scenario, invariant, explore
"""

try:
    import greenlet  # noqa: F401 - first of all: it comes with an extra that may not be installed
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "gatewright.race needs greenlet, which is not installed; pip install 'gatewright[race]'",
        name="greenlet",
    ) from missing

from gatewright.race.arena import Arena, Race, SetupFailed
from gatewright.race.checkers import Done, Refused, SequentialModel
from gatewright.race.client import Client
from gatewright.race.explorer import (
    Budget,
    Exploration,
    Finding,
    Iteration,
    explore,
    explore_postgres,
    explore_threads,
    portfolio,
    reproduces,
)
from gatewright.race.history import History, Operation, Response
from gatewright.race.miss_bound import MissBound
from gatewright.race.points.explicit import point, point_sync
from gatewright.race.points.lines import Granularity
from gatewright.race.postgres_arena import PostgresArena
from gatewright.race.process_model import ProcessModel
from gatewright.race.process_models import ModelComparison, compare_process_models
from gatewright.race.scenario import (
    Actor,
    Invariant,
    Scenario,
    ThreadActor,
    ThreadScenario,
    Unchecked,
    invariant,
)
from gatewright.race.schedule import Deadlock, Diverged, ForeignThread, Livelock, ScheduleError, Trace
from gatewright.race.share import WHOLE, Share, read_share
from gatewright.race.strategies import (
    Deviation,
    DeviationTape,
    Fifo,
    PreemptionBounding,
    PriorityChanges,
    RandomWalk,
    Replay,
    Strategy,
)
from gatewright.race.tape import Tape, read_tape
from gatewright.race.thread_arena import ThreadArena

__all__ = [
    "WHOLE",
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
    "Granularity",
    "History",
    "Invariant",
    "Iteration",
    "Livelock",
    "MissBound",
    "ModelComparison",
    "Operation",
    "PostgresArena",
    "PreemptionBounding",
    "PriorityChanges",
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
    "Share",
    "Strategy",
    "Tape",
    "ThreadActor",
    "ThreadArena",
    "ThreadScenario",
    "Trace",
    "Unchecked",
    "compare_process_models",
    "explore",
    "explore_postgres",
    "explore_threads",
    "invariant",
    "point",
    "point_sync",
    "portfolio",
    "read_share",
    "read_tape",
    "reproduces",
]
