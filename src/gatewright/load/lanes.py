"""Lanes to a service: what carries requests over the network, plain or behind TLS, opened and closed."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.load.client import HttpClient
from gatewright.load.exchange import Receiver, Sending
from gatewright.load.request import Origin, Request

if TYPE_CHECKING:
    from gatewright.load.tls import TlsClient

__all__ = ["Lane", "open_sender"]


class Lane(Protocol):
    """A sender that tells where it sends."""

    @property
    def in_process(self) -> bool:
        """Whether the service runs in this process, without a network: a report must say so."""
        ...

    def send(self, request: Request, receiver: Receiver) -> Sending:
        """Send a request; the receiver hears of its answer, never before this returns."""
        ...


@asynccontextmanager
async def open_sender(
    origin: Origin, *, connections: int = 8, safety_limit: int = 4096, ca_file: Path | None = None
) -> AsyncIterator[Lane]:
    """A lane to a server, with its first connections open; closed at the end.

    Args:
        origin: the server; its scheme chooses between the lean client and that for TLS.
        connections: how many to open ahead.
        safety_limit: connections beyond which a request is refused.
        ca_file: certificates (PEM) of the issuers to trust, instead of those that the system trusts.

    Raises:
        ConfigurationError: TLS needs what is not installed, or `ca_file` is of no use.
        GatewrightError: there is no connection, or the server's certificate can't be verified.
    """
    if not origin.secure and ca_file is not None:
        raise ConfigurationError(
            f"{origin.url} shows no certificate", remedy="leave --ca-file out, or use https"
        )
    async with AsyncExitStack() as closing:
        if origin.secure:
            secure = tls_client(origin, safety_limit, ca_file)
            closing.push_async_callback(secure.close)
            await connect(secure.warm(connections), origin)
            yield secure
        else:
            plain = HttpClient(origin, safety_limit=safety_limit)
            closing.callback(plain.close)
            await connect(plain.warm(connections), origin)
            yield plain


def tls_client(origin: Origin, safety_limit: int, ca_file: Path | None) -> "TlsClient":
    """The client for TLS, whose library is an extra."""
    try:
        from gatewright.load.tls import TlsClient  # noqa: PLC0415 - an extra that plain loads need not have
    except ImportError as error:
        raise ConfigurationError(
            f"{origin.url} needs aiohttp, which is not installed", remedy="pip install 'gatewright[tls]'"
        ) from error
    return TlsClient(origin, safety_limit=safety_limit, ca_file=ca_file)


async def connect(warming: Awaitable[None], origin: Origin) -> None:
    """Open the first connections; a server that takes none is named."""
    try:
        await warming
    except OSError as error:
        raise GatewrightError(f"no connection to {origin.url}: {error.strerror or error}") from error
