"""Load: an open loop sends journeys on a schedule, proves that it kept it, and judges nothing."""

from gatewright.load.client import HttpClient
from gatewright.load.eventloop import run_on_fast_loop
from gatewright.load.generator import DEFAULT_DEADLINE_S, OpenLoop
from gatewright.load.histogram import LogHistogram
from gatewright.load.journey import Answer, Call, Journey, StepFailedError
from gatewright.load.mix import Mix, Weighted
from gatewright.load.noise import NoiseMeter, NoiseReading
from gatewright.load.pacer import constant_arrivals, poisson_arrivals
from gatewright.load.recording import Outcome, Recording
from gatewright.load.request import Origin, Request, RequestTemplate
from gatewright.load.validity import LagLimits, ScheduleProof, prove_schedule
from gatewright.load.warmup import WarmUp, WarmUpRule, find_warm_up

__all__ = [
    "DEFAULT_DEADLINE_S",
    "Answer",
    "Call",
    "HttpClient",
    "Journey",
    "LagLimits",
    "LogHistogram",
    "Mix",
    "NoiseMeter",
    "NoiseReading",
    "OpenLoop",
    "Origin",
    "Outcome",
    "Recording",
    "Request",
    "RequestTemplate",
    "ScheduleProof",
    "StepFailedError",
    "WarmUp",
    "WarmUpRule",
    "Weighted",
    "constant_arrivals",
    "find_warm_up",
    "poisson_arrivals",
    "prove_schedule",
    "run_on_fast_loop",
]
