"""Whether a database is whole, asked behind the service's back."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from multyagents_api.storage.migrate import HEAD
from multyagents_api.storage.tables import metadata

__all__ = ["what_is_broken"]

TIMEOUT_S = 10.0
VERSION = "SELECT version_num FROM alembic_version"


def what_is_broken(database: str) -> list[str]:
    """What is wrong with a SQLite file, or with the PostgreSQL database of a URL.

    A file is checked page by page, index by index and reference by reference (`PRAGMA integrity_check`,
    `PRAGMA foreign_key_check`); of a PostgreSQL database every table is read as a whole. Both must have the
    tables of this version.
    """
    if database.startswith("postgresql://"):
        return asyncio.run(_in_postgres(database))
    return list(_in_file(Path(database)))


def _in_file(file: Path) -> Iterator[str]:
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=TIMEOUT_S)) as connection:
            for (line,) in connection.execute("PRAGMA integrity_check"):
                if line != "ok":
                    yield f"integrity_check says: {line}"
            for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check"):
                yield f"a row of {table} refers to what is not in {parent}"
            yield from _other_version(connection.execute(VERSION).fetchone())
    except sqlite3.DatabaseError as error:
        yield f"the file can't be read: {error}"


async def _in_postgres(url: str) -> list[str]:
    import asyncpg  # noqa: PLC0415 - 0.1 s that only who needs it should pay

    connection = await asyncpg.connect(url, timeout=TIMEOUT_S, command_timeout=TIMEOUT_S)
    try:
        for table in metadata.sorted_tables:
            await connection.fetchval(f'SELECT count(t.*::text) FROM "{table.name}" t')  # noqa: S608 - our own names
        return list(_other_version(await connection.fetchrow(VERSION)))
    except asyncpg.PostgresError as error:
        return [f"a table can't be read: {error}"]
    finally:
        await connection.close()


def _other_version(row: object) -> Iterator[str]:
    """That the tables are not those of this version."""
    found = row[0] if isinstance(row, tuple) else None if row is None else row["version_num"]  # type: ignore[index]
    if found != HEAD:
        yield f"the tables are of version {found}, not {HEAD}"
