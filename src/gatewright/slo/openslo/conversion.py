"""From imported objectives to those that are judged."""

from gatewright.core.errors import ConfigurationError
from gatewright.slo.burn_alarm import BurnRules
from gatewright.slo.objective import LatencyObjective, SuccessObjective
from gatewright.slo.openslo.model import BudgetingMethod, ImportedAlarm, ImportedObjective
from gatewright.slo.timeslices import RatioTimeslicesObjective, SliceObjective, TimeslicesObjective

__all__ = ["as_burn_rules", "as_objective", "as_slice_objective"]


def as_objective(imported: ImportedObjective) -> LatencyObjective | SuccessObjective:
    """The objective of an import that budgets by occurrences: a percentile, or a success ratio.

    A share `target` of runs within T is the same promise as: percentile `target` of the latency is at most T.

    Raises:
        ConfigurationError: it budgets by slices of time.
    """
    if imported.method is not BudgetingMethod.OCCURRENCES:
        raise ConfigurationError(
            f"{imported.name} budgets by {imported.method}",
            remedy="judge it by slices, with as_slice_objective",
        )
    if imported.threshold_s is None:
        return SuccessObjective(imported.target, journey=imported.journey, step=imported.step)
    return LatencyObjective(
        imported.target, imported.threshold_s, journey=imported.journey, step=imported.step
    )


def as_slice_objective(imported: ImportedObjective) -> SliceObjective:
    """The objective of an import that budgets by slices of time.

    Raises:
        ConfigurationError: it budgets by occurrences.
    """
    if imported.slice_s is None:
        raise ConfigurationError(f"{imported.name} budgets by {imported.method}", remedy="use as_objective")
    if imported.slice_target is None:
        return RatioTimeslicesObjective(imported.target, imported.slice_s)
    return TimeslicesObjective(imported.target, imported.slice_target, imported.slice_s)


def as_burn_rules(alarm: ImportedAlarm, length_s: float) -> BurnRules:
    """An alarm's rule for a test of this length, in seconds: its threshold, with windows scaled to it."""
    return BurnRules.for_length(length_s, threshold=alarm.threshold)
