"""Every route for everybody: each role, and whoever has no token that stands."""

import inspect
import re
import secrets
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from gatewright.race import Response
from gatewright.suites.drill import Drill, Expectation, Logbook
from multyagents_api.domain.access import SECRET_BYTES, AccessRole, Token, token_text
from multyagents_api.http import permissions
from multyagents_api.http.permissions import PERMISSIONS, Permission, PermissionsMismatch
from multyagents_api.scenarios.api_client import ApiClient
from multyagents_api.scenarios.attacks.answers import NO_SERVER_ERROR, code_of, refused, server_errors
from multyagents_api.scenarios.attacks.target import EXPIRED, REVOKED, Target

__all__ = ["auth_matrix"]

BY_THE_TABLE = Expectation(
    "by-the-table", "each role gets what the table of permissions gives it, and 403 forbidden for all else"
)
TOKENS_STAND = Expectation(
    "tokens-stand", "without a token that stands, a route that is not public answers 401 not_authenticated"
)
LEAST_PRIVILEGE = Expectation(
    "least-privilege",
    "the table gives nobody more than reviewing, running, telling, reading or operating needs",
)
NO_UNKNOWN_ROUTE = Expectation(
    "no-unknown-route",
    "the table and the contract name the same routes, and an app with another is not built",
)
CONSTANT_TIME = Expectation("constant-time", "secrets are compared by hmac.compare_digest")

NOBODY = (401, "not_authenticated")
FORBIDDEN = (403, "forbidden")
LIMITED = (429, "rate_limited")
OTHER_METHODS = ("PATCH", "TRACE", "OPTIONS", "HEAD", "QUERY")
UNUSED_ID = "999999999"
DESCRIPTIONS = frozenset({"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"})
"""Routes that describe the others, and don't stand in the contract."""
PUBLIC = DESCRIPTIONS | {"/healthz", "/readyz"}

Operation = tuple[str, str]


def auth_matrix(target: Target) -> Drill:
    """The drill against a running service."""
    return Drill(
        "auth-matrix",
        "asks for every route with a token of each role, without one, and with tokens that are malformed, "
        "unknown, expired or revoked; how long answers take is not judged",
        (BY_THE_TABLE, TOKENS_STAND, LEAST_PRIVILEGE, NO_UNKNOWN_ROUTE, CONSTANT_TIME, NO_SERVER_ERROR),
        lambda log: Matrix(target, log).run(),
    )


class Matrix:
    """One course of the drill."""

    def __init__(self, target: Target, log: Logbook) -> None:
        self._target = target
        self._log = log
        self._strangers = Strangers(target.base_url)

    def run(self) -> None:
        """The routes, then each of them for everybody."""
        document = self._target.operator.get("/openapi.json")
        described = {
            (method.upper(), path) for path, operations in document["paths"].items() for method in operations
        }
        self._judge_table(described)
        self._log.note(f"{len(PERMISSIONS)} routes for {len(AccessRole)} roles, and for strangers")
        try:
            for operation in sorted(described | set(PERMISSIONS)):
                self._as_roles(operation)
                self._as_strangers(operation)
            self._other_methods(sorted({path for _, path in described}))
            self._log.measure("rate_limited_requests", self._strangers.limited)
        finally:
            self._strangers.close()

    def _judge_table(self, described: set[Operation]) -> None:
        missing = [f"{method} {path} has no row" for method, path in described - set(PERMISSIONS)]
        strange = [
            f"{method} {path} has a row, and is not in the contract"
            for method, path in set(PERMISSIONS) - described
            if path not in DESCRIPTIONS
        ]
        self._log.expect("no-unknown-route", [*missing, *strange, *builds_with_a_stray_route()])
        self._log.expect("least-privilege", too_generous(PERMISSIONS))
        source = inspect.getsource(Token.is_proven_by)
        compared = [] if "hmac.compare_digest(" in source else ["Token.is_proven_by compares otherwise"]
        self._log.expect("constant-time", compared)

    def _as_roles(self, operation: Operation) -> None:
        permitted = PERMISSIONS.get(operation)
        for role in AccessRole:
            response = self._ask(self._target.client(role), operation, f"a {role}")
            what = f"{operation[0]} {operation[1]} by a {role}"
            if operation not in PERMISSIONS:
                violations = refused(what, response)
            elif permitted is None or role in permitted:
                violations = let_in(what, response)
            else:
                violations = refused(what, response, FORBIDDEN)
            self._log.expect("by-the-table", violations)

    def _as_strangers(self, operation: Operation) -> None:
        is_public = operation in PERMISSIONS and PERMISSIONS[operation] is None
        for kind, headers in proofs(self._target.tokens).items():
            response = self._strangers.ask(operation, headers)
            what = f"{operation[0]} {operation[1]} with {kind}"
            self._log.expect("no-server-error", server_errors(what, response))
            self._log.expect(
                "tokens-stand", let_in(what, response) if is_public else refused(what, response, NOBODY)
            )
            self._log.repeated()

    def _other_methods(self, paths: list[str]) -> None:
        """What no route is for is nobody's, and tells nobody anything."""
        for path in paths:
            for method in OTHER_METHODS:
                response = self._strangers.ask((method, path), {})
                self._log.expect("tokens-stand", refused(f"{method} {path} without a token", response))
                self._log.repeated()

    def _ask(self, client: ApiClient, operation: Operation, who: str) -> Response:
        method, path = operation
        response = client.request(method, address(path))
        self._log.expect("no-server-error", server_errors(f"{method} {path} by {who}", response))
        self._log.repeated()
        return response


class Strangers:
    """Whoever can't prove who they are, from ever other addresses of loopback: failures count by address.

    Attributes:
        limited: how often an address had failed too often.
    """

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._addresses = (f"127.0.{high}.{low}" for high in range(1, 250) for low in range(1, 250))
        self._client = ApiClient(base_url)
        self.limited = 0

    def ask(self, operation: Operation, headers: Mapping[str, str]) -> Response:
        """The answer to a request without a body, as soon as it is none of the rate limit."""
        method, path = operation
        while True:
            response = self._client.request(method, address(path), None, headers)
            if (response.status, code_of(response)) != LIMITED:
                return response
            self.limited += 1
            self._client.close()
            self._client = ApiClient(self._base_url, source=next(self._addresses))

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()


def address(path: str) -> str:
    """A route with ids that name nothing, so that whoever is let in does nothing."""
    filled = re.sub(r"\{\w+\}", UNUSED_ID, path)
    return f"{filled}?run_id={UNUSED_ID}" if filled.endswith("/stream") else filled


def proofs(tokens: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
    """Headers that prove nothing."""
    good, strange = tokens[AccessRole.OPERATOR], secrets.token_hex(SECRET_BYTES)
    number = good.split("_")[1]
    words = {
        "no scheme": good,
        "another scheme": f"Basic {good}",
        "an empty token": "Bearer ",
        "a malformed token": "Bearer mya_x_y",
        "a token cut short": f"Bearer {good[:-1]}",
        "a token and more": f"Bearer {good} {good}",
        "a token in capitals": f"Bearer {good.upper()}",
        "bytes that are no text": "Bearer \xff\xfe",
        "an unknown token": f"Bearer {token_text(999_999, strange)}",
        "another secret": f"Bearer mya_{number}_{strange}",
        "an expired token": f"Bearer {tokens[EXPIRED]}",
        "a revoked token": f"Bearer {tokens[REVOKED]}",
    }
    return {
        "no token": {},
        "a token in a cookie": {"cookie": f"authorization=Bearer {good}; token={good}"},
        "a token in another header": {"x-api-key": good, "x-authorization": f"Bearer {good}"},
        **{kind: {"authorization": value} for kind, value in words.items()},
    }


def let_in(what: str, response: Response) -> Iterator[str]:
    """Whoever may ask is asked nothing more about who they are."""
    if response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}:
        yield f"{what} was answered {response.status} {code_of(response)}"


def too_generous(table: Mapping[Operation, Permission]) -> Iterator[str]:
    """Rows that give somebody more than their part needs, by rules that do not come from the table."""
    for (method, path), permitted in table.items():
        most = needed(method, path)
        if permitted is None and path not in PUBLIC:
            yield f"{method} {path} is for everybody"
        elif permitted is not None and not permitted <= most:
            strangers = ", ".join(sorted(permitted - most))
            yield f"{method} {path} is also for {strangers}"


def needed(method: str, path: str) -> frozenset[AccessRole]:
    """Who needs a route: all but runners read; they see what they work on; the rest has one master."""
    runner = AccessRole.RUNNER
    if path.startswith("/runner/") or (method, path) == ("POST", "/artifacts"):
        return frozenset({runner})
    if re.fullmatch(r"/approvals/\{\w+\}/(approve|reject)", path):
        return frozenset({AccessRole.REVIEWER})
    if (method, path) == ("POST", "/events"):
        return frozenset({AccessRole.OPERATOR, runner})
    if method != "GET":
        return frozenset({AccessRole.OPERATOR})
    sees = re.fullmatch(r"/(tasks/\{\w+\}(/handoff)?|artifacts(/\{\w+\})?|handoffs)", path)
    return frozenset(AccessRole) - (frozenset() if sees else {runner})


def builds_with_a_stray_route() -> Iterator[str]:
    """Whether an app with a route that has no row, or without one that has, is refused."""
    app = FastAPI()

    @app.get("/stray")
    def stray() -> Any:
        return None

    try:
        list(permissions.guarded_routes(app))
    except PermissionsMismatch:
        return
    yield "an app with a route that has no row was built"
