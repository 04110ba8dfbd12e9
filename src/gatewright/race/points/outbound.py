"""Outbound requests under exploration: a point before each request of httpx, whatever its transport.

The request then goes to the transport that the program chose: a mock, or another ASGI app.
"""

import importlib
from typing import Any

from gatewright.race.points.explicit import point, point_sync
from gatewright.race.points.substitution import Replacement

__all__ = ["outbound_replacements"]


def outbound_replacements() -> list[Replacement]:
    """What stands in for sending, where httpx is installed."""
    try:
        httpx: Any = importlib.import_module("httpx")
    except ImportError:
        return []
    send_async, send = httpx.AsyncClient.send, httpx.Client.send

    async def stand_in_async(client: Any, request: Any, **options: Any) -> Any:
        await point(_label_of(request))
        return await send_async(client, request, **options)

    def stand_in(client: Any, request: Any, **options: Any) -> Any:
        point_sync(_label_of(request))
        return send(client, request, **options)

    return [
        Replacement(httpx.AsyncClient, "send", stand_in_async),
        Replacement(httpx.Client, "send", stand_in),
    ]


def _label_of(request: Any) -> str:
    """Method and address; a query often names what differs from run to run."""
    url = request.url
    return f"{request.method} {url.scheme}://{url.netloc.decode()}{url.path}"
