"""An import of OpenSLO documents as text: a table for people, and the declarative form for `gate.toml`."""

import json
import re
from collections.abc import Iterator, Sequence

from tabulate import tabulate

from gatewright.core.escape import printable
from gatewright.slo import LatencyObjective, TimeslicesObjective
from gatewright.slo.openslo import (
    BudgetingMethod,
    Import,
    ImportedObjective,
    as_objective,
    as_slice_objective,
)

__all__ = ["render_import", "render_toml"]

NO_NAME = re.compile(r"[^a-z0-9]+")
LONGEST_NAME = 40
MILLISECONDS = 1e3
HEADERS = ("objective", "service", "promise", "of", "budget")


def render_import(imported: Import) -> str:
    """What was imported, as tables."""
    parts = []
    if imported.objectives:
        parts.append(
            tabulate([row(each) for each in imported.objectives], headers=HEADERS, disable_numparse=True)
        )
    parts.extend(
        printable(f"alarm {each.name} of {each.slo}: aborts from a burn rate of {each.threshold:g} on")
        for each in imported.alarms
    )
    return "".join(f"{part}\n" for part in parts)


def row(objective: ImportedObjective) -> tuple[str, ...]:
    """One objective."""
    scope = "/".join(filter(None, (objective.journey, objective.step)))
    window = objective.window
    period = f" in {window.duration}{'' if window.rolling else ' by the calendar'}" if window else ""
    named = f"{objective.name}: {objective.title}" if objective.title else objective.name
    cells = (named, objective.service, promise(objective), scope or "all runs", f"{objective.method}{period}")
    return tuple(printable(cell) for cell in cells)


def promise(objective: ImportedObjective) -> str:
    """What is promised, in a few words."""
    good = "succeed" if objective.threshold_s is None else f"take at most {milliseconds(objective)} ms"
    share = percent(objective.target)
    if objective.slice_s is None:
        return f"{share}% of runs {good}"
    if objective.slice_target is None:
        return f"on average {share}% of runs of {objective.slice_s:g} s {good}"
    slices = f"{share}% of slices of {objective.slice_s:g} s"
    return f"{slices}, where {percent(objective.slice_target)}% of runs {good}"


def render_toml(objectives: Sequence[ImportedObjective]) -> str:
    """Objectives in the declarative form: `[[slo.SERVICE.objectives]]`, and `slices` for slices of time."""
    return "\n".join(toml_block(objective) for objective in objectives)


def toml_block(objective: ImportedObjective) -> str:
    """One objective, the SLO that it comes from above it."""
    comment = f"# OpenSLO: {printable(objective.name)}: {promise(objective)}\n"
    sliced = objective.method is not BudgetingMethod.OCCURRENCES
    fields = slices_fields(objective) if sliced else toml_fields(objective)
    lines = "".join(f"{key} = {value}\n" for key, value in (*fields, *scope_fields(objective)))
    table = "slices" if sliced else "objectives"
    return f"{comment}[[slo.{load_name(objective.service)}.{table}]]\n{lines}"


def load_name(service: str) -> str:
    """The name of a load that is called as the service is, as far as a policy allows."""
    return NO_NAME.sub("-", service.lower()).strip("-")[:LONGEST_NAME].rstrip("-") or "service"


def toml_fields(objective: ImportedObjective) -> Iterator[tuple[str, str]]:
    """Keys and values of the declarative form."""
    judged = as_objective(objective)
    if isinstance(judged, LatencyObjective):
        yield "metric", quoted("latency")
        yield "percentile", percent(judged.percentile)
        yield "at_most_ms", milliseconds(objective)
    else:
        yield "metric", quoted("success_ratio")
        yield "at_least", f"{judged.ratio:.12g}"


def slices_fields(objective: ImportedObjective) -> Iterator[tuple[str, str]]:
    """The same of a promise about slices of time."""
    judged = as_slice_objective(objective)
    yield "metric", quoted("success_ratio" if objective.threshold_s is None else "latency")
    if objective.threshold_s is not None:
        yield "at_most_ms", milliseconds(objective)
    yield "seconds", f"{judged.slice_s:.12g}"
    yield "at_least", f"{judged.target:.12g}"
    if isinstance(judged, TimeslicesObjective):
        yield "slice_at_least", f"{judged.slice_target:.12g}"


def scope_fields(objective: ImportedObjective) -> Iterator[tuple[str, str]]:
    """Of which runs, unless of all."""
    if objective.journey:
        yield "journey", quoted(objective.journey)
    if objective.step:
        yield "step", quoted(objective.step)


def quoted(text: str) -> str:
    """A basic string of TOML; the text is visible and on one line."""
    return json.dumps(text, ensure_ascii=False)


def percent(share: float) -> str:
    """A share as a percentage."""
    return f"{share * 100:.12g}"


def milliseconds(objective: ImportedObjective) -> str:
    """The threshold of a latency."""
    return f"{(objective.threshold_s or 0) * MILLISECONDS:.12g}"
