"""Which variables hold secrets, and every shape in which such a value may turn up again."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from urllib.parse import quote, unquote

__all__ = ["TELLING_NAME", "secret_values"]

SHORTEST_SECRET = 6
"""Shorter values (`1`, `true`, `yes`) would blot out half a log and protect nobody."""
SHORTEST_SHAPE = 8
"""A shape or a line shorter than this may stand in any text by chance."""

TELLING_NAME = re.compile(
    r"pass(?:word|wd|phrase)|secret|token(?!iz)|credential"
    r"|(?:api|access|private|signing|encryption|deploy|account|master)[-_.]?key"
    r"|(?:^|[-_.])(?:pass|cookies?|creds?)(?:$|[-_.])|[-_.](?:pwd|pat|auth)$",
    re.IGNORECASE,
)
"""Names of variables and flags; `PWD`, `COMPASS` and `TOKENIZERS_PARALLELISM` tell nothing."""

USER_INFO = re.compile(
    r"[a-z][a-z0-9+.-]{0,20}://[^\s/@:]{0,200}:(?P<password>[^\s]{1,1000})@", re.IGNORECASE
)


def secret_values(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The secrets of an environment in all shapes, the longest first: a secret may contain another one.

    A variable named like a secret gives its value; a URL gives the password in its user info.
    """
    found = {
        shape
        for name, value in environment.items()
        for secret in secrets_in(name, value)
        for shape in shapes(secret)
    }
    return tuple(sorted(found, key=lambda value: (-len(value), value)))


def secrets_in(name: str, value: str) -> Iterator[str]:
    """The secrets that one variable holds."""
    if TELLING_NAME.search(name):
        yield value
    if match := USER_INFO.match(value):
        yield match["password"]
        yield unquote(match["password"])


def shapes(secret: str) -> Iterator[str]:
    """A secret as it is, line by line, escaped for JSON, HTML and URLs, in hexadecimal and in Base64."""
    if len(secret.strip()) < SHORTEST_SECRET:
        return
    yield secret
    yield secret.strip()
    longer = [line.strip() for line in secret.splitlines()] if len(secret.splitlines()) > 1 else []
    longer += [json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
    longer += [escape(secret), quote(secret, safe=""), quote(secret)]
    data = secret.encode(errors="surrogateescape")
    longer += [data.hex(), data.hex().upper(), *in_base64(data)]
    yield from (shape for shape in longer if len(shape) >= SHORTEST_SHAPE)


def in_base64(data: bytes) -> Iterator[str]:
    """What data gives in Base64 (RFC 4648) wherever it stands in what is encoded: `user:secret`."""
    for offset in range(3):
        letters = base64.b64encode(bytes(offset) + data).decode("ascii")
        whole = letters[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]
        yield whole
        yield whole.replace("+", "-").replace("/", "_")
