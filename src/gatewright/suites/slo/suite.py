"""The SLO suite's engine room: measures one scenario of a service and says what was decided about it."""

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from gatewright.load import (
    Lane,
    Observer,
    OpenLoop,
    Recording,
    ResourceMeter,
    open_application,
    open_sender,
    run_on_fast_loop,
)
from gatewright.slo import Judge
from gatewright.suites.slo.burning import BurnWatch, with_budget
from gatewright.suites.slo.findings import conclude
from gatewright.suites.slo.growth import ensure_known
from gatewright.suites.slo.plan import MOST_CONNECTIONS, Plan, Service
from gatewright.suites.slo.report import ScenarioResult
from gatewright.suites.slo.slices import with_slices
from gatewright.suites.slo.watch import Glance, Offered, Watch, WatchRules

__all__ = ["lane_to", "measure"]


def measure(plan: Plan, service: Service, show: Callable[[Glance], None]) -> ScenarioResult:
    """Measure a running service until the objectives are decided, or the budget is spent.

    Args:
        plan: how.
        service: what.
        show: receives a glance twice a second.

    Raises:
        ConfigurationError: an objective speaks of what no run does, or a drift limit of what nobody tells.
        GatewrightError: the service takes no connection.
    """
    plan.ensure_fits(service.mix)
    ensure_known(plan.drift_limits, own_process=service.pid is not None, gauges=service.gauges)
    judge = Judge(plan.objectives, plan.requirements)
    offered = Offered(plan.mean_rate, service.mix)
    rules = WatchRules(
        offered, plan.may_stop_early, plan.lag_limits, plan.most_discards, plan.warm_up, plan.drift_limits
    )
    meter = ResourceMeter(service.pid, service.gauges)
    watch = Watch(judge, rules, server_pid=service.pid, meter=meter, show=show)
    cpu = time.process_time()
    burn = BurnWatch(plan.budget, plan.seconds) if plan.budget else None

    def observe(seen: Recording, now: float) -> bool:
        settled = watch(seen, now)
        aborts = burn is not None and watch.window is not None and burn(watch.window, now)
        return settled or aborts

    recording = run_on_fast_loop(load(plan, service, observe))
    cpu = time.process_time() - cpu
    window = watch.finish(recording, aborted=burn is not None and burn.ringing is not None)
    result = conclude(plan, watch, window, cpu)
    if service.application is not None:
        result = result.model_copy(update={"in_process": True})
    if plan.budget and burn:
        result = with_budget(result, plan.budget, window, plan, burn)
    if plan.slices:
        result = with_slices(result, plan.slices, window, plan.requirements.alpha)
    return result


async def load(plan: Plan, service: Service, observer: Observer) -> Recording:
    """Follow the plan's schedule over real connections, or in this process."""
    async with lane_to(service) as lane:
        loop = OpenLoop(lane, service.mix, plan.schedule(), deadline_s=plan.deadline_s)
        return await loop.run(observer)


def lane_to(service: Service) -> AbstractAsyncContextManager[Lane]:
    """What carries requests to a service."""
    if service.application is not None:
        return open_application(service.application, origin=service.origin, safety_limit=MOST_CONNECTIONS)
    return open_sender(service.origin, safety_limit=MOST_CONNECTIONS, ca_file=service.ca_file)
