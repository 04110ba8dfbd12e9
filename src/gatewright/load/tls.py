"""The client for servers behind TLS: aiohttp under the rules of the lean client.

It costs a task for each request and several times the CPU. Where aiohttp is more patient than the lean
client, so is this: a head of many headers, interim answers without end, and chunks of endless extensions are
not cut off, and end with the deadline of their run.
"""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import aiohttp
from aiohttp import http_exceptions
from yarl import URL

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.load.client import is_ours_to_blame
from gatewright.load.exchange import (
    LARGEST_BODY,
    LARGEST_HEAD,
    AnswerCutShortError,
    AnswerTooLargeError,
    BrokenAnswerError,
    OutOfConnectionsError,
    Receiver,
    Sending,
)
from gatewright.load.request import Origin, Request

__all__ = ["TlsClient"]

UNASKED_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
UNKNOWN_ISSUER = {18, 19, 20, 21}
"""OpenSSL's X509_V_ERR codes for certificates whose issuer is not trusted."""

WRONG_NAME = {62, 63, 64}
"""And for those of another host, mail address or IP address."""


class HeldError(Exception):
    """A connection is open, and no request is to be sent over it yet."""


class LostConnectionError(Exception):
    """A connection was lost; unlike aiohttp's own errors it makes aiohttp send no request twice."""


class Exchange:
    """A request under way in a task of its own."""

    def __init__(self, client: "TlsClient", request: Request, receiver: Receiver) -> None:
        self._client = client
        self._task = asyncio.get_running_loop().create_task(self._run(request, receiver))
        client.under_way.add(self._task)
        self._task.add_done_callback(client.under_way.discard)

    def abort(self) -> None:
        """Give up, and the connection with it."""
        self._task.cancel()

    async def _run(self, request: Request, receiver: Receiver) -> None:
        try:
            status, body = await self._client.ask(request)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this request that failed
            receiver.broken(in_our_words(error))
        else:
            receiver.answered(status, body)


class TlsClient:
    """Keep-alive connections to one server behind TLS, as many as are needed; certificates are verified.

    To be constructed within a running event loop. No redirect is followed, nothing is sent twice, no header
    is added but host and length.

    Args:
        origin: the server.
        safety_limit: requests at once beyond which a further one is refused.
        idle_limit_s: an idle connection older than this is not used again.
        ca_file: certificates (PEM) of the issuers to trust, instead of those that the system trusts.

    Raises:
        ConfigurationError: the file holds no certificates.
    """

    in_process: ClassVar[bool] = False

    def __init__(
        self,
        origin: Origin,
        *,
        safety_limit: int = 4096,
        idle_limit_s: float = 2.0,
        ca_file: Path | None = None,
    ) -> None:
        self.origin = origin
        self.under_way: set[asyncio.Task[None]] = set()
        self._safety_limit = safety_limit
        self._connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=idle_limit_s, ssl=trusting(ca_file))
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(),
            auto_decompress=False,
            skip_auto_headers=UNASKED_HEADERS,
            max_line_size=LARGEST_HEAD,
            max_field_size=LARGEST_HEAD,
            middlewares=(send_once,),
        )

    async def warm(self, connections: int) -> None:
        """Open connections ahead of the first requests.

        Raises:
            GatewrightError: the server's certificate can't be verified, or it speaks no TLS.
            OSError: there is no connection.
        """
        held: list[aiohttp.connector.Connection] = []

        async def hold(
            request: aiohttp.ClientRequest, _handler: aiohttp.ClientHandlerType
        ) -> aiohttp.ClientResponse:
            held.append(await self._connector.connect(request, [], aiohttp.ClientTimeout()))
            raise HeldError

        try:
            for _ in range(connections):
                try:
                    await self._session.get(self.origin.url, middlewares=(hold,))
                except HeldError:
                    continue
        except aiohttp.ClientSSLError as error:
            raise untrusted(self.origin, error) from error
        finally:
            for connection in held:
                connection.release()

    def send(self, request: Request, receiver: Receiver) -> Sending:
        """Send a request over an idle connection, or over a new one.

        Raises:
            OutOfConnectionsError: the safety limit is reached.
        """
        if len(self.under_way) >= self._safety_limit:
            raise OutOfConnectionsError(f"more than {self._safety_limit} connections would be open")
        return Exchange(self, request, receiver)

    async def ask(self, request: Request) -> tuple[int, bytes]:
        """Status and body of the answer to a request."""
        url = URL(self.origin.url + request.target, encoded=True)
        headers = [("host", self.origin.authority), *request.headers]
        async with self._session.request(
            request.method, url, headers=headers, data=request.body or None, allow_redirects=False
        ) as response:
            if sum(len(name) + len(value) for name, value in response.raw_headers) > LARGEST_HEAD:
                raise AnswerTooLargeError("the head of an answer is larger than 64 KiB")
            return response.status, await body_of(response)

    async def close(self) -> None:
        """Abort all connections; requests under way hear nothing more."""
        tasks = list(self.under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._connector.close(abort_ssl=True)
        await self._session.close()


async def send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A middleware: aiohttp sends a GET again when its connection is lost, and a measurement must not."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise LostConnectionError(str(error)) from error


async def body_of(response: aiohttp.ClientResponse) -> bytes:
    """The whole body; at most 16 MiB."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > LARGEST_BODY:
            raise AnswerTooLargeError("the body of an answer is larger than 16 MiB")
        parts.append(part)
    return b"".join(parts)


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """A context that verifies certificates and host names."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        reason = "it holds no certificates" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigurationError(
            f"{ca_file} can't be used as --ca-file: {reason}", remedy="name a file of PEM certificates"
        ) from error


def untrusted(origin: Origin, error: aiohttp.ClientSSLError) -> GatewrightError:
    """Why there is no TLS with a server, in one line."""
    cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else None
    if not isinstance(cause, ssl.SSLCertVerificationError):
        return GatewrightError(f"no TLS with {origin.url}: {error.os_error.strerror or error.os_error}")
    remedy = ""
    if cause.verify_code in UNKNOWN_ISSUER:
        remedy = "pass --ca-file with the certificate of its issuer"
    elif cause.verify_code in WRONG_NAME:
        remedy = "use a host name that stands in it"
    reason = cause.verify_message.rstrip(".")
    return GatewrightError(f"the certificate of {origin.url} can't be verified: {reason}", remedy=remedy)


def in_our_words(error: Exception) -> Exception:
    """An error of aiohttp under the name that the lean client has for it."""
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, aiohttp.ClientSSLError):
        cause = error.os_error
        return OutOfConnectionsError(cause.strerror) if is_ours_to_blame(cause) else cause
    if isinstance(error, LostConnectionError):
        return ConnectionResetError("the connection was closed before the answer")
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ClientResponseError):
        return broken_answer(error)
    return error


def broken_answer(error: aiohttp.ClientPayloadError | aiohttp.ClientResponseError) -> Exception:
    """An answer that is too large, cut short, or no HTTP."""
    if any(isinstance(cause, http_exceptions.LineTooLong) for cause in causes(error)):
        return AnswerTooLargeError("the head of an answer is larger than 64 KiB")
    if isinstance(error, aiohttp.ClientPayloadError):
        return AnswerCutShortError("the connection was closed within an answer")
    return BrokenAnswerError(str(error))


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what caused it, and so on."""
    while error is not None:
        yield error
        error = error.__cause__
