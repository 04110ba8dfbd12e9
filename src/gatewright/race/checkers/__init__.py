"""Checkers: they judge a recorded history, and never what made it."""

from gatewright.race.checkers.linearizability import Linearizability, Outcome, check_linearizability
from gatewright.race.checkers.sequential import Done, Refused, SequentialModel

__all__ = ["Done", "Linearizability", "Outcome", "Refused", "SequentialModel", "check_linearizability"]
