"""HTTP/1.1 requests, encoded before the measurement begins."""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from gatewright.core.errors import ConfigurationError

__all__ = ["Origin", "RequestTemplate"]

SLOT = "{}"


@dataclass(frozen=True)
class Origin:
    """Where requests go: the host and port of a plain HTTP server."""

    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> "Origin":
        """Read `http://host:port`; anything more, and any other scheme, is refused.

        Raises:
            ConfigurationError: the text is no such URL.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or 80
        except ValueError as error:
            raise ConfigurationError(f"{url!r} is no URL: {error}") from error
        clean = parts.path in {"", "/"} and not (parts.query or parts.fragment or parts.username)
        if parts.scheme != "http" or not parts.hostname or not clean:
            raise ConfigurationError(f"{url!r} is not of the form http://HOST:PORT")
        if not parts.hostname.isascii() or not parts.hostname.isprintable() or " " in parts.hostname:
            raise ConfigurationError(f"{url!r} names no valid host")
        return cls(parts.hostname, port)

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine, by its very address or the name localhost."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class RequestTemplate:
    """A request whose path has at most one `{}`, to be filled with an id from an earlier answer.

    Args:
        method: the HTTP method.
        path: the path; `{}` in it is the slot.
        origin: where the request will go.
        body: JSON body as an object; no body when None.
    """

    def __init__(
        self, method: str, path: str, origin: Origin, *, body: Mapping[str, object] | None = None
    ) -> None:
        before, _, after = path.partition(SLOT)
        payload = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        kind = "" if body is None else "content-type: application/json\r\n"
        length = f"content-length: {len(payload)}\r\n" if payload or method not in {"GET", "HEAD"} else ""
        head = (
            f"{after} HTTP/1.1\r\nhost: {origin.authority}\r\naccept: application/json\r\n{kind}{length}\r\n"
        )
        self._before = f"{method} {before}".encode("ascii")
        self._after = head.encode("ascii") + payload

    def fill(self, identifier: object = "") -> bytes:
        """The encoded request; an id is escaped, so that no answer can write headers of ours."""
        return self._before + quote(str(identifier), safe="").encode("ascii") + self._after
