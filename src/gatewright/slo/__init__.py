"""SLOs: judges what a load measured, with a bounded error, and says what is missing where it can't."""

from gatewright.slo.budget import BudgetDecision, ErrorBudget, judge_budget
from gatewright.slo.burn_alarm import BurnAlarm, BurnReading, BurnRules
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
from gatewright.slo.timeslices import (
    RatioTimeslicesObjective,
    Slice,
    SliceDecision,
    SliceObjective,
    SlicePromise,
    TimeslicesObjective,
    cut_slices,
    judge_slices,
)

__all__ = [
    "ALPHA",
    "BLOCKS_OF_A_ROUND",
    "Block",
    "BudgetDecision",
    "BurnAlarm",
    "BurnReading",
    "BurnRules",
    "CompareRules",
    "Comparison",
    "Decision",
    "Drift",
    "DriftLimit",
    "DriftSeries",
    "ErrorBudget",
    "Evidence",
    "Flow",
    "Judge",
    "LatencyObjective",
    "Margins",
    "Measure",
    "MeasureDecision",
    "Measured",
    "Objective",
    "RatioTimeslicesObjective",
    "Requirements",
    "Side",
    "Slice",
    "SliceDecision",
    "SliceObjective",
    "SlicePromise",
    "SuccessObjective",
    "Tally",
    "ThroughputObjective",
    "TimeslicesObjective",
    "UnusableFiguresError",
    "block_minima",
    "compare",
    "cut_slices",
    "judge_budget",
    "judge_drifts",
    "judge_slices",
    "least_clean_samples",
    "looks_for",
    "noise_margin",
]
