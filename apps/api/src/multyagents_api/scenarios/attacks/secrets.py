"""Secrets in the shapes in which they are met, each one of its own, so that a leak tells where it came in."""

import base64
import random
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from multyagents_api.domain.access import SECRET_BYTES, token_text

__all__ = ["SHAPES", "Planted", "Planter"]

LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Planted:
    """A secret: what it looks like, where it was sent, and what must be found nowhere afterwards."""

    shape: str
    channel: str
    core: str

    def __str__(self) -> str:
        return f"{self.shape}, sent as {self.channel}"


Make = Callable[[random.Random], tuple[str, str]]
"""Makes the text that is sent, and the part of it that must be found nowhere."""


def word(chance: random.Random, length: int = 24, letters: str = LETTERS) -> str:
    """A word that occurs nowhere by itself."""
    return "".join(chance.choices(letters, k=length))


def around(before: str, after: str = "", length: int = 24, letters: str = LETTERS) -> Make:
    """A secret within text that gives it away."""

    def make(chance: random.Random) -> tuple[str, str]:
        core = word(chance, length, letters)
        return f"{before}{core}{after}", core

    return make


def pem(chance: random.Random) -> tuple[str, str]:
    """A private key (RFC 7468); a line of it would be enough to harm."""
    line = base64.b64encode(chance.randbytes(36)).decode().replace("+", "x").replace("/", "y")
    return f"-----BEGIN PRIVATE KEY-----\n{line}\n-----END PRIVATE KEY-----", line


def web_token(chance: random.Random) -> tuple[str, str]:
    """A JSON Web Token (RFC 7519)."""
    core = word(chance, 40)
    return f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.{core}", core


def basic(chance: random.Random) -> tuple[str, str]:
    """Basic credentials (RFC 7617)."""
    core = base64.b64encode(f"app:{word(chance, 19)}".encode()).decode()
    return f"Authorization: Basic {core}", core


def own_token(chance: random.Random) -> tuple[str, str]:
    """A token of this service, as a runner or an operator may print it."""
    core = chance.randbytes(SECRET_BYTES).hex()
    return token_text(chance.randrange(1, 1_000), core), core


SHAPES: Mapping[str, Make] = {
    "a password in a URL": around("postgresql://app:", "@db.internal/shop"),
    "the id of an AWS key": around("AKIA", length=16, letters=string.ascii_uppercase + string.digits),
    "an AWS secret key": around("aws_secret_access_key = "),
    "a GitHub token": around("ghp_", length=36),
    "a token in a header": around("Authorization: Bearer "),
    "basic credentials": basic,
    "a cookie": around("Cookie: session="),
    "a private key": pem,
    "a web token": web_token,
    "an option": around("deploy --password "),
    "a setting in JSON": around('{"api_key": "', '"}'),
    "a variable": around("export DB_PASSWORD="),
    "a signature in a query": around("https://files.internal/x?sig="),
    "a token of this service": own_token,
}


@dataclass
class Planter:
    """Makes secrets, and remembers them.

    Attributes:
        chance: draws them.
        planted: all that were made.
    """

    chance: random.Random
    planted: list[Planted] = field(default_factory=list)

    def plant(self, shape: str, channel: str) -> str:
        """A text that holds a new secret of a shape."""
        text, core = SHAPES[shape](self.chance)
        self.planted.append(Planted(shape, channel, core))
        return text

    def each(self, channel: str, *, one_line: bool = False) -> list[str]:
        """A text for each shape, but for those that take several lines where there is room for one."""
        return [self.plant(shape, channel) for shape in SHAPES if not (one_line and shape == "a private key")]

    def all_in_one(self, channel: str) -> str:
        """One text with a secret of every shape, a line for each, between words that are none."""
        return "\n".join(("it began", *self.each(channel), "it ended"))

    def named(self, channel: str) -> str:
        """A secret without any shape, for a place whose name says what it is."""
        core = word(self.chance)
        self.planted.append(Planted("a value", channel, core))
        return core

    def found_in(self, text: str) -> Iterator[Planted]:
        """The secrets that a text holds."""
        return (each for each in self.planted if each.core in text)


def leaks(planter: Planter, text: str, where: str, extra: Iterable[Planted] = ()) -> Iterator[str]:
    """What a text tells that it must not; the words never hold the secret itself."""
    found = [*planter.found_in(text), *(each for each in extra if each.core in text)]
    return (f"{where} holds {each}" for each in found)
