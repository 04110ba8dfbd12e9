"""Who asks, and what they may: subjects, their roles, and the tokens that prove them.

A token reads `mya_ID_SECRET`: its mark lets scanners find it where it does not belong, its id finds its row,
and its secret is 256 random bits. Only a digest of the secret is kept. Nothing slower than SHA-256 is needed
for that: nobody can try out 2**256 secrets.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from multyagents_api.domain.errors import Forbidden, NotYourself

__all__ = [
    "ANYBODY",
    "AccessRole",
    "NewToken",
    "Presented",
    "Principal",
    "Token",
    "digest_of",
    "is_subject",
    "parse_token",
    "token_text",
]

SECRET_BYTES = 32
MOST_SUBJECT = 200
_TOKEN = re.compile(r"mya_([1-9][0-9]{0,17})_([0-9a-f]{64})")


class AccessRole(StrEnum):
    """What somebody may do; values are the words on the command line."""

    OPERATOR = "operator"
    REVIEWER = "reviewer"
    OBSERVER = "observer"
    RUNNER = "runner"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks; `subject` is None where nobody was asked who they are."""

    subject: str | None
    roles: frozenset[AccessRole]

    def check_may(self, permitted: frozenset[AccessRole]) -> None:
        """Refuse what none of the roles permits.

        Raises:
            Forbidden: tells which roles do.
        """
        if self.roles.isdisjoint(permitted):
            raise Forbidden(_listed(permitted))

    def speaks_as(self, field: str, named: str | None) -> str | None:
        """Who acts: the subject, or whoever is named where nobody was asked who they are.

        Raises:
            NotYourself: somebody else is named.
        """
        if self.subject is None or named == self.subject:
            return named
        if named is None:
            return self.subject
        raise NotYourself(field, named, self.subject)


ANYBODY = Principal(None, frozenset(AccessRole))
"""Whoever asks where nobody is asked who they are."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token before it gets its id; it ends at `expires_at`, or never."""

    subject: str
    roles: frozenset[AccessRole]
    digest: str = field(repr=False)
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token; the digest is a SHA-256 in hexadecimal digits."""

    id: int
    subject: str
    roles: frozenset[AccessRole]
    digest: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def stands(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def is_proven_by(self, presented: "Presented", now: datetime) -> bool:
        """Whether somebody presented its secret while it stands; how much of it fits shows in no timing."""
        return hmac.compare_digest(self.digest, presented.digest) and self.stands(now)


@dataclass(frozen=True, slots=True)
class Presented:
    """A token as somebody presents it, already without its secret."""

    id: int
    digest: str = field(repr=False)


def parse_token(text: str) -> Presented | None:
    """What a token's text says; None for what can't be one."""
    match = _TOKEN.fullmatch(text)
    return None if match is None else Presented(int(match[1]), digest_of(match[2]))


def token_text(token_id: int, secret: str) -> str:
    """A token as its bearer keeps it."""
    return f"mya_{token_id}_{secret}"


def digest_of(secret: str) -> str:
    """What is kept of a secret of `SECRET_BYTES` random bytes in hexadecimal digits."""
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def is_subject(text: str) -> bool:
    """Whether a text may name somebody: one printable line, without space around it."""
    return text.isprintable() and text.strip() == text and 0 < len(text) <= MOST_SUBJECT


def _listed(roles: Iterable[AccessRole]) -> str:
    return ", ".join(role for role in AccessRole if role in set(roles))
