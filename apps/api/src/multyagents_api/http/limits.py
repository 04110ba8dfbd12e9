"""A limit on the size of bodies, enforced while they arrive."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multyagents_api.http.problems import refused

__all__ = ["MOST_BODY_BYTES", "BodyLimit"]

MOST_BODY_BYTES = 4 * 1024 * 1024
"""Room for a template of 100 steps with prompts of 20,000 characters, most of them ASCII."""


_MOST_DIGITS = 20
"""So many of a length's digits already are over any limit; reading thousands would fail."""


class BodyLimit:
    """ASGI middleware that refuses bodies over the limit, announced or not."""

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BODY_BYTES) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its body."""
        if scope["type"] != "http" or scope["method"] == "GET":
            await self._app(scope, receive, send)
            return
        if _announced(scope) > self._most_bytes:
            await refused(self._refusal())(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._most_bytes:
                raise self._refusal()
            return message

        await self._app(scope, counted, send)

    def _refusal(self) -> HTTPException:
        """The one exception that FastAPI lets through from reading a body; `problems` answers it."""
        return HTTPException(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The body is larger than {self._most_bytes} bytes.",
            headers={"connection": "close"},
        )


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value[:_MOST_DIGITS]) if value.isdigit() else 0
    return 0
