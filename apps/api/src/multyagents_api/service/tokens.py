"""What the use cases need of a store about tokens."""

from datetime import datetime
from typing import Protocol

from multyagents_api.domain.access import NewToken, Token

__all__ = ["TokenReader", "TokenWriter"]


class TokenReader(Protocol):
    """Each method is one statement, hence one consistent look."""

    async def token(self, token_id: int) -> Token | None:
        """One token."""
        ...

    async def tokens_after(self, after: int, *, limit: int) -> list[Token]:
        """Tokens with a greater id, in order, also those that no longer stand."""
        ...


class TokenWriter(Protocol):
    """A token is never changed but for its end."""

    async def insert_token(self, new: NewToken, now: datetime) -> Token:
        """Add a token; its digest is unique."""
        ...

    async def insert_first_token(self, new: NewToken, now: datetime) -> Token | None:
        """Add a token, if there never was one."""
        ...

    async def revoke_token(self, token_id: int, now: datetime) -> bool:
        """End a token, if nobody did before."""
        ...
