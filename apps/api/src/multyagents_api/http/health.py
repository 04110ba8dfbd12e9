"""Whether the process lives, and whether it can serve."""

from typing import Literal

from fastapi import APIRouter, HTTPException

from multyagents_api.http.wire import Answer
from multyagents_api.service.ports import Storage

__all__ = ["router"]


class Alive(Answer):
    """The process answers."""

    status: Literal["ok"] = "ok"


def router(storage: Storage) -> APIRouter:
    """The routes, bound to the store."""
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz")
    async def alive() -> Alive:
        """The process lives."""
        return Alive()

    @routes.get("/readyz")
    async def ready() -> Alive:
        """The store answers and has the tables of this version."""
        if not await storage.ready():
            raise HTTPException(503, "The store has not the tables of this version.")
        return Alive()

    return routes
