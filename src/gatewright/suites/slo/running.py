"""Runs the scenarios of a suite one by one against its service, and publishes the report."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.evidence.record import announce, publish
from gatewright.load import Origin
from gatewright.suites.slo.assembly import Heading, assemble, unfinished
from gatewright.suites.slo.attempts import count_attempt, question_of, share_of_alpha
from gatewright.suites.slo.markdown import render
from gatewright.suites.slo.page import render_page
from gatewright.suites.slo.plan import Plan, Service
from gatewright.suites.slo.progress import Progress
from gatewright.suites.slo.report import ScenarioResult, SloReport
from gatewright.suites.slo.suite import measure

__all__ = ["Engine", "Suite", "open_loop", "permitted_target", "run_and_publish", "run_suite", "summary"]

Engine = Callable[[Plan, Service, TextIO | None], ScenarioResult]
"""Measures one scenario of a service, and shows its progress where there is a stream for it."""


def open_loop(plan: Plan, service: Service, progress: TextIO | None) -> ScenarioResult:
    """The engine of gatewright itself: one scenario, with its progress."""
    if progress is None:
        return measure(plan, service, lambda _glance: None)
    rate = plan.rate if plan.may_stop_early else None
    with Progress(plan.name, plan.seconds, progress, rate=rate) as shown:
        return measure(plan, service, shown)


@dataclass(frozen=True)
class Suite:
    """What is run.

    Attributes:
        heading: what the report says about itself.
        plans: a scenario each, in order.
        service: gives the service for as long as its context lasts.
        engine: measures; the open loop of gatewright unless told otherwise.
        root: of the project whose tree is tested; attempts are counted by tree.
        share_alpha: whether all attempts at the same question share one alpha.
    """

    heading: Heading
    plans: Sequence[Plan]
    service: Callable[[], AbstractContextManager[Service]]
    engine: Engine = open_loop
    root: Path | None = None
    share_alpha: bool = False

    def counted(self, folder: Path) -> "Suite":
        """The suite as one more attempt, which is noted in the folder of its evidence.

        Raises:
            ConfigurationError: the note of earlier attempts can't be read.
        """
        question = question_of(self.root, folder, self.heading.target, self.plans)
        attempt = count_attempt(folder, question)
        heading, plans = replace(self.heading, attempt=attempt), self.plans
        if self.share_alpha:
            plans = [with_alpha(plan, share_of_alpha(plan.requirements.alpha, attempt)) for plan in plans]
            heading = replace(heading, alpha=share_of_alpha(heading.alpha, attempt))
        return replace(self, heading=heading, plans=plans)


def with_alpha(plan: Plan, alpha: float) -> Plan:
    """A plan whose decision may err with this probability."""
    return replace(plan, requirements=replace(plan.requirements, alpha=alpha))


def run_suite(suite: Suite, progress: TextIO | None = None) -> SloReport:
    """Measure the service and judge it; a service that can't be measured gives an INCONCLUSIVE report.

    A scenario that failed keeps the report a FAIL, also when the service dies before the next one.

    Args:
        suite: what is run.
        progress: where to show it; nowhere when None.

    Raises:
        ConfigurationError: an objective can't be used with this service.
    """
    if suite.share_alpha and suite.heading.attempt is None:
        raise ConfigurationError(
            "attempts can share an error only where they are counted", remedy="publish the evidence"
        )
    results: list[ScenarioResult] = []
    try:
        with suite.service() as service:
            # One by one: what was measured stays when a later scenario can't be.
            results.extend(suite.engine(plan, service, progress) for plan in suite.plans)
    except ConfigurationError:
        raise
    except GatewrightError as error:
        return unfinished(suite.heading, str(error), "measurable", datetime.now(UTC), results)
    return assemble(suite.heading, results, datetime.now(UTC))


def run_and_publish(suite: Suite, folder: Path, progress: TextIO | None) -> SloReport:
    """Run a suite and write its evidence.

    Before the run `latest.*` say that it has begun, so that no older PASS stands there when it is killed.

    Raises:
        ConfigurationError: an objective can't be used with this service, or the note of earlier attempts
            can't be read.
    """
    begun = unfinished(suite.heading, "the run has begun and was not finished", "finished", datetime.now(UTC))
    announce(folder, begun, render(begun), render_page(begun))
    suite = suite.counted(folder)
    report = run_suite(suite, progress)
    publish(folder, report, render(report), render_page(report))
    return report


def summary(report: SloReport) -> str:
    """The outcome, in a few lines."""
    lines = [f"{report.suite}: {report.verdict.value}", *(f"  {each.message}" for each in report.reasons)]
    for scenario in report.scenarios:
        figures = [
            f"{each.name} {each.observed or 0:.4g} ({each.threshold:g})" for each in scenario.objectives
        ]
        lines.append(f"  {scenario.name}, {scenario.runs} runs: {', '.join(figures)}")
    return "\n".join([*lines, ""])


def permitted_target(url: str, may_load: str | None) -> Origin:
    """The origin of a target; a host that is not this machine must be named twice.

    Raises:
        ConfigurationError: the URL is none, or the host was not named.
    """
    origin = Origin.parse(url)
    if not origin.is_loopback and origin.host != may_load:
        raise ConfigurationError(
            f"{origin.host} is not this machine", remedy=f"pass --i-may-load {origin.host} if you may load it"
        )
    return origin
