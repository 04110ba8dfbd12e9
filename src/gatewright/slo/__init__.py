"""SLOs: judges what a load measured, with a bounded error, and says what is missing where it can't."""

from gatewright.slo.drift import Drift, DriftLimit, block_minima, find_drift
from gatewright.slo.judge import ALPHA, Decision, Judge, Measured, Requirements, Tally
from gatewright.slo.objective import LatencyObjective, Objective, SuccessObjective, ThroughputObjective
from gatewright.slo.sequential import Evidence, least_clean_samples
from gatewright.slo.throughput import Flow

__all__ = [
    "ALPHA",
    "Decision",
    "Drift",
    "DriftLimit",
    "Evidence",
    "Flow",
    "Judge",
    "LatencyObjective",
    "Measured",
    "Objective",
    "Requirements",
    "SuccessObjective",
    "Tally",
    "ThroughputObjective",
    "block_minima",
    "find_drift",
    "least_clean_samples",
]
