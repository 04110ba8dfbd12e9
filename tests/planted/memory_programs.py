"""A dispatch in memory behind plain ASGI: what the engine itself costs."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from gatewright.race import Actor, Client, History, Scenario, invariant, point


class MemoryDispatch(Scenario):
    """Several actors dispatch the one task: check, a point, act."""

    name = "memory-dispatch"
    size: ClassVar[int] = 2
    guarded: ClassVar[bool] = False
    dispatches: ClassVar[int] = 0  # of all instances: one makes the app, another one may race it

    def reset(self) -> None:
        MemoryDispatch.dispatches = 0

    def create_app(self, folder: Path) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                done = await self.dispatch()
                await send({"type": "http.response.start", "status": 200 if done else 409})
                await send({"type": "http.response.body", "body": json.dumps({"done": done}).encode()})

        return app

    async def dispatch(self) -> bool:
        await point("read the task")
        is_ready = not self.dispatches
        if not self.guarded:
            await point("dispatch")
        if is_ready:
            MemoryDispatch.dispatches += 1
        if self.guarded:
            await point("answer")
        return is_ready

    def actors(self) -> Mapping[str, Actor]:
        async def dispatch(client: Client) -> None:
            await client.post("/dispatch")

        return dict.fromkeys(("alice", "bob", "carol")[: self.size], dispatch)

    @invariant("single-dispatch", "the task is dispatched exactly once, and one actor is told so")
    def single_dispatch(self, history: History, state: Any) -> Iterable[str]:
        if self.dispatches != 1 or sum(op.response.ok for op in history) != 1:
            yield f"dispatched {self.dispatches} times"


class GuardedMemoryDispatch(MemoryDispatch):
    name = "guarded-memory-dispatch"
    guarded = True
