"""The Locust engine in the place of the open loop: measures a plan of a suite."""

from dataclasses import dataclass, field, replace
from typing import TextIO

from gatewright.core.errors import ConfigurationError
from gatewright.load import NoiseMeter, NoiseReading
from gatewright.plugins.locust.findings import scenario_of
from gatewright.plugins.locust.launch import Places, run_locust
from gatewright.plugins.locust.measurement import LocustMeasurement
from gatewright.plugins.locust.workload import JourneyEntry, Pace, Workload
from gatewright.suites.slo.plan import Plan, Service
from gatewright.suites.slo.report import ScenarioResult

__all__ = ["LocustEngine", "workload_of"]


@dataclass(frozen=True)
class LocustEngine:
    """Measures with Locust's master and workers; an engine of `gatewright.suites.slo.running.Suite`.

    Attributes:
        journeys: what workers import.
        workers: how many there are.
        accepts_closed_loop: whether latency objectives are judged on service times.
        may_load: a host besides loopback that may be loaded.
        places: where the processes are.
    """

    journeys: tuple[JourneyEntry, ...]
    workers: int = 2
    accepts_closed_loop: bool = False
    may_load: str | None = None
    places: Places = field(default_factory=Places)

    def __call__(self, plan: Plan, service: Service, progress: TextIO | None) -> ScenarioResult:
        """Measure for the plan's whole budget, then judge.

        Raises:
            ConfigurationError: the plan asks for what this engine can't do, or Locust is not installed.
            LocustError: there is no measurement.
        """
        ensure_possible(plan, service)
        workload = workload_of(plan, self.journeys, service.origin.url)
        pace = Pace.spread(plan.overall_rate, plan.seconds, self.workers, seed=plan.seed)

        def show(line: str) -> None:
            if progress is not None:
                progress.write(f"{plan.name}: {line}\n")
                progress.flush()

        meter = NoiseMeter(service.pid)
        measurement = run_locust(
            workload,
            pace,
            may_load=self.may_load,
            places=replace(self.places, ca_file=service.ca_file),
            show=show,
        )
        reading = of_workers(meter.read(), measurement)
        return scenario_of(plan, workload, measurement, reading, accepts_closed_loop=self.accepts_closed_loop)


def ensure_possible(plan: Plan, service: Service) -> None:
    """Refuse what only the open loop can do, before anything is started."""
    beyond = {
        "look for drift": bool(plan.drift_limits),
        "judge an error budget": plan.budget is not None,
        "judge slices of time": bool(plan.slices),
        "change its rate": len(plan.profile.parts) > 1 or plan.peak_rate != plan.overall_rate,
        "call an application in this process": service.application is not None,
    }
    for what, asked in beyond.items():
        if asked:
            raise ConfigurationError(f"the Locust engine can't {what}", remedy="leave --engine out")
    plan.ensure_fits(service.mix)


def workload_of(plan: Plan, journeys: tuple[JourneyEntry, ...], target: str) -> Workload:
    """What workers do for a plan; the same wherever the same load is declared."""
    return Workload(target=target, journeys=journeys, objectives=plan.objectives, deadline_s=plan.deadline_s)


def of_workers(reading: NoiseReading, measurement: LocustMeasurement) -> NoiseReading:
    """The machine's noise, with the workers in the place of the generator: they are what sent and waited."""
    delays = [each.run_delay for each in measurement.workers if each.run_delay is not None]
    cpu_s = sum(each.cpu_s for each in measurement.workers)
    return replace(
        reading,
        own_run_delay=max(delays, default=None),
        own_cpu=cpu_s / measurement.pace.seconds,
    )
