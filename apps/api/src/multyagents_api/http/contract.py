"""The OpenAPI document: what FastAPI knows of the routes, and the refusals that it does not know of."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from multyagents_api.http.permissions import PERMISSIONS
from multyagents_api.http.problems import MEDIA_TYPE, Problem

__all__ = ["publish"]

READING = (HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
GUARDED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
CHANGING = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.INSUFFICIENT_STORAGE,
    *READING,
)
OF_A_RUN = frozenset({"/tasks/{task_id}/approval", "/tasks/{task_id}/audit"})
"""Reads that a task which belongs to no run yet refuses."""
HEADERS = {HTTPStatus.UNAUTHORIZED: "WWW-Authenticate", HTTPStatus.TOO_MANY_REQUESTS: "Retry-After"}
UNUSED = ("HTTPValidationError", "ValidationError")
"""FastAPI's own shapes of a refusal, which no route answers."""


SCHEME = "bearer"


def publish(app: FastAPI, *, guarded: bool) -> None:
    """Let the app describe itself with its problems; the document is made once, at its first request.

    `guarded` is whether it asks for tokens.
    """

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
            if guarded:
                _ask_for_tokens(app.openapi_schema)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    for name in UNUSED:
        schemas.pop(name, None)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            operation["responses"].update(
                {str(int(status)): _refusal(status) for status in _refusals(method, path)}
            )
    return document


def _refusals(method: str, path: str) -> Sequence[HTTPStatus]:
    """The statuses with which an operation may refuse, but for those of who may not ask."""
    if method != "get":
        return CHANGING
    return (*READING, HTTPStatus.CONFLICT) if path in OF_A_RUN else READING


def _ask_for_tokens(document: dict[str, Any]) -> None:
    """Tell which operations need a token, of which roles, and how they refuse."""
    document["components"]["securitySchemes"] = {SCHEME: {"type": "http", "scheme": "bearer"}}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            permitted = PERMISSIONS[method.upper(), path]
            if permitted is None:
                continue
            operation["security"] = [{SCHEME: []}]
            operation["x-roles"] = sorted(permitted)
            operation["responses"].update({str(int(status)): _refusal(status) for status in GUARDED})


def _refusal(status: HTTPStatus) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refusal: dict[str, Any] = {"description": status.phrase, "content": content}
    if (header := HEADERS.get(status)) is not None:
        refusal["headers"] = {header: {"schema": {"type": "string"}}}
    return refusal
