"""asyncio's locks, events, conditions, semaphores and queues under exploration: a point before each.

Where the operation is a coroutine, code really yields there, in both process models. What libraries do on
their own behalf is no point.
"""

import asyncio
import functools
import sys
from collections.abc import Callable
from typing import Any

from gatewright.race.loop import scheduled_loop
from gatewright.race.points.explicit import point, point_sync
from gatewright.race.points.substitution import Replacement, frame_is_of_program

__all__ = ["asyncio_replacements"]

AWAITED: dict[type, tuple[str, ...]] = {
    asyncio.Lock: ("acquire",),
    asyncio.Event: ("wait",),
    asyncio.Condition: ("wait",),
    asyncio.Semaphore: ("acquire",),
    asyncio.Queue: ("put", "get"),
}
CALLED: dict[type, tuple[str, ...]] = {
    asyncio.Lock: ("release",),
    asyncio.Event: ("set", "clear"),
    asyncio.Condition: ("notify", "notify_all"),
    asyncio.Semaphore: ("release",),
    asyncio.Queue: ("put_nowait", "get_nowait"),
}


def asyncio_replacements() -> list[Replacement]:
    """What stands in for the operations."""
    return [
        *(Replacement(kind, name, _awaited(kind, name)) for kind, names in AWAITED.items() for name in names),
        *(Replacement(kind, name, _called(kind, name)) for kind, names in CALLED.items() for name in names),
    ]


def _awaited(kind: type, name: str) -> Callable[..., Any]:
    genuine, label = vars(kind)[name], f"{kind.__name__}.{name}"

    @functools.wraps(genuine)
    async def operation(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_point():
            await point(label)
        return await genuine(self, *args, **kwargs)

    return operation


def _called(kind: type, name: str) -> Callable[..., Any]:
    genuine, label = vars(kind)[name], f"{kind.__name__}.{name}"

    @functools.wraps(genuine)
    def operation(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_point():
            point_sync(label)
        return genuine(self, *args, **kwargs)

    return operation


def _is_point() -> bool:
    """Whether an actor's own code asked for the operation, directly or by `async with`."""
    loop = scheduled_loop()
    if loop is None or not loop.controls:
        return False
    frame = sys._getframe(2)  # noqa: SLF001 - a whole traceback would be slow
    while frame.f_code.co_name in {"__aenter__", "__aexit__"} and frame.f_back is not None:
        frame = frame.f_back
    return frame_is_of_program(frame)
