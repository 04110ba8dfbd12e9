"""A limit on the size of bodies, enforced while they arrive."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multyagents_api.http.problems import problem_response

__all__ = ["MOST_BODY_BYTES", "BodyLimit"]

MOST_BODY_BYTES = 4 * 1024 * 1024
"""Room for a template of 100 steps with prompts of 20,000 characters, most of them ASCII."""


class BodyTooLarge(Exception):  # noqa: N818 - an answer, not a defect
    """A body went over the limit while it arrived."""


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
            await self._refuse(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._most_bytes:
                raise BodyTooLarge
            return message

        try:
            await self._app(scope, counted, send)
        except BodyTooLarge:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = problem_response(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "body_too_large",
            f"The body is larger than {self._most_bytes} bytes.",
            headers={"connection": "close"},
        )
        await response(scope, receive, send)


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
