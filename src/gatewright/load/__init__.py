"""Load: an open loop sends journeys on a schedule, proves that it kept it, and judges nothing."""

from gatewright.load.asgi import AsgiApplication, AsgiLane, open_application
from gatewright.load.capacity import Capacity, CapacityRules, find_capacity
from gatewright.load.client import HttpClient
from gatewright.load.closed_loop import ClosedLoop, ClosedResult
from gatewright.load.cpu import tree_cpu_seconds
from gatewright.load.eventloop import run_on_fast_loop
from gatewright.load.generator import Observer, OpenLoop
from gatewright.load.hdr import HdrInterval, encode_hdr, hdr_log
from gatewright.load.histogram import LogHistogram, SparseHistogram
from gatewright.load.journey import Answer, Call, Journey, StepFailedError
from gatewright.load.lanes import Lane, open_sender
from gatewright.load.mix import Mix, Weighted
from gatewright.load.noise import NoiseMeter, NoiseReading
from gatewright.load.pacer import constant_arrivals, poisson_arrivals
from gatewright.load.recording import Outcome, Recording
from gatewright.load.request import Origin, Request, RequestTemplate
from gatewright.load.resources import (
    DATABASE,
    DATABASE_LOG,
    FILES,
    OF_PROCESSES,
    RSS,
    THREADS,
    Gauge,
    PolledGauge,
    ResourceMeter,
    ResourceSeries,
    Series,
    sqlite_gauges,
)
from gatewright.load.stages import Hold, Part, Profile, Ramp, Spike, Stage, arrivals
from gatewright.load.validity import LagLimits, ScheduleProof, prove_schedule
from gatewright.load.walk import DEFAULT_DEADLINE_S
from gatewright.load.warmup import WarmUp, WarmUpRule, find_warm_up

__all__ = [
    "DATABASE",
    "DATABASE_LOG",
    "DEFAULT_DEADLINE_S",
    "FILES",
    "OF_PROCESSES",
    "RSS",
    "THREADS",
    "Answer",
    "AsgiApplication",
    "AsgiLane",
    "Call",
    "Capacity",
    "CapacityRules",
    "ClosedLoop",
    "ClosedResult",
    "Gauge",
    "HdrInterval",
    "Hold",
    "HttpClient",
    "Journey",
    "LagLimits",
    "Lane",
    "LogHistogram",
    "Mix",
    "NoiseMeter",
    "NoiseReading",
    "Observer",
    "OpenLoop",
    "Origin",
    "Outcome",
    "Part",
    "PolledGauge",
    "Profile",
    "Ramp",
    "Recording",
    "Request",
    "RequestTemplate",
    "ResourceMeter",
    "ResourceSeries",
    "ScheduleProof",
    "Series",
    "SparseHistogram",
    "Spike",
    "Stage",
    "StepFailedError",
    "WarmUp",
    "WarmUpRule",
    "Weighted",
    "arrivals",
    "constant_arrivals",
    "encode_hdr",
    "find_capacity",
    "find_warm_up",
    "hdr_log",
    "open_application",
    "open_sender",
    "poisson_arrivals",
    "prove_schedule",
    "run_on_fast_loop",
    "sqlite_gauges",
    "tree_cpu_seconds",
]
