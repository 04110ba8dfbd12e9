"""SLOs: judges what a load measured, with a bounded error, and says what is missing where it can't."""

from gatewright.slo.drift import Drift, DriftLimit, DriftSeries, block_minima, judge_drifts
from gatewright.slo.figures import UnusableFiguresError
from gatewright.slo.judge import ALPHA, Decision, Judge, Measured, Requirements, Tally
from gatewright.slo.noise_margin import noise_margin
from gatewright.slo.objective import LatencyObjective, Objective, SuccessObjective, ThroughputObjective
from gatewright.slo.sequential import Evidence, least_clean_samples
from gatewright.slo.throughput import Flow

__all__ = [
    "ALPHA",
    "Decision",
    "Drift",
    "DriftLimit",
    "DriftSeries",
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
    "UnusableFiguresError",
    "block_minima",
    "judge_drifts",
    "least_clean_samples",
    "noise_margin",
]
