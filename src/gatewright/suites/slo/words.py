"""Metrics and offers in words for people."""

from gatewright.suites.slo.report import OfferedStage, ScenarioResult

__all__ = ["metric_words", "offer_words"]


def metric_words(name: str) -> str:
    """A metric's name in words; of a journey or a step with that before it."""
    scope, _, metric = name.rpartition(":")
    words = metric.removesuffix("_ms").replace("_runs_per_s", ", runs/s").replace("_", " ")
    return f"{scope}: {words}" if scope else words


def offer_words(scenario: ScenarioResult) -> str:
    """What was offered to the service, and how."""
    offer = scenario.offer
    lane = "called in this process, without server and network; " if scenario.in_process else ""
    stages = ", ".join(stage_words(stage) for stage in offer.stages)
    rate = stages if len(offer.stages) > 1 else f"{offer.rate:g} runs/s"
    return (
        f"{lane}Offered: {rate}; open loop, {offer.arrivals} arrivals, seed {offer.seed}; a run is given up "
        f"after {offer.deadline_s:g} s"
    )


def stage_words(stage: OfferedStage) -> str:
    """One stage."""
    changes = "" if stage.end_rate == stage.begin_rate else f" to {stage.end_rate:g}"
    return f"{stage.name} of {stage.begin_rate:g}{changes} runs/s for {stage.seconds:g} s"
