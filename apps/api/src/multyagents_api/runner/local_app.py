"""A local runner over HTTP: what the API posts to it, and what an operator may ask."""

import base64
import binascii
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from multyagents_api.runner.attempts import Attempts, ComeAgain, NeverHere
from multyagents_api.runner.submitted import Submitted

__all__ = ["build_local_app"]

MOST_BODY_BYTES = 8 * 1024 * 1024
"""More than any submission that the API makes."""

UNAUTHORIZED = "the user and password of MULTYAGENTS_RUNNER_SECRET belong into MULTYAGENTS_RUNNER_URL"
CHALLENGE = {"www-authenticate": 'Basic realm="multyagents runner"'}

Lifespan = Callable[[FastAPI], AsyncIterator[None]]


class CancelDemand(BaseModel):
    """Which attempt to stop."""

    model_config = ConfigDict(extra="ignore", strict=True)

    attempt: Annotated[int, Field(ge=1)]


def build_local_app(attempts: Attempts, secret: str, lifespan: Lifespan | None = None) -> FastAPI:
    """The app over the attempts of a runner; `secret` is the `user:password` that callers must present."""
    wrapped = None if lifespan is None else asynccontextmanager(lifespan)
    app = FastAPI(title="multyagents runner", lifespan=wrapped, openapi_url=None, redirect_slashes=False)
    _answer_refusals(app)

    async def authorize(request: Request) -> None:
        if not _is_authorized(request, secret):
            raise HTTPException(HTTPStatus.UNAUTHORIZED, UNAUTHORIZED, CHALLENGE)

    @app.post("/tasks/submit", status_code=HTTPStatus.ACCEPTED, dependencies=[Depends(authorize)])
    async def submit(request: Request) -> dict[str, str]:
        """Take an attempt on: 202, 422 where it can never be executed here, 503 where there is no room."""
        attempts.take(Submitted.model_validate_json(await _body(request)))
        return {"status": "queued"}

    @app.post("/tasks/{task_id}/cancel", dependencies=[Depends(authorize)])
    async def cancel(task_id: str, request: Request) -> dict[str, str]:
        """Stop an attempt; one that has ended stays as it ended."""
        demand = CancelDemand.model_validate_json(await _body(request))
        if not attempts.cancel(task_id, demand.attempt):
            raise HTTPException(HTTPStatus.NOT_FOUND, "this runner never had that attempt")
        return {"status": "ok"}

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process is there."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """Whether attempts are taken on, and how many are held."""
        word, status = ("ok", HTTPStatus.OK)
        if attempts.stopping:
            word, status = ("stopping", HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse({"status": word, "held": len(attempts.held)}, status)

    return app


def _answer_refusals(app: FastAPI) -> None:
    """Say in `detail`, in one line, why something is not taken on: the API keeps it as the task's reason."""

    @app.exception_handler(ValidationError)
    async def invalid(_request: Request, error: ValidationError) -> JSONResponse:
        return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, _offence(error))

    @app.exception_handler(NeverHere)
    async def never(_request: Request, refusal: NeverHere) -> JSONResponse:
        return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(refusal))

    @app.exception_handler(ComeAgain)
    async def come_again(_request: Request, refusal: ComeAgain) -> JSONResponse:
        return _refused(HTTPStatus.SERVICE_UNAVAILABLE, str(refusal))


def _is_authorized(request: Request, secret: str) -> bool:
    """Whether the caller presents the secret by basic authentication (RFC 7617), in constant time."""
    if not secret:
        return True
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    try:
        presented = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        presented = b""
    return hmac.compare_digest(presented, secret.encode()) and scheme.lower() == "basic"


async def _body(request: Request) -> bytes:
    """The body as far as the limit goes; what is cut there is no JSON any more."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY_BYTES:
            break
    return bytes(body)


def _offence(error: ValidationError) -> str:
    """The first thing that is wrong, without quoting what was sent."""
    first = error.errors(include_input=False, include_url=False)[0]
    place = "/".join(str(part)[:100] for part in first["loc"])
    return f"{place or 'the body'}: {first['msg']}"


def _refused(status: HTTPStatus, detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail.encode(errors="backslashreplace").decode()}, status)
