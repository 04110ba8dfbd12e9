"""SLOs: judges what a load measured, with a bounded error, and says what is missing where it can't."""

from gatewright.slo.compare import (
    BLOCKS_OF_A_ROUND,
    Block,
    CompareRules,
    Comparison,
    Margins,
    Measure,
    MeasureDecision,
    Side,
    compare,
    looks_for,
)
from gatewright.slo.drift import Drift, DriftLimit, DriftSeries, block_minima, judge_drifts
from gatewright.slo.figures import UnusableFiguresError
from gatewright.slo.judge import ALPHA, Decision, Judge, Measured, Requirements, Tally
from gatewright.slo.noise_margin import noise_margin
from gatewright.slo.objective import LatencyObjective, Objective, SuccessObjective, ThroughputObjective
from gatewright.slo.sequential import Evidence, least_clean_samples
from gatewright.slo.throughput import Flow

__all__ = [
    "ALPHA",
    "BLOCKS_OF_A_ROUND",
    "Block",
    "CompareRules",
    "Comparison",
    "Decision",
    "Drift",
    "DriftLimit",
    "DriftSeries",
    "Evidence",
    "Flow",
    "Judge",
    "LatencyObjective",
    "Margins",
    "Measure",
    "MeasureDecision",
    "Measured",
    "Objective",
    "Requirements",
    "Side",
    "SuccessObjective",
    "Tally",
    "ThroughputObjective",
    "UnusableFiguresError",
    "block_minima",
    "compare",
    "judge_drifts",
    "least_clean_samples",
    "looks_for",
    "noise_margin",
]
