"""Binds an indicator to what gatewright measures, since a load test can't ask a monitoring system.

Settings stand in `metricSource.spec` of a source with `type: gatewright`, or in annotations
`gatewright.dev/<setting>` of the indicator, or of its SLO; the first of them that has a setting counts.

- `metric`: `latency` (a run is good when it is quick enough) or `success` (when it succeeds).
- `journey`, `step`: of these runs only; a step's latency is its service time.
- `unit`: of a threshold metric's values: `s`, `ms` or `us`.
- `threshold`: the longest latency of a good run, for a ratio metric about latency: `250ms`.
- `slice`: the length of a time slice in a load test, instead of `timeSliceWindow`: `5s`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from gatewright.core.escape import printable
from gatewright.slo.openslo.durations import SECONDS, read_short_time
from gatewright.slo.openslo.model import Metric, Path, RefusedError
from gatewright.slo.openslo.parsing import nearest, shown
from gatewright.slo.openslo.wire import Metadata, SliSpec

__all__ = ["Binding", "bind"]

PREFIX = "gatewright.dev/"
SOURCE_TYPE = "gatewright"
SETTINGS = ["metric", "journey", "step", "unit", "threshold", "slice"]
METRICS: dict[str, Metric] = {"latency": "latency", "success": "success"}
Value = TypeVar("Value")


@dataclass(frozen=True)
class Binding:
    """What an indicator is about.

    Attributes:
        metric: what makes a run good.
        journey: of runs that make this journey; of all when empty.
        step: of this step; of whole runs when empty.
        unit_s: the unit of a threshold metric's values, in seconds.
        threshold_s: the longest latency of a good run, in seconds, where the objective gives none.
        slice_s: the length of a time slice, in seconds, where the objective's doesn't fit a load test.
    """

    metric: Metric
    journey: str = ""
    step: str = ""
    unit_s: float | None = None
    threshold_s: float | None = None
    slice_s: float | None = None


def bind(spec: SliSpec, indicator: Metadata, slo: Metadata, path: Path) -> Binding:
    """Read the binding of an indicator.

    Args:
        spec: the indicator.
        indicator: its metadata.
        slo: metadata of the SLO that uses it.
        path: where the SLO has it, which is named when it is not bound.

    Raises:
        RefusedError: not bound, or not understood.
    """
    settings = annotated(slo, path) | annotated(indicator, path) | sourced(spec, path)
    if "metric" not in settings:
        raise RefusedError(
            path,
            f"indicator {indicator.name} is bound to nothing that a load test measures",
            remedy=f"annotate it with {PREFIX}metric: latency, or success",
        )
    read = Reader(settings, path)
    return Binding(
        metric=read.choice("metric", METRICS),
        journey=settings.get("journey", ""),
        step=settings.get("step", ""),
        unit_s=read.choice("unit", SECONDS) if "unit" in settings else None,
        threshold_s=read.seconds("threshold") if "threshold" in settings else None,
        slice_s=read.seconds("slice") if "slice" in settings else None,
    )


def annotated(metadata: Metadata, path: Path) -> dict[str, str]:
    """The settings among annotations; those of other programs are theirs."""
    ours = {
        key.removeprefix(PREFIX): value
        for key, value in metadata.annotations.items()
        if key.startswith(PREFIX)
    }
    return checked(ours, f"annotations of {metadata.name}", path)


def sourced(spec: SliSpec, path: Path) -> dict[str, str]:
    """The settings of sources of our type, which agree with each other."""
    ours = [source.spec for source in spec.sources if source.type == SOURCE_TYPE]
    if any(settings != ours[0] for settings in ours):
        raise RefusedError(
            path,
            f"has sources of type {SOURCE_TYPE} that differ",
            remedy="what is good and what is total comes from the same runs: give both the same spec",
        )
    return checked(ours[0], f"metricSource.spec of type {SOURCE_TYPE}", path) if ours else {}


def checked(settings: Mapping[str, object], place: str, path: Path) -> dict[str, str]:
    """Settings that exist, their values being text."""
    texts: dict[str, str] = {}
    for name, value in settings.items():
        if name not in SETTINGS:
            raise RefusedError(
                path, f"{place}: there is no setting {shown(name)}", remedy=nearest(name, SETTINGS)
            )
        if not isinstance(value, str) or not value.strip() or printable(value) != value:
            raise RefusedError(path, f"{place}: {name} is {shown(value)}", remedy="it must be visible text")
        texts[name] = value
    return texts


@dataclass(frozen=True)
class Reader:
    """Reads settings; refuses what they can't be."""

    settings: Mapping[str, str]
    path: Path

    def choice(self, name: str, known: Mapping[str, Value]) -> Value:
        """What a word stands for."""
        word = self.settings[name]
        if word not in known:
            raise RefusedError(self.path, f"{name} is {shown(word)}", remedy=f"it may be {', '.join(known)}")
        return known[word]

    def seconds(self, name: str) -> float:
        """A short time."""
        try:
            return read_short_time(self.settings[name])
        except ValueError as error:
            raise RefusedError(
                self.path, f"{name} is {shown(self.settings[name])}", remedy=str(error)
            ) from None
