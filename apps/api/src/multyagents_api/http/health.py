"""Whether the process lives, and whether it can serve."""

from typing import Literal

from fastapi import FastAPI, HTTPException

from multyagents_api.http.wire import Answer
from multyagents_api.service.ports import Storage

__all__ = ["add_routes"]


class Alive(Answer):
    """The process answers."""

    status: Literal["ok"] = "ok"


def add_routes(app: FastAPI, storage: Storage) -> None:
    """Add the routes, bound to the store."""

    @app.get("/healthz", tags=["health"])
    async def alive() -> Alive:
        """The process lives."""
        return Alive()

    @app.get("/readyz", tags=["health"])
    async def ready() -> Alive:
        """The store answers and has the tables of this version."""
        if not await storage.ready():
            raise HTTPException(503, "The store has not the tables of this version.")
        return Alive()
