"""A runner over HTTP: it is handed attempts by POST, and reports on them by callbacks of its own."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from types import MappingProxyType

import httpx

from multyagents_api.observing.work import outgoing
from multyagents_api.service.runners import Submission, SubmissionResult

__all__ = ["HttpRunner"]

MOST_CONNECTIONS = 100
IDLE_S = 2.0
"""Servers close idle connections (uvicorn after 5 s); one that is older is not used again."""
LONGEST_CONNECT_S = 1.0
MOST_ANSWER_BYTES = 64 * 1024
MOST_MESSAGE_CHARACTERS = 500
MOST_PORT = 65_535
TEMPORARY = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
"""Refusals that say to come again, as every 5xx does."""


class HttpRunner:
    """Posts to `URL/tasks/submit` and `URL/tasks/{id}/cancel`; redirects and proxies are not followed.

    A user and password in the URL are sent as basic authorization, and stand in no message.

    Args:
        url: an http or https URL, without query and fragment.
        timeout_s: how long it may take to send a part of a request, or to receive a part of an answer.

    Raises:
        ValueError: the URL is none; the message goes on from its name, and doesn't quote it.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        whole = _parse(url)
        self._url = whole.copy_with(username=None, password=None)
        self._auth = httpx.BasicAuth(whole.username, whole.password) if whole.userinfo else None
        self._timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, LONGEST_CONNECT_S))
        self._trusted = ssl.create_default_context()
        self._opened: httpx.AsyncClient | None = None

    async def submit(self, submission: Submission) -> SubmissionResult:
        """Hand over one attempt; the key lets the runner tell a repetition.

        Raises:
            OSError: the runner can't be reached, or gives no answer that means yes or no.
        """
        key = f"{submission.task_id}-{submission.attempt}"
        status, body = await self._ask("POST", "tasks/submit", _to_wire(submission), {"idempotency-key": key})
        if httpx.codes.is_success(status):
            return SubmissionResult(accepted=True)
        if httpx.codes.is_client_error(status) and status not in TEMPORARY:
            return SubmissionResult(accepted=False, message=_message(body) or _said(status))
        raise ConnectionError(_said(status))

    async def cancel(self, task_id: int, attempt: int) -> None:
        """Ask to stop an attempt.

        Raises:
            OSError: the runner can't be reached, or doesn't say yes.
        """
        status, _ = await self._ask("POST", f"tasks/{task_id}/cancel", {"attempt": attempt})
        if not httpx.codes.is_success(status):
            raise ConnectionError(_said(status))

    async def check(self) -> str | None:
        """What is wrong with the runner; None where it answers `URL/readyz`, in whatever way but a 5xx.

        Raises:
            OSError: it can't be reached.
        """
        status, _ = await self._ask("GET", "readyz")
        return _said(status) if httpx.codes.is_server_error(status) else None

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.aclose()

    async def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, object] | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[int, bytes]:
        told = {**outgoing(), **headers}
        # The causes are left out on purpose: some of httpx's quote the request.
        try:
            async with self._client().stream(method, path, json=body, headers=told) as response:
                return response.status_code, await _beginning(response)
        except httpx.TimeoutException as error:
            raise TimeoutError(f"the runner took too long ({type(error).__name__})") from None
        except (httpx.HTTPError, httpx.InvalidURL, AttributeError) as error:
            # httpcore asks for the peer of a connection, and anyio fails so where it was reset at once.
            raise ConnectionError(f"the runner can't be reached ({type(error).__name__})") from None

    def _client(self) -> httpx.AsyncClient:
        """The client, opened by the first request, since it belongs to the loop that runs then."""
        if self._opened is None:
            self._opened = httpx.AsyncClient(
                base_url=self._url,
                auth=self._auth,
                # An answer that is not compressed can't be larger than what arrives.
                headers={"accept": "application/json", "accept-encoding": "identity"},
                timeout=self._timeout,
                limits=httpx.Limits(
                    max_connections=MOST_CONNECTIONS,
                    max_keepalive_connections=MOST_CONNECTIONS,
                    keepalive_expiry=IDLE_S,
                ),
                verify=self._trusted,
                trust_env=False,
            )
        return self._opened


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
        # httpx takes some hosts and ports that fail, in its own ways, only when they are connected to.
        parsed.host.encode("idna")
        fits = parsed.scheme in {"http", "https"} and parsed.host and (parsed.port or 0) <= MOST_PORT
    except (httpx.InvalidURL, UnicodeError):
        fits = False
    if not fits or parsed.query or parsed.fragment or len(url.split()) > 1:
        raise ValueError("must be a URL of the form http://HOST:PORT/PATH or https://HOST:PORT/PATH")
    return parsed


def _to_wire(submission: Submission) -> dict[str, object]:
    """The submission as JSON; ids are strings for everybody outside."""
    return {name: str(value) if name.endswith("_id") else value for name, value in asdict(submission).items()}


async def _beginning(response: httpx.Response) -> bytes:
    """The body, read to its end or to the limit; what is longer costs the connection."""
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > MOST_ANSWER_BYTES:
            break
    return bytes(body[:MOST_ANSWER_BYTES])


def _message(body: bytes) -> str | None:
    """What the runner says in `detail` or `message`, in one line; None where it says nothing readable."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    texts = [said[name] for name in ("detail", "message") if isinstance(said.get(name), str)]
    lines = (" ".join("".join(c if c.isprintable() else " " for c in text).split()) for text in texts)
    return next((line[:MOST_MESSAGE_CHARACTERS] for line in lines if line), None)


def _said(status: int) -> str:
    return f"the runner answered {status}"
