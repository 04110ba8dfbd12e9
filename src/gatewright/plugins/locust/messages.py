"""Names of the messages between a master and its workers, and where they meet."""

import re
from dataclasses import dataclass

from gatewright.core.errors import ConfigurationError

__all__ = ["BEGIN", "DEFAULT_PORT", "HELLO", "PACE", "REFUSED", "REPORT", "Address"]

HELLO = "gatewright-hello"
PACE = "gatewright-pace"
REFUSED = "gatewright-refused"
BEGIN = "gatewright-begin"
REPORT = "gatewright"
"""The entry of Locust's own report that holds ours."""

DEFAULT_PORT = 5557
LARGEST_PORT = 65535
HOST = re.compile(r"[A-Za-z0-9.-]+")


@dataclass(frozen=True)
class Address:
    """Where a master listens; port 0 is a free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `HOST` or `HOST:PORT`.

        Raises:
            ConfigurationError: it is neither.
        """
        host, _, port = text.partition(":")
        number = int(port) if port.isascii() and port.isdecimal() and len(port) <= len("65535") else -1
        number = number if port or ":" in text else DEFAULT_PORT
        if not HOST.fullmatch(host) or not 0 <= number <= LARGEST_PORT:
            raise ConfigurationError(f"{text!r} is no address", remedy="write HOST or HOST:PORT")
        return cls(host, number)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"
