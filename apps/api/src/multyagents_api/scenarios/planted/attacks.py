"""Planted faults of what attackers try: each takes one protection out, and its drill must notice."""

import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from pydantic import ConfigDict
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from multyagents_api.bootstrap import Settings
from multyagents_api.domain import redaction
from multyagents_api.domain.access import Principal, Token
from multyagents_api.domain.approvals import is_decision
from multyagents_api.http import app as http_app
from multyagents_api.http import approvals as http_approvals
from multyagents_api.http import permissions, problems, wire
from multyagents_api.runner import confinement, local_app, submitted, work
from multyagents_api.runner.paths import RealPaths
from multyagents_api.scenarios.planted.planting import replaced
from multyagents_api.service import approvals, artifacts, callbacks, events, locating

__all__ = [
    "any_content_type",
    "approved_again",
    "bodies_without_end",
    "borrowed_methods",
    "compared_by_letters",
    "failing_route",
    "folders_for_paths",
    "forged_events",
    "generous_ids",
    "generous_row",
    "headers_in_the_log",
    "kept_secrets",
    "own_approvals",
    "paths_that_are_remembered",
    "paths_that_go_up",
    "repeated_secrets",
    "roles_unasked",
    "runner_without_walls",
    "settings_in_plain_sight",
    "stray_fields",
    "stray_routes",
    "symlinks_unresolved",
    "tokens_for_ever",
    "undispatched_reports",
    "undocumented_route",
    "unread_ids",
]

Change = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]


@contextmanager
def paths_that_go_up() -> Iterator[None]:
    """Nobody looks where a path leads, once it is resolved, nor how it is written."""
    with (
        replaced(locating, "check_wording", lambda *_: None),
        replaced(locating, "is_within", lambda *_: True),
        replaced(locating, "lies_in_any", lambda *_: True),
    ):
        yield


@contextmanager
def folders_for_paths() -> Iterator[None]:
    """Naming a path creates its folders; in here, only those of temporary files."""
    genuine, temporary = RealPaths.resolve, f"{tempfile.gettempdir()}/"

    def resolve(self: RealPaths, path: str) -> str:
        if path.startswith(temporary):
            with suppress(OSError, ValueError):
                os.makedirs(path, exist_ok=True)  # noqa: PTH103 - a name may be anything
        return genuine(self, path)

    with replaced(RealPaths, "resolve", resolve):
        yield


@contextmanager
def generous_ids() -> Iterator[None]:
    """Whatever Python reads as a number is an id."""

    def key_of(value: str) -> int | None:
        with suppress(ValueError):
            return min(int(unquote(value)), wire.MOST_EXACT)
        return None

    with replaced(wire, "key_of", key_of):
        yield


@contextmanager
def unread_ids() -> Iterator[None]:
    """An id is turned into a number without asking whether it is one."""
    with replaced(wire, "key_of", int):
        yield


@contextmanager
def symlinks_unresolved() -> Iterator[None]:
    """Paths are cleaned as text, and nobody looks at symlinks."""
    with replaced(RealPaths, "resolve", lambda _, path: os.path.normpath(path)):
        yield


@contextmanager
def paths_that_are_remembered() -> Iterator[None]:
    """Where a path leads is looked up once."""
    genuine, known = RealPaths.resolve, dict[str, str]()

    def resolve(self: RealPaths, path: str) -> str:
        if path not in known:
            known[path] = genuine(self, path)
        return known[path]

    with replaced(RealPaths, "resolve", resolve):
        yield


@contextmanager
def undispatched_reports() -> Iterator[None]:
    """Nobody asks whether an attempt was ever dispatched."""
    with (
        replaced(callbacks, "is_progress", lambda *_: False),
        replaced(artifacts, "check_is_latest", lambda *_: None),
    ):
        yield


@contextmanager
def approved_again() -> Iterator[None]:
    """Whoever repeats, or contradicts, a decision is told that it is theirs."""
    genuine = approvals.Approvals.decide

    async def decide(self: approvals.Approvals, decision: Any) -> Any:
        approval = await self.get(decision.approval_id)
        if approval.decided_at is not None:
            return replace(approval, status=decision.status, actor=decision.actor)
        return await genuine(self, decision)

    with replaced(approvals.Approvals, "decide", decide):
        yield


@contextmanager
def own_approvals() -> Iterator[None]:
    """Nobody asks who wanted what is decided."""

    def decides(approval: Any, wanted: Any, actor: str) -> bool:
        return is_decision(replace(approval, requested_by=None), wanted, actor)

    with replaced(approvals, "is_decision", decides):
        yield


@contextmanager
def forged_events() -> Iterator[None]:
    """Clients tell events of any type."""
    with replaced(events, "custom_event_type", lambda name: name):
        yield


@contextmanager
def stray_fields() -> Iterator[None]:
    """A body may have any fields; what nobody knows is ignored."""

    class Lenient(http_approvals.DecisionDemand):
        model_config = ConfigDict(extra="ignore")

    with replaced(http_approvals, "DecisionDemand", Lenient):
        yield


@contextmanager
def bodies_without_end() -> Iterator[None]:
    """Bodies have no limit."""

    async def through(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    with in_front(through, limit=False):
        yield


@contextmanager
def any_content_type() -> Iterator[None]:
    """Whatever a body says of itself, it is read as JSON."""

    async def relabelled(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            others = [each for each in scope["headers"] if each[0] != b"content-type"]
            scope = {**scope, "headers": [*others, (b"content-type", b"application/json")]}
        await app(scope, receive, send)

    with in_front(relabelled):
        yield


@contextmanager
def borrowed_methods() -> Iterator[None]:
    """A header makes a request one of another method."""

    async def borrowed(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        if method := headers.get(b"x-http-method-override"):
            scope = {**scope, "method": method.decode()}
        await app(scope, receive, send)

    with in_front(borrowed):
        yield


@contextmanager
def roles_unasked() -> Iterator[None]:
    """Whoever has a token may do everything."""
    with replaced(Principal, "check_may", lambda *_: None):
        yield


@contextmanager
def tokens_for_ever() -> Iterator[None]:
    """Tokens neither expire nor can be revoked."""
    with replaced(Token, "stands", lambda *_: True):
        yield


@contextmanager
def generous_row() -> Iterator[None]:
    """The table lets observers delete roles."""
    table, row = permissions.PERMISSIONS, ("DELETE", "/roles/{role_id}")
    assert isinstance(table, dict)
    genuine = table[row]
    table[row] = permissions.READERS
    try:
        yield
    finally:
        table[row] = genuine


@contextmanager
def stray_routes() -> Iterator[None]:
    """An app with a route that has no row is built, and leaves the route open."""
    genuine = permissions.guarded_routes

    def guarded(app: Any) -> Iterator[Any]:
        with suppress(permissions.PermissionsMismatch):
            yield from genuine(app)

    with replaced(permissions, "guarded_routes", guarded):
        yield


@contextmanager
def compared_by_letters() -> Iterator[None]:
    """Digests are compared letter by letter, up to the first that differs."""

    def is_proven_by(self: Token, presented: Any, now: Any) -> bool:
        return self.digest == presented.digest and self.stands(now)

    with replaced(Token, "is_proven_by", is_proven_by):
        yield


@contextmanager
def failing_route() -> Iterator[None]:
    """A route answers 500."""
    with in_front(answering("/roles", 500)):
        yield


@contextmanager
def undocumented_route() -> Iterator[None]:
    """A route answers what its document does not promise."""
    with in_front(answering("/projects", 418)):
        yield


@contextmanager
def kept_secrets() -> Iterator[None]:
    """Nothing is taken out of text."""
    with replaced(redaction, "_STEPS", ()):
        yield


@contextmanager
def repeated_secrets() -> Iterator[None]:
    """Problems say whatever was sent."""
    with replaced(problems, "redact", str):
        yield


@contextmanager
def headers_in_the_log() -> Iterator[None]:
    """The headers of each request are logged as they are."""
    import logging  # noqa: PLC0415 - the service's own log is configured by then

    async def told(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        logging.getLogger("uvicorn.error").warning("headers: %s", scope.get("headers"))
        await app(scope, receive, send)

    with in_front(told):
        yield


@contextmanager
def settings_in_plain_sight() -> Iterator[None]:
    """Settings show all that they hold."""

    def shown(self: Settings) -> str:
        return f"Settings({self.database}, {self.runner_url})"

    with replaced(Settings, "__repr__", shown):
        yield


@contextmanager
def runner_without_walls() -> Iterator[None]:
    """A runner takes all from everybody, works anywhere, and hides nothing."""

    def environment(own: Any, _named: Any, _private: Any) -> dict[str, str]:
        return dict(own)

    with ExitStack() as stack:
        for owner, name, stand_in in (
            (submitted, "_is_allowed", lambda *_: True),
            (confinement, "_check_inside", lambda *_: None),
            (local_app, "_is_authorized", lambda *_: True),
            (work, "base_environment", environment),
        ):
            stack.enter_context(replaced(owner, name, stand_in))
        yield


@contextmanager
def in_front(change: Change, *, limit: bool = True) -> Iterator[None]:
    """Let every request pass something else first; the limit of bodies stays unless it is to go."""
    genuine: Callable[[ASGIApp], ASGIApp] = vars(http_app)["BodyLimit"]

    class Planted:
        def __init__(self, app: ASGIApp) -> None:
            self._app = genuine(app) if limit else app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await change(self._app, scope, receive, send)

    with replaced(http_app, "BodyLimit", Planted):
        yield


def answering(path: str, status: int) -> Change:
    """Answer reads of a path with a status, whatever they ask."""

    async def answered(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith(path):
            await PlainTextResponse("no", status)(scope, receive, send)
        else:
            await app(scope, receive, send)

    return answered
