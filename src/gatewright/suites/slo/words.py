"""Metrics and offers in words for people."""

from gatewright.suites.slo.report import Offer, OfferedStage, ScenarioResult, SlicesResult

__all__ = ["error_words", "metric_words", "offer_words", "run_words", "slices_words"]


def error_words(alpha: float) -> str:
    """How often a verdict may be wrong.

    PASS needs every promise. One broken promise is enough for FAIL, and objectives, growth, the error budget
    and slices of time have an error of their own in each scenario.
    """
    return f"PASS is wrong with at most {alpha:.3g}, FAIL with so much for each kind of promise and scenario"


def metric_words(name: str) -> str:
    """A metric's name in words; of a journey or a step with that before it."""
    scope, _, metric = name.rpartition(":")
    words = metric.removesuffix("_ms").replace("_runs_per_s", ", runs/s").replace("_", " ")
    return f"{scope}: {words}" if scope else words


def slices_words(slices: SlicesResult) -> str:
    """What a promise about slices of time is a share of."""
    scope, _, _ = slices.name.rpartition(":")
    good = "succeed" if slices.at_most_ms is None else f"take at most {slices.at_most_ms:g} ms"
    if slices.slice_target is None:
        words = f"runs that {good}, averaged over slices of {slices.slice_s:g} s"
    else:
        words = f"slices of {slices.slice_s:g} s in which {slices.slice_target:.6g} of runs {good}"
    return f"{scope}: {words}" if scope else words


def offer_words(scenario: ScenarioResult) -> str:
    """What was offered to the service, and how."""
    offer = scenario.offer
    lane = "called in this process, without server and network; " if scenario.in_process else ""
    stages = ", ".join(stage_words(stage) for stage in offer.stages)
    rate = stages if len(offer.stages) > 1 else f"{offer.rate:g} runs/s"
    arrivals = f"{loop_words(offer)}, {offer.arrivals} arrivals, seed {offer.seed}"
    return f"{lane}Offered: {rate}; {arrivals}; a run is given up after {offer.deadline_s:g} s"


def loop_words(offer: Offer) -> str:
    """Whether users wait for answers, and what that means."""
    if offer.loop == "open":
        return "open loop"
    return f"closed loop of {offer.users} users in {offer.workers} workers (no claim about open latency)"


def run_words(offer: Offer) -> str:
    """What the latency of a run is."""
    return "run, from its schedule" if offer.loop == "open" else "run, service time"


def stage_words(stage: OfferedStage) -> str:
    """One stage."""
    changes = "" if stage.end_rate == stage.begin_rate else f" to {stage.end_rate:g}"
    return f"{stage.name} of {stage.begin_rate:g}{changes} runs/s for {stage.seconds:g} s"
