"""What OpenSLO's fields mean for a load test: thresholds, slices, periods and alarms."""

from collections.abc import Iterator

from gatewright.slo.openslo.binding import PREFIX, Binding
from gatewright.slo.openslo.durations import read_shorthand
from gatewright.slo.openslo.model import BudgetingMethod, ImportedAlarm, Path, RefusedError, TimeWindow
from gatewright.slo.openslo.wire import AlertConditionSpec, Objective, SliSpec, SloSpec

__all__ = ["alarm_of", "remarks", "slice_of", "slice_target_of", "threshold_of", "window_of"]

BELOW = ("lte", "lt")
ABOVE = ("gte", "gt")


def threshold_of(
    spec: SliSpec, objective: Objective, binding: Binding, path: Path, where: Path
) -> float | None:
    """The longest latency of a good run, in seconds; None for success.

    Args:
        spec: the indicator.
        objective: whose `value` a threshold metric is compared with.
        binding: what the indicator is about.
        path: of the objective.
        where: of the indicator.
    """
    if spec.threshold_metric is not None:
        return compared(objective, binding, path, where)
    if binding.metric == "success":
        if binding.threshold_s is not None:
            raise RefusedError(where, "gives a success a threshold", remedy=f"remove {PREFIX}threshold")
        return None
    if binding.threshold_s is None:
        raise RefusedError(
            where,
            "is a ratio about latency and does not say which latency is good",
            remedy=f"annotate it with {PREFIX}threshold, e.g. 250ms",
        )
    return binding.threshold_s


def compared(objective: Objective, binding: Binding, path: Path, where: Path) -> float:
    """The threshold of a threshold metric: `op` and `value` of the objective, in the binding's unit."""
    if binding.metric == "success":
        raise RefusedError(
            where,
            "compares a success with a value, and a run either succeeds or it does not",
            remedy="use a ratioMetric",
        )
    if binding.threshold_s is not None:
        raise RefusedError(
            where,
            f"has {PREFIX}threshold beside a thresholdMetric",
            remedy="remove it: the objective's value counts",
        )
    if objective.op not in BELOW:
        raise RefusedError(
            (*path, "op"),
            f"is {objective.op or 'missing'}, and a latency is limited from above",
            remedy="use lte or lt",
        )
    if objective.value is None or objective.value <= 0:
        shown = "missing" if objective.value is None else f"{objective.value:g}"
        raise RefusedError(
            (*path, "value"), f"is {shown}", remedy="a latency is limited by a positive number"
        )
    if binding.unit_s is None:
        raise RefusedError(
            where,
            "does not say the unit of its values",
            remedy=f"annotate it with {PREFIX}unit: ms, or s, or us",
        )
    return objective.value * binding.unit_s


def slice_of(method: BudgetingMethod, objective: Objective, binding: Binding, path: Path) -> float | None:
    """The length of a slice, in seconds; None for Occurrences."""
    if method is BudgetingMethod.OCCURRENCES:
        return None
    if objective.time_slice_window is None:
        raise RefusedError((*path, "timeSliceWindow"), "is missing", remedy=f"{method} requires it")
    return binding.slice_s or objective.time_slice_window


def slice_target_of(method: BudgetingMethod, objective: Objective, path: Path) -> float | None:
    """The share of good runs that makes a slice good; for Timeslices alone."""
    if method is not BudgetingMethod.TIMESLICES:
        return None
    if objective.time_slice_target is None:
        raise RefusedError((*path, "timeSliceTarget"), "is missing", remedy=f"{method} requires it")
    return objective.time_slice_target


def window_of(spec: SloSpec) -> TimeWindow | None:
    """The period of the budget, where one is given."""
    for window in spec.time_window:
        calendar = window.calendar
        return TimeWindow(
            duration=window.duration,
            seconds=read_shorthand(window.duration),
            rolling=window.is_rolling,
            start=calendar.start_time if calendar else "",
            zone=calendar.time_zone if calendar else "",
        )
    return None


def alarm_of(name: str, slo: str, spec: AlertConditionSpec, path: Path) -> ImportedAlarm:
    """A burn-rate alarm; one that rings at a low rate would abort what is fine."""
    condition = spec.condition
    if condition.op not in ABOVE:
        raise RefusedError(
            path,
            f"condition {name} alerts when the burn rate is {condition.op} {condition.threshold:g}, "
            "so it would abort what burns slowly",
            remedy="use gte or gt",
        )
    return ImportedAlarm(name, slo, condition.threshold, condition.lookback_window, condition.alert_after)


def remarks(spec: SloSpec) -> Iterator[str]:
    """What an SLO says that has no effect here."""
    method = BudgetingMethod(spec.budgeting_method)
    if any(objective.is_component for objective in spec.objectives):
        yield "components are judged one by one, which is stricter than their weighted sum"
    if method is BudgetingMethod.OCCURRENCES and any(each.time_slice_window for each in spec.objectives):
        yield "timeSliceWindow means nothing with Occurrences"
    if method is not BudgetingMethod.TIMESLICES and any(each.time_slice_target for each in spec.objectives):
        yield f"timeSliceTarget means nothing with {method}"
