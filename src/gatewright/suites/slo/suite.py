"""The SLO suite's engine room: measures one scenario of a service and says what was decided about it."""

import time
from collections.abc import Callable

from gatewright.core.errors import GatewrightError
from gatewright.load import HttpClient, OpenLoop, Origin, Recording, run_on_fast_loop
from gatewright.slo import Judge
from gatewright.suites.slo.findings import conclude
from gatewright.suites.slo.plan import MOST_CONNECTIONS, Plan, Service
from gatewright.suites.slo.report import ScenarioResult
from gatewright.suites.slo.watch import Glance, Offered, Watch, WatchRules

__all__ = ["measure"]

WARM_CONNECTIONS = 8


def measure(plan: Plan, service: Service, show: Callable[[Glance], None]) -> ScenarioResult:
    """Measure a running service until the objectives are decided, or the budget is spent.

    Args:
        plan: how.
        service: what.
        show: receives a glance twice a second.

    Raises:
        ConfigurationError: an objective speaks of what no run does.
        GatewrightError: the service takes no connection.
    """
    plan.ensure_fits(service.mix)
    judge = Judge(plan.objectives, plan.requirements)
    offered = Offered(plan.mean_rate, service.mix)
    rules = WatchRules(offered, plan.stops_early, plan.lag_limits, plan.most_discards, plan.warm_up)
    watch = Watch(judge, rules, server_pid=service.pid, show=show)
    cpu = time.process_time()
    recording = run_on_fast_loop(load(plan, service, watch))
    cpu = time.process_time() - cpu
    window = watch.finish(recording)
    return conclude(plan, watch, window, cpu)


async def load(plan: Plan, service: Service, watch: Watch) -> Recording:
    """Follow the plan's schedule over real connections."""
    client = HttpClient(service.origin, safety_limit=MOST_CONNECTIONS)
    try:
        await connect(client, service.origin)
        loop = OpenLoop(client, service.mix, plan.schedule(), deadline_s=plan.deadline_s)
        return await loop.run(watch)
    finally:
        client.close()


async def connect(client: HttpClient, origin: Origin) -> None:
    """Open the first connections; a server that takes none is named."""
    try:
        await client.warm(WARM_CONNECTIONS)
    except OSError as error:
        raise GatewrightError(f"no connection to {origin.url}: {error.strerror or error}") from error
