"""Bring a database to the tables of this version, also when several processes start on one file at once."""

import time
from pathlib import Path

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import OperationalError

from multyagents_api.service.ports import StorageUnavailable

__all__ = ["CURRENT", "HEAD", "OTHER_TABLES", "is_current", "migrate", "upgrade"]

HEAD = "v0003"
"""The newest migration; asking Alembic for it would cost every start its import."""

CURRENT = "SELECT version_num FROM alembic_version"
OTHER_TABLES = "the database has not the tables of this version"

_WAL_ATTEMPTS = 50
_WAL_PAUSE_S = 0.02


def is_current(connection: Connection) -> bool:
    """Whether the database has exactly the tables of this version."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    return connection.exec_driver_sql(CURRENT).scalar() == HEAD


def migrate(connection: Connection) -> None:
    """Apply the missing migrations under the database's write lock; nothing to do is the usual case."""
    if is_current(connection):
        return
    _enter_wal(connection)
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")  # migrations copy tables that others refer to
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        if not is_current(connection):
            upgrade(connection)
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")
    connection.exec_driver_sql("PRAGMA foreign_keys=ON")


def _enter_wal(connection: Connection) -> None:
    """Switch the file to WAL, once; SQLite does not wait for the lock that this takes, so we do."""
    for attempt in range(_WAL_ATTEMPTS):
        try:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        except OperationalError:
            if attempt == _WAL_ATTEMPTS - 1:
                raise
            time.sleep(_WAL_PAUSE_S)
        else:
            return


def upgrade(connection: Connection) -> None:
    """Apply the missing migrations in the transaction that is open.

    Raises:
        StorageUnavailable: the database belongs to another version.
    """
    from alembic import command  # noqa: PLC0415 - 0.2 s that only a start with work to do should pay
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StorageUnavailable(f"the database belongs to another version: {error}") from error
