"""HTTP/1.1 requests, encoded before the measurement begins."""

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from gatewright.core.errors import ConfigurationError

__all__ = ["Origin", "Request", "RequestTemplate"]

SLOT = "{}"
BODILESS = {"GET", "HEAD"}
PATH = re.compile(r"/[!-~]*")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Origin:
    """Where requests go: the host and port of an HTTP server, plain or behind TLS."""

    host: str
    port: int
    secure: bool = False

    @classmethod
    def parse(cls, url: str) -> "Origin":
        """Read `http://host:port` or `https://host:port`; anything more, and any other scheme, is refused.

        Raises:
            ConfigurationError: the text is no such URL.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or PORTS.get(parts.scheme, 0)
        except ValueError as error:
            raise ConfigurationError(f"{url!r} is no URL: {error}") from error
        clean = parts.path in {"", "/"} and not (parts.query or parts.fragment or parts.username)
        if parts.scheme not in PORTS or not parts.hostname or not clean:
            raise ConfigurationError(f"{url!r} is not of the form http://HOST:PORT or https://HOST:PORT")
        if not parts.hostname.isascii() or not parts.hostname.isprintable() or " " in parts.hostname:
            raise ConfigurationError(f"{url!r} names no valid host")
        return cls(parts.hostname, port, parts.scheme == "https")

    @property
    def url(self) -> str:
        """`http://host:port` or `https://host:port`, without a slash at the end."""
        return f"{'https' if self.secure else 'http'}://{self.authority}"

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


class Request(NamedTuple):
    """One request, in parts and as the bytes that go over a plain connection.

    Attributes:
        method: the HTTP method.
        target: path and query, escaped.
        headers: names and values, without those that the connection sets (host, content-length).
        body: the body; empty when there is none.
        encoded: the whole HTTP/1.1 message.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    encoded: bytes


class RequestTemplate:
    """A request whose path has at most one `{}`, to be filled with an id from an earlier answer.

    Args:
        method: the HTTP method.
        path: the path, and a query after `?`; `{}` in it is the slot.
        origin: where the request will go.
        body: JSON body as an object; no body when None.
        headers: further headers, e.g. `{"authorization": "Bearer ..."}`.

    Raises:
        ConfigurationError: the path or a header would break the message.
    """

    def __init__(
        self,
        method: str,
        path: str,
        origin: Origin,
        *,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if not PATH.fullmatch(path):
            raise ConfigurationError(
                f"{path!r} is no path of a request", remedy="escape it, and begin with /"
            )
        self._before, _, self._after = path.partition(SLOT)
        self._method = method
        self._body = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        kind = {} if body is None else {"content-type": "application/json"}
        self._headers = tuple({"accept": "application/json", **kind, **checked(headers or {})}.items())
        length = {"content-length": str(len(self._body))} if self._body or method not in BODILESS else {}
        lines = {"host": origin.authority, **dict(self._headers), **length}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._rest = f" HTTP/1.1\r\n{head}\r\n".encode("latin-1") + self._body

    def fill(self, identifier: object = "") -> Request:
        """The request for an id; it is escaped, so that no answer can write headers of ours."""
        target = f"{self._before}{quote(str(identifier), safe='')}{self._after}"
        encoded = f"{self._method} {target}".encode("ascii") + self._rest
        return Request(self._method, target, self._headers, self._body, encoded)


def checked(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers in lower case that can't end their line."""
    for name, value in headers.items():
        if not TOKEN.fullmatch(name) or not VALUE.fullmatch(value):
            raise ConfigurationError(
                f"header {name!r} can't be sent: its name or value is not allowed in HTTP"
            )
    return {name.lower(): value for name, value in headers.items()}
