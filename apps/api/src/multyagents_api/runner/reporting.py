"""What a runner tells the API: until it is heard, or told that it is no longer asked."""

import asyncio
import json
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

import httpx

__all__ = ["Answer", "ApiClient", "Unheard"]

TIMEOUT_S = 10.0
CONNECT_S = 2.0
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
COME_AGAIN = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
"""Refusals that say nothing of what was reported; a token may be put right while the runner waits."""

_log = logging.getLogger(__name__)


class Unheard(Exception):  # noqa: N818 - what happened
    """The API can't be reached, or gives no answer that means yes or no."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered: a yes, or a refusal with its code."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        """Whether it was a yes."""
        return httpx.codes.is_success(self.status)

    @property
    def code(self) -> str:
        """The word for a refusal; empty where it has none."""
        return str(self.body.get("code", ""))

    @property
    def detail(self) -> str:
        """What it says to people."""
        return str(self.body.get("detail") or f"the API answered {self.status}")


class ApiClient:
    """Posts to the API; redirects and proxies are not followed.

    Args:
        url: an http or https URL.
        token: sent as a bearer token (RFC 6750), where it is not empty.
        transport: how requests travel; tests put the API itself here.
    """

    def __init__(self, url: str, token: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_S),
            verify=ssl.create_default_context(),
            trust_env=False,
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Tell something once.

        Raises:
            Unheard: nobody answered yes or no.
        """
        try:
            response = await self._client.post(path, json=body)
        except httpx.HTTPError as error:  # some of its messages quote the request
            raise Unheard(f"the API can't be reached ({type(error).__name__})") from None
        if httpx.codes.is_server_error(response.status_code) or response.status_code in COME_AGAIN:
            raise Unheard(f"the API answered {response.status_code}")
        return Answer(response.status_code, _object(response.content))

    async def insist(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Tell something until it is heard, with pauses that grow to five seconds; may take for ever."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                return await self.post(path, body)
            except Unheard as unheard:
                _log.warning("%s: %s; trying again", path, unheard)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
