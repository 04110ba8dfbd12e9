"""Whether the process lives, and whether it can serve."""

from http import HTTPStatus
from typing import Literal

from fastapi import FastAPI
from starlette.responses import JSONResponse

from multyagents_api.http.problems import Dependency, problem_response
from multyagents_api.http.wire import Answer
from multyagents_api.service.health import Health, HealthStatus

__all__ = ["add_routes"]


class Alive(Answer):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(Answer):
    """Requests are welcome; degraded: what needs the dependency that is down has to wait."""

    status: Literal["ok", "degraded"]
    dependencies: dict[str, Dependency]


def add_routes(app: FastAPI, health: Health) -> None:
    """Add the routes, bound to their use case."""

    @app.get("/healthz", tags=["health"])
    async def alive() -> Alive:
        """The process lives."""
        return Alive()

    @app.get("/readyz", tags=["health"], response_model=Ready, response_model_exclude_none=True)
    async def ready() -> Ready | JSONResponse:
        """Which dependencies are there; 503 without the database, degraded without the runner."""
        status, states = await health.look()
        dependencies = {
            name: Dependency(status=state.status.value, detail=state.detail) for name, state in states.items()
        }
        if status is not HealthStatus.DOWN:
            return Ready(status=status.value, dependencies=dependencies)
        down = ", ".join(f"{name}: {each.detail}" for name, each in dependencies.items() if each.detail)
        return problem_response(
            HTTPStatus.SERVICE_UNAVAILABLE, "not_ready", f"Not ready ({down}).", dependencies=dependencies
        )
