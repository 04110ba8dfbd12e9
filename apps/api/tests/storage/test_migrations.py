"""Migrations: any start brings any older database to the present, also many starts at once."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from multyagents_api.service.ports import StorageUnavailable
from multyagents_api.storage import migrate
from multyagents_api.storage.postgres import PostgresStorage
from multyagents_api.storage.reads import PENDING_SUBMISSIONS
from multyagents_api.storage.sqlite import SqliteStorage
from multyagents_api.storage.tables import metadata

OPEN = """
import sys
from pathlib import Path
from multyagents_api.storage.sqlite import SqliteStorage
SqliteStorage(Path(sys.argv[1])).close()
"""


def test_the_migrations_lead_to_the_tables(sqlite_file):
    """A migrated database and the tables that the statements use are the same."""
    with create_engine(f"sqlite:///{sqlite_file}", poolclass=NullPool).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@pytest.mark.anyio
@pytest.mark.postgresql
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_the_migrations_lead_to_the_tables_in_postgresql(database):
    """The same tables, but for the index that follows the events of all runs."""
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(database), poolclass=NullPool
    )

    def differences(connection):
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async with engine.connect() as connection:
        [(kind, index)] = await connection.run_sync(differences)
    assert (kind, index.name) == ("remove_index", "ix_events_transaction_id")


@pytest.mark.anyio
@pytest.mark.postgresql
async def test_a_postgresql_database_of_another_version_is_refused(postgres_server):
    """A revision that this version does not know is told, without the password, and left as it is."""
    database = postgres_server.create_database("of_another_version")
    PostgresStorage(database)
    connection = await asyncpg.connect(database)
    await connection.execute("UPDATE alembic_version SET version_num = 'v9999'")
    with pytest.raises(StorageUnavailable, match="another version"):
        PostgresStorage(database)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == "v9999"
    await connection.close()


def test_a_postgresql_server_out_of_reach_is_told_in_one_line():
    """Where it was looked for, and neither user nor password."""
    with pytest.raises(StorageUnavailable, match=r"can't use the database runs at 127\.0\.0\.1") as told:
        PostgresStorage("postgresql://mia:hunter2@127.0.0.1:1/runs", busy_timeout_s=1)
    assert "hunter2" not in str(told.value)


def test_the_head_is_the_newest_migration():
    """The constant that saves every start Alembic's import is kept up to date."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]


@pytest.mark.end_to_end
def test_many_processes_start_on_one_new_file(tmp_path, environment):
    """One of them migrates, the others wait for it, and all of them serve."""
    database = tmp_path / "new.db"
    command = [sys.executable, "-c", OPEN, str(database)]
    starting = [subprocess.Popen(command, stderr=subprocess.PIPE, env=environment) for _ in range(3)]
    ended = [(process.communicate(timeout=60)[1], process.returncode) for process in starting]
    assert ended == [(b"", 0)] * 3
    SqliteStorage(database).close()


def test_a_database_of_another_version_is_refused(sqlite_file):
    """A revision that this version does not know is told, and left as it is."""
    with create_engine(f"sqlite:///{sqlite_file}", poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'v9999'")
    with pytest.raises(StorageUnavailable, match="another version"):
        SqliteStorage(sqlite_file)
    with create_engine(f"sqlite:///{sqlite_file}", poolclass=NullPool).connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "v9999"


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough to be taken for one" * 40])
def test_an_empty_file_is_filled_and_a_foreign_one_refused(tmp_path, content):
    """Nothing that is not a database is ever written to."""
    file = tmp_path / "file.db"
    file.write_bytes(content)
    if not content:
        SqliteStorage(file).close()
        assert file.stat().st_size > 0
        return
    with pytest.raises(StorageUnavailable, match="can't use the database"):
        SqliteStorage(file)
    assert file.read_bytes() == content


def test_the_file_is_in_wal_mode_and_durability_is_chosen(sqlite_file):
    """WAL is remembered by the file, the rest is set for each connection."""
    for synchronous, number in (("NORMAL", 1), ("FULL", 2)):
        storage = SqliteStorage(sqlite_file, synchronous=synchronous)
        connection = storage._connection
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == number
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 5000
        storage.close()


def test_looking_for_pending_dispatches_costs_nothing_where_there_are_none(sqlite_file):
    """The partial index is used, however many dispatches are stored."""
    statement = PENDING_SUBMISSIONS.compile(dialect=sqlite.dialect())
    with closing(sqlite3.connect(sqlite_file)) as store:
        plan = store.execute(f"EXPLAIN QUERY PLAN {statement}", (1, 1, 0, 0)).fetchall()
    assert plan[0][3] == "SCAN dispatches USING INDEX ix_dispatches_pending"
