"""SLOs: judges what a load measured, with a bounded error, and says what is missing where it can't."""

from gatewright.slo.budget import BudgetDecision, ErrorBudget, judge_budget
from gatewright.slo.burn_alarm import BurnAlarm, BurnReading, BurnRules
from gatewright.slo.drift import Drift, DriftLimit, block_minima, find_drift
from gatewright.slo.judge import ALPHA, Decision, Judge, Measured, Requirements, Tally
from gatewright.slo.objective import LatencyObjective, Objective, SuccessObjective, ThroughputObjective
from gatewright.slo.sequential import Evidence, least_clean_samples
from gatewright.slo.throughput import Flow
from gatewright.slo.timeslices import (
    RatioTimeslicesObjective,
    Slice,
    SliceDecision,
    SliceObjective,
    TimeslicesObjective,
    cut_slices,
    judge_slices,
)

__all__ = [
    "ALPHA",
    "BudgetDecision",
    "BurnAlarm",
    "BurnReading",
    "BurnRules",
    "Decision",
    "Drift",
    "DriftLimit",
    "ErrorBudget",
    "Evidence",
    "Flow",
    "Judge",
    "LatencyObjective",
    "Measured",
    "Objective",
    "RatioTimeslicesObjective",
    "Requirements",
    "Slice",
    "SliceDecision",
    "SliceObjective",
    "SuccessObjective",
    "Tally",
    "ThroughputObjective",
    "TimeslicesObjective",
    "block_minima",
    "cut_slices",
    "find_drift",
    "judge_budget",
    "judge_slices",
    "least_clean_samples",
]
