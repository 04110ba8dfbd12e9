"""Plots as SVG within a page: pure functions from figures to text, without scripts or references.

A plot is drawn in CSS pixels for one canvas; a page shows `NARROW` on a phone and a wider one elsewhere,
since text that merely shrinks with its picture can't be read. `STYLE` goes into the page once.
"""

from gatewright.report.plots.canvas import HALF, NARROW, WIDE, Canvas
from gatewright.report.plots.percentiles import (
    PercentileCurve,
    PercentilePoint,
    Promise,
    even_shares,
    latency_promise,
    percentile_plot,
)
from gatewright.report.plots.ratios import RatioSeries, ratio_plot
from gatewright.report.plots.slopes import SlopeSeries, slope_plot
from gatewright.report.plots.sparkline import SMALL, Ending, history_strip, sparkline
from gatewright.report.plots.style import STYLE
from gatewright.report.plots.timeline import Limit, Timeline, TimelineBlock, find_stalls, timeline_plot

__all__ = [
    "HALF",
    "NARROW",
    "SMALL",
    "STYLE",
    "WIDE",
    "Canvas",
    "Ending",
    "Limit",
    "PercentileCurve",
    "PercentilePoint",
    "Promise",
    "RatioSeries",
    "SlopeSeries",
    "Timeline",
    "TimelineBlock",
    "even_shares",
    "find_stalls",
    "history_strip",
    "latency_promise",
    "percentile_plot",
    "ratio_plot",
    "slope_plot",
    "sparkline",
    "timeline_plot",
]
