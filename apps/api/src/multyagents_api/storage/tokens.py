"""Tokens: whose they are, and digests of their secrets."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, exists, insert, not_, select, update

from multyagents_api.domain.access import AccessRole, NewToken, Token
from multyagents_api.storage.path_locks import LOCK_OUT_OTHERS
from multyagents_api.storage.rows import from_micros, to_micros
from multyagents_api.storage.tables import tokens

if TYPE_CHECKING:
    from multyagents_api.storage.reads import Connection

__all__ = ["TokenReads", "TokenWrites"]

TOKEN = select(tokens).where(tokens.c.id == bindparam("the_token"))
TOKENS_AFTER = (
    select(tokens).where(tokens.c.id > bindparam("after")).order_by(tokens.c.id).limit(bindparam("limit"))
)
INSERT_TOKEN = insert(tokens).returning(*tokens.c)
NEW_COLUMNS = ("subject", "roles", "digest", "created_at", "expires_at")
INSERT_FIRST_TOKEN = (
    insert(tokens)
    .from_select(
        list(NEW_COLUMNS),
        select(*(bindparam(f"new_{name}", type_=tokens.c[name].type) for name in NEW_COLUMNS)).where(
            not_(exists(select(1).select_from(tokens)))
        ),
    )
    .returning(*tokens.c)
)
REVOKE_TOKEN = (
    update(tokens)
    .where(tokens.c.id == bindparam("the_token"), tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)


def token_values(new: NewToken, now: datetime) -> dict[str, Any]:
    """A token as it is kept."""
    return {
        "subject": new.subject,
        "roles": sorted(new.roles),
        "digest": new.digest,
        "created_at": to_micros(now),
        "expires_at": None if new.expires_at is None else to_micros(new.expires_at),
    }


def token_from_row(row: Any) -> Token:
    """A token from all columns of its table."""
    return Token(
        id=row.id,
        subject=row.subject,
        roles=frozenset(map(AccessRole, row.roles)),
        digest=row.digest,
        created_at=from_micros(row.created_at),
        expires_at=None if row.expires_at is None else from_micros(row.expires_at),
        revoked_at=None if row.revoked_at is None else from_micros(row.revoked_at),
    )


class TokenReads:
    """Reads through one connection, in or out of a transaction."""

    _connection: "Connection"

    async def token(self, token_id: int) -> Token | None:
        """One token."""
        row = (await self._connection.execute(TOKEN, {"the_token": token_id})).one_or_none()
        return None if row is None else token_from_row(row)

    async def tokens_after(self, after: int, *, limit: int) -> list[Token]:
        """Tokens with a greater id, in order, also those that no longer stand."""
        rows = (await self._connection.execute(TOKENS_AFTER, {"after": after, "limit": limit})).all()
        return [token_from_row(row) for row in rows]


class TokenWrites:
    """Making tokens, and ending them."""

    _connection: "Connection"

    async def insert_token(self, new: NewToken, now: datetime) -> Token:
        """Add a token; its digest is unique."""
        return token_from_row((await self._connection.execute(INSERT_TOKEN, token_values(new, now))).one())

    async def insert_first_token(self, new: NewToken, now: datetime) -> Token | None:
        """Add a token, if there never was one; one transaction at a time gets here.

        This is where the second of two servers that start together is refused a first token of its own.
        """
        await self._connection.execute(LOCK_OUT_OTHERS)
        parameters = {f"new_{name}": value for name, value in token_values(new, now).items()}
        row = (await self._connection.execute(INSERT_FIRST_TOKEN, parameters)).one_or_none()
        return None if row is None else token_from_row(row)

    async def revoke_token(self, token_id: int, now: datetime) -> bool:
        """End a token, if nobody did before."""
        parameters = {"the_token": token_id, "now": to_micros(now)}
        return (await self._connection.execute(REVOKE_TOKEN, parameters)).rowcount == 1
