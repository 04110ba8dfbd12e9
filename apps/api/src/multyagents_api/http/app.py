"""The FastAPI app over the use cases."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

from fastapi import FastAPI
from starlette.middleware import Middleware

from multyagents_api.domain.errors import StoreBusy
from multyagents_api.http import (
    access,
    approvals,
    artifacts,
    contract,
    dispatching,
    event_stream,
    events,
    handoffs,
    health,
    observed,
    permissions,
    problems,
    projects,
    roles,
    runner,
    runs,
    skill_packs,
    summaries,
    tasks,
    templates,
)
from multyagents_api.http.limits import BodyLimit
from multyagents_api.observing.metrics import Metrics
from multyagents_api.service.access import Tokens
from multyagents_api.service.approvals import Approvals
from multyagents_api.service.artifacts import Artifacts
from multyagents_api.service.callbacks import Callbacks
from multyagents_api.service.control_loop import ControlLoop
from multyagents_api.service.dispatching import Dispatching
from multyagents_api.service.event_streams import EventStreams
from multyagents_api.service.events import Events
from multyagents_api.service.handoffs import Handoffs
from multyagents_api.service.health import Health
from multyagents_api.service.leases import Leases
from multyagents_api.service.outbox import Outbox
from multyagents_api.service.ports import Storage
from multyagents_api.service.projects import Projects
from multyagents_api.service.reruns import Reruns
from multyagents_api.service.roles import Roles
from multyagents_api.service.runs import Runs
from multyagents_api.service.skill_packs import SkillPacks
from multyagents_api.service.summaries import Summaries
from multyagents_api.service.tasks import Tasks
from multyagents_api.service.templates import Templates

__all__ = ["VERSION", "Services", "build_app"]

VERSION = "0.1.0"


@dataclass(frozen=True, slots=True)
class Services:
    """All use cases, and what is below them; the app lets go of the store and the resources at its end."""

    storage: Storage
    projects: Projects
    skill_packs: SkillPacks
    roles: Roles
    templates: Templates
    runs: Runs
    tasks: Tasks
    events: Events
    streams: EventStreams
    outbox: Outbox
    dispatching: Dispatching
    control_loop: ControlLoop
    callbacks: Callbacks
    leases: Leases
    approvals: Approvals
    reruns: Reruns
    artifacts: Artifacts
    handoffs: Handoffs
    summaries: Summaries
    tokens: Tokens
    health: Health
    metrics: Metrics
    resources: AsyncExitStack = field(default_factory=AsyncExitStack)


def build_app(services: Services, gate: access.Access, within: Sequence[Middleware] = ()) -> FastAPI:
    """An app over these use cases, for whom `gate` lets in; `app.state.services` holds them.

    Further middleware stands right within what observes requests, which is outermost.

    Raises:
        PermissionsMismatch: the table of permissions does not fit the routes.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with suppress(StoreBusy):  # whoever holds the store that long serves, and sweeps the outbox
            await services.outbox.deliver_overdue()
        try:
            yield
        finally:
            await services.resources.aclose()
            await services.storage.aclose()

    app = FastAPI(title="multyagents", version=VERSION, lifespan=lifespan, redirect_slashes=False)
    app.state.services = services
    # The first route that fits is taken: those that are asked most come first.
    dispatching.add_routes(app, services.dispatching, services.control_loop)
    runner.add_routes(app, services.callbacks, services.leases)
    runs.add_routes(app, services.runs, services.reruns)
    approvals.add_routes(app, services.approvals)
    tasks.add_routes(app, services.tasks)
    events.add_routes(app, services.events)
    event_stream.add_routes(app, services.streams)
    artifacts.add_routes(app, services.artifacts)
    handoffs.add_routes(app, services.handoffs)
    summaries.add_routes(app, services.summaries)
    templates.add_routes(app, services.templates)
    roles.add_routes(app, services.roles)
    skill_packs.add_routes(app, services.skill_packs)
    projects.add_routes(app, services.projects)
    health.add_routes(app, services.health)
    observed.add_routes(app, services.metrics, services.outbox)
    problems.install(app)
    access.guard(permissions.guarded_routes(app), gate)
    contract.publish(app, guarded=not isinstance(gate, access.OpenAccess))
    app.add_middleware(BodyLimit)
    for each in within:
        app.add_middleware(each.cls, *each.args, **each.kwargs)
    app.add_middleware(observed.Observed, metrics=services.metrics)  # the last one added is outermost
    return app
