"""Every request has a name, is counted and timed, and its defects are logged; outermost of all middleware."""

import logging
import re
from math import nan
from random import getrandbits
from time import perf_counter

from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multyagents_api.domain.redaction import redact
from multyagents_api.http.problems import PROBLEM, defect
from multyagents_api.observing.logs import ACCESS
from multyagents_api.observing.metrics import MEDIA_TYPE, NO_ROUTE, Metrics
from multyagents_api.observing.recent import Recent
from multyagents_api.observing.work import WORK, Work
from multyagents_api.service.outbox import Outbox

__all__ = ["Observed", "add_routes"]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""https://www.w3.org/TR/trace-context/#traceparent-header, version 00, and what later ones begin with."""
_TRACESTATE = re.compile(rb"[ -~]{1,512}")

SCRAPE_BUDGET_S = 1.0

_log = logging.getLogger(__name__)


class Observed:
    """ASGI middleware; answers what failed inside, so that such answers have a name and are counted, too."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and look."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        work = _work(scope)
        status = 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                name = (b"x-request-id", work.request_id.encode())
                message["headers"] = [*message.get("headers", ()), name]
            await send(message)

        begun = WORK.set(work)
        start = perf_counter()
        self._metrics.in_flight += 1
        try:
            await self._app(scope, receive, named)
        except Exception:
            _log.exception("a request failed")
            if status:
                raise  # the answer is under way: only cutting the connection tells that it is not whole
            await defect()(scope, receive, named)
        finally:
            self._metrics.in_flight -= 1
            self._note(scope, status, perf_counter() - start)
            WORK.reset(begun)

    def _note(self, scope: Scope, status: int, duration_s: float) -> None:
        """Count the request under its route: paths are without number."""
        route = getattr(scope.get("route"), "path", NO_ROUTE)
        self._metrics.answered(scope["method"], route, status, duration_s)
        if PROBLEM in scope:
            self._metrics.refused(scope[PROBLEM])
        if ACCESS.isEnabledFor(logging.INFO):
            told = {"method": scope["method"], "route": route, "status": status}
            told["duration_ms"] = round(duration_s * 1e3, 3)
            ACCESS.info("%s %s %s", scope["method"], scope["path"], status, extra={"facts": told})


def _work(scope: Scope) -> Work:
    """What the head of a request tells about it; of what is given twice, the first counts."""
    given: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _WANTED and name not in given:
            given[name] = value
    return Work(_request_id(given), _trace(given) if b"traceparent" in given else {}, scope)


_WANTED = frozenset({b"x-request-id", b"traceparent", b"tracestate"})


def _request_id(given: dict[bytes, bytes]) -> str:
    """The caller's own name for its request, or ours where that is none, or looks like a secret."""
    name = given.get(b"x-request-id")
    if name and _REQUEST_ID.fullmatch(name) and redact(name.decode()) == name.decode():
        return name.decode()
    return f"{getrandbits(128):032x}"


def _trace(given: dict[bytes, bytes]) -> dict[str, str]:
    if not _TRACEPARENT.fullmatch(given[b"traceparent"]):
        return {}
    trace = {"traceparent": given[b"traceparent"].decode()}
    if _TRACESTATE.fullmatch(given.get(b"tracestate", b"")):
        trace["tracestate"] = given[b"tracestate"].decode()
    return trace


def add_routes(app: FastAPI, metrics: Metrics, outbox: Outbox) -> None:
    """Add the route that Prometheus scrapes."""
    backlog = Recent(outbox.backlog)

    @app.get("/metrics", tags=["health"], response_class=PlainTextResponse)
    async def expose() -> PlainTextResponse:
        """Metrics in Prometheus' text format; what the store must tell is not a number while it can't."""
        try:
            metrics.outbox_holds(*await backlog.get(budget_s=SCRAPE_BUDGET_S))
        except Exception:  # noqa: BLE001 - whatever is wrong with the store, the rest is needed all the more
            metrics.outbox_holds(nan, nan)
        return PlainTextResponse(metrics.exposition(), media_type=MEDIA_TYPE)
