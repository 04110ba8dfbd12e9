"""A client of a running service, as drills need it: it tells an answer from none, and never tries again."""

import asyncio
import http.client
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from gatewright.core.errors import GatewrightError
from gatewright.race import Response
from multyagents_api.scenarios.oracles.run_state import RunState, observe_run

__all__ = ["ApiClient", "Refused", "Unanswered"]

TIMEOUT_S = 10.0
PAGE = 500
IDLE_S = 2.0
"""Servers close idle connections (uvicorn after 5 s); one that is older is not used again."""


class Unanswered(GatewrightError):  # noqa: N818 - what happened
    """A request got no answer: whether it was carried out can't be known."""


class Refused(GatewrightError):  # noqa: N818 - what happened
    """A request that must have been carried out was refused."""


class ApiClient:
    """Speaks JSON over one connection, which is opened when it is needed; not for several threads at once.

    Args:
        base_url: `http://host:port`.
        token: a bearer token; none is sent when empty.
        timeout_s: the longest time without a byte of the answer.
        source: the address of this machine to ask from; any when empty.
    """

    def __init__(
        self, base_url: str, *, token: str = "", timeout_s: float = TIMEOUT_S, source: str = ""
    ) -> None:
        parts = urlsplit(base_url)
        self.base_url = base_url
        self._connection = http.client.HTTPConnection(
            parts.hostname or "127.0.0.1",
            parts.port,
            timeout=timeout_s,
            source_address=(source, 0) if source else None,
        )
        self._used_at = 0.0
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    def request(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The answer, whatever it says; a body of bytes goes out as it is, in parts if there are some.

        Any other goes out as JSON.

        Raises:
            Unanswered: there is none; whether the request was carried out can't be known.
        """
        content = body if body is None or isinstance(body, bytes | Iterator) else json.dumps(body)
        given = {**self._headers, **({} if body is None else {"content-type": "application/json"})}
        if time.monotonic() > self._used_at + IDLE_S:
            self._connection.close()
        try:
            self._connection.request(method, path, content, given | dict(headers or {}))
            answer = self._connection.getresponse()
            return Response(answer.status, _parsed(answer.read()))
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Unanswered(f"{method} {path} got no answer: {type(error).__name__}") from error
        finally:
            self._used_at = time.monotonic()

    def get(self, path: str) -> Any:
        """What a read answers.

        Raises:
            Unanswered, Refused: it did not.
        """
        return self._carried_out("GET", path)

    def post(self, path: str, body: object = None) -> Any:
        """What a write that must be carried out answers.

        Raises:
            Unanswered, Refused: it was not, or that can't be known.
        """
        return self._carried_out("POST", path, body)

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """All items of a paged list; the path has a query already, or none."""
        after: str | None = "0"
        while after is not None:
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit={PAGE}&cursor={after}")
            yield from page["items"]
            after = page.get("next_cursor")

    def observe(self, run_id: str) -> RunState:
        """A run with its tasks, events, approvals and audits: what the oracles look at.

        Raises:
            Unanswered: a request for it got no answer.
        """
        return asyncio.run(observe_run(_Awaited(self), run_id))

    def close(self) -> None:
        """Let go of the connection; a later request opens another."""
        self._connection.close()

    def _carried_out(self, method: str, path: str, body: object = None) -> Any:
        response = self.request(method, path, body)
        if not response.ok:
            raise Refused(f"{method} {path} answered {response.status}: {response.json}")
        return response.json


class _Awaited:
    """The same client where an asynchronous one is wanted."""

    app = None

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    async def get(self, path: str) -> Response:
        return self._client.request("GET", path)

    async def post(self, path: str, body: object = None) -> Response:
        return self._client.request("POST", path, body)


def _parsed(content: bytes) -> Any:
    """A body as JSON; as text where it is none."""
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content.decode(errors="replace")
