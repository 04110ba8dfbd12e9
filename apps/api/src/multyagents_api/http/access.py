"""Who asks: bearer tokens (RFC 6750), checked before anything else of a request is looked at."""

from collections.abc import Iterable
from typing import Protocol

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from multyagents_api.domain.access import ANYBODY, AccessRole, Principal
from multyagents_api.domain.errors import NotAuthenticated
from multyagents_api.http.rates import RateLimit
from multyagents_api.service.access import Tokens

__all__ = ["Access", "OpenAccess", "TokenAccess", "decider", "guard", "principal_of"]


class Access(Protocol):
    """Lets requests in."""

    async def admit(self, scope: Scope, permitted: frozenset[AccessRole]) -> Principal:
        """Who asks, if they may.

        Raises:
            Refusal: they may not, or not now.
        """
        ...


class OpenAccess:
    """Nobody is asked who they are."""

    async def admit(self, scope: Scope, permitted: frozenset[AccessRole]) -> Principal:  # noqa: ARG002
        """Anybody, with all roles."""
        return ANYBODY


class TokenAccess:
    """Bearers of tokens get in, within the limits of their rate and of their roles.

    Args:
        tokens: tells whose a token is.
        requests: the rate of each subject.
        failures: the rate at which each address may fail to prove who it is.
    """

    def __init__(self, tokens: Tokens, requests: RateLimit, failures: RateLimit) -> None:
        self._tokens = tokens
        self._requests = requests
        self._failures = failures

    async def admit(self, scope: Scope, permitted: frozenset[AccessRole]) -> Principal:
        """Who asks, if they may."""
        try:
            principal = await self._tokens.identify(bearer_token(scope))
        except NotAuthenticated:
            self._failures.take(client_address(scope))
            raise
        self._requests.take(principal.subject or "")
        principal.check_may(permitted)
        return principal


def bearer_token(scope: Scope) -> str:
    """What the one `Authorization: Bearer` header of a request says.

    Raises:
        NotAuthenticated: there is no such header, or more than one.
    """
    found = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(found) != 1:
        raise NotAuthenticated
    scheme, _, token = found[0].decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticated
    return str(token.strip(" "))


def client_address(scope: Scope) -> str:
    """Whence a request comes; empty where nobody can tell, as on a Unix socket."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def guard(routes: Iterable[tuple[Route, frozenset[AccessRole]]], access: Access) -> None:
    """Let nobody reach a route who may not; `request.user` is who asks."""
    for route, permitted in routes:
        route.app = _guarded(route.app, access, permitted)


def _guarded(app: ASGIApp, access: Access, permitted: frozenset[AccessRole]) -> ASGIApp:
    async def admitted(scope: Scope, receive: Receive, send: Send) -> None:
        scope["user"] = await access.admit(scope, permitted)
        await app(scope, receive, send)

    return admitted


def principal_of(request: Request) -> Principal:
    """Who asks, on a route that is not public."""
    principal: Principal = request.user
    return principal


def decider(request: Request, field: str, named: str | None) -> str:
    """Who acts where somebody must be named: the subject, or who is named in the body.

    Raises:
        NotYourself: somebody else is named.
        RequestValidationError: nobody is named, and nobody was asked who they are.
    """
    actor = principal_of(request).speaks_as(field, named)
    if actor is None:
        raise RequestValidationError([{"type": "missing", "loc": ("body", field), "msg": "Field required"}])
    return actor
