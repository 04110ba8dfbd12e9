"""Access: tokens are made, listed and revoked, and tell who asks."""

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from multyagents_api.domain.access import (
    SECRET_BYTES,
    AccessRole,
    NewToken,
    Principal,
    Token,
    digest_of,
    parse_token,
    token_text,
)
from multyagents_api.domain.errors import NotAuthenticated, NotFound
from multyagents_api.service.page import Page, cut
from multyagents_api.service.ports import Clock, Storage

__all__ = ["KNOWN_FOR_S", "IssuedToken", "Tokens"]

KNOWN_FOR_S = 5.0
"""Seconds for which a token once found needs no look at the store; as long a revoked one may go on."""

MOST_KNOWN = 1024
"""Tokens that are remembered at most."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token and its text, which nobody can get again."""

    token: Token
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """A token as it was found, and when, by the monotonic clock."""

    token: Token
    found_at: float


@dataclass(frozen=True, slots=True)
class Tokens:
    """Use cases about tokens.

    Args:
        storage: where tokens are kept.
        clock: decides which have expired.
        monotonic: seconds by which tokens are forgotten; setting the time does not touch it.
    """

    storage: Storage
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    _known: dict[int, Known] = field(default_factory=dict, init=False)

    async def create(
        self, subject: str, roles: Iterable[AccessRole], expires_in: timedelta | None = None
    ) -> IssuedToken:
        """Make a token; its text is not kept."""
        secret = secrets.token_hex(SECRET_BYTES)
        now = self.clock.now()
        new = NewToken(
            subject, frozenset(roles), digest_of(secret), None if expires_in is None else now + expires_in
        )
        async with self.storage.write() as writer:
            token = await writer.insert_token(new, now)
        return IssuedToken(token, token_text(token.id, secret))

    async def create_first(self, subject: str, roles: Iterable[AccessRole]) -> IssuedToken | None:
        """Make a token where there never was one; of several processes that try, one makes it."""
        if await self.exist():
            return None
        secret = secrets.token_hex(SECRET_BYTES)
        async with self.storage.write() as writer:
            new = NewToken(subject, frozenset(roles), digest_of(secret), None)
            token = await writer.insert_first_token(new, self.clock.now())
        return None if token is None else IssuedToken(token, token_text(token.id, secret))

    async def exist(self) -> bool:
        """Whether there ever was a token, be it revoked or expired since."""
        async with self.storage.read() as reader:
            return bool(await reader.tokens_after(0, limit=1))

    async def page(self, *, after: int, limit: int) -> Page[Token]:
        """The tokens after a given one."""
        async with self.storage.read() as reader:
            return cut(await reader.tokens_after(after, limit=limit + 1), limit)

    async def revoke(self, token_id: int) -> None:
        """End a token; doing so again changes nothing.

        Processes that know it go on for `KNOWN_FOR_S` seconds at most.
        """
        async with self.storage.write() as writer:
            if not await writer.revoke_token(token_id, self.clock.now()) and not await writer.token(token_id):
                raise NotFound("token", str(token_id))
        self._known.pop(token_id, None)

    async def identify(self, text: str) -> Principal:
        """Whose token this is.

        Raises:
            NotAuthenticated: it is none, or revoked, or expired; nobody is told which.
        """
        presented = parse_token(text)
        token = None if presented is None else await self._find(presented.id)
        if presented is None or token is None or not token.is_proven_by(presented, self.clock.now()):
            raise NotAuthenticated
        return Principal(token.subject, token.roles)

    async def _find(self, token_id: int) -> Token | None:
        """A token from memory for some seconds, else from the store; what is not there is not remembered."""
        known = self._known.get(token_id)
        if known is not None and self.monotonic() - known.found_at < KNOWN_FOR_S:
            return known.token
        found_at = self.monotonic()
        async with self.storage.read() as reader:
            token = await reader.token(token_id)
        self._known.pop(token_id, None)
        if token is not None:
            self._known[token_id] = Known(token, found_at)
            if len(self._known) > MOST_KNOWN:
                del self._known[next(iter(self._known))]
        return token
