"""Fill a store with copies of finished runs, by SQL: 100,000 runs in seconds instead of minutes.

Whatever tables and columns the service has, rows that belong to runs are copied whole; only their numbers are
new. A copy is told from its original by a shift: all runs by the number of originals, all tasks by theirs.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

__all__ = ["copy_runs"]

REFERENCES = {"run_id": "runs", "task_id": "tasks", "approval_id": "approvals"}


@dataclass(frozen=True)
class Copied:
    """A table with rows of runs: its columns, and the first and last id where it has ids."""

    name: str
    columns: list[str]
    span: int


def copy_runs(connection: Connection, copies: int) -> None:
    """Add so many copies of all runs that there are, and let the database learn of them."""
    is_postgres = connection.dialect.name == "postgresql"
    if is_postgres:  # originals obey the foreign keys, hence copies do
        connection.execute(text("SET session_replication_role = replica"))
    tables = {table.name: table for table in tables_of_runs(connection)}
    for table in tables.values():
        connection.execute(text(statement(table, tables)), {"copies": copies})
        if is_postgres and "id" in table.columns:
            number = f"pg_get_serial_sequence('{table.name}', 'id')"
            connection.execute(text(f"SELECT setval({number}, max(id)) FROM {table.name}"))


def tables_of_runs(connection: Connection) -> list[Copied]:
    """The runs, and all tables that refer to runs or tasks."""
    found = []
    for name in inspect(connection).get_table_names():
        columns = [column["name"] for column in inspect(connection).get_columns(name)]
        if name == "runs" or {"run_id", "task_id"} & set(columns):
            span = "max(id) - min(id) + 1" if "id" in columns else "0"
            found.append(Copied(name, columns, connection.scalar(text(f"SELECT {span} FROM {name}")) or 0))
    return found


def statement(table: Copied, tables: dict[str, Copied]) -> str:
    """The INSERT of all copies of a table's rows."""
    values = [shifted(column, table, tables) for column in table.columns]
    names = ", ".join(f'"{column}"' for column in table.columns)
    order = "number, id" if "id" in table.columns else "number"
    return (
        "WITH RECURSIVE copies(number) AS"
        " (SELECT 1 UNION ALL SELECT number + 1 FROM copies WHERE number < :copies)"
        f" INSERT INTO {table.name} ({names}) SELECT {', '.join(values)}"
        f" FROM copies CROSS JOIN {table.name} ORDER BY {order}"
    )


def shifted(column: str, table: Copied, tables: dict[str, Copied]) -> str:
    """The value of a column in a copy."""
    target = table.name if column == "id" else REFERENCES.get(column, "")
    span = tables[target].span if target in tables else 0
    return f'{table.name}."{column}" + number * {span}' if span else f'{table.name}."{column}"'


def fill_sqlite(file: str, copies: int) -> None:
    """Fill a file that nobody uses, and leave all of it in that one file."""
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
    with engine.begin() as connection:
        copy_runs(connection, copies)
    with engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))


async def fill_postgres(url: str, copies: int) -> None:
    """Fill a database that nobody uses."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(copy_runs, copies)
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE"))
