"""Strategies: who goes on at each point, schedule after schedule; one small file each behind one protocol."""

from gatewright.race.strategies.base import Strategy
from gatewright.race.strategies.fifo import Fifo
from gatewright.race.strategies.icb import PreemptionBounding
from gatewright.race.strategies.pct import PriorityChanges
from gatewright.race.strategies.random_walk import RandomWalk
from gatewright.race.strategies.replay import Replay
from gatewright.race.strategies.tape import Deviation, DeviationTape

__all__ = [
    "Deviation",
    "DeviationTape",
    "Fifo",
    "PreemptionBounding",
    "PriorityChanges",
    "RandomWalk",
    "Replay",
    "Strategy",
]
