"""Bring a PostgreSQL database to the tables of this version, also when several processes start at once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from multyagents_api.storage.migrate import CURRENT, HEAD, is_current, upgrade

__all__ = ["migrate_postgres"]

_LOCK = 7_209_061_203_745_377
"""Any number that nobody else locks: whoever holds it migrates, the others wait."""


def migrate_postgres(url: str, *, connect_timeout_s: float) -> None:
    """Apply the missing migrations in one transaction; nothing to do is the usual case.

    Works with and without a running loop: the connection lives in a thread of its own.
    """
    with ThreadPoolExecutor(max_workers=1) as worker:
        worker.submit(asyncio.run, _migrate(url, connect_timeout_s)).result()


async def _migrate(url: str, connect_timeout_s: float) -> None:
    connection = await asyncpg.connect(url, timeout=connect_timeout_s)
    try:
        has_tables = await connection.fetchval("SELECT to_regclass('alembic_version')") is not None
        if has_tables and await connection.fetchval(CURRENT) == HEAD:
            return
    finally:
        await connection.close()
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(url, timeout=connect_timeout_s),
        poolclass=NullPool,
    )
    try:
        async with engine.begin() as migrating:
            await migrating.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    if not is_current(connection):
        upgrade(connection)
