"""What a statement costs: by the driver alone, as the service executes it, and through SQLAlchemy.

    python benchmarks/statements.py [ROUNDS]

One of the service's own reads and one of its guarded writes, on a SQLite file without flushes to the disk.
The three ways take turns, and the median of all turns is told.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "apps" / "api" / "src"))

from multyagents_api.domain.roles import NewRole, RetryPolicy
from multyagents_api.domain.templates import Step
from multyagents_api.storage.guards import TOUCH_RUN
from multyagents_api.storage.reads import RUN_WITH_TASKS
from multyagents_api.storage.sqlite import STATEMENTS, InlineConnection, SqliteStorage

REPEATED = 200
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MEASURED = {
    "read a run with three tasks": (RUN_WITH_TASKS, {"run_id": 1}),
    "touch a run": (TOUCH_RUN, {"the_run": 1, "reserved": 0, "now": 0}),
}


async def fill(storage: SqliteStorage) -> None:
    async with storage.write() as writer:
        role = await writer.insert_role(NewRole("dev", False, (), RetryPolicy()), NOW)  # noqa: FBT003 - a field
        steps = [Step(name, role.id, name, "", (), requires_approval=False) for name in "abc"]
        template = await writer.insert_template("t", steps, NOW)
        run = await writer.insert_run(template.id, None, events=0, now=NOW)
        await writer.insert_tasks(run.id, steps, NOW)


def inline(statement: Any, parameters: Any, connection: InlineConnection) -> Callable[[], object]:
    """The service's way: a coroutine that never waits."""

    def execute() -> object:
        try:
            connection.execute(statement, parameters).send(None)
        except StopIteration as ended:
            return ended.value.all()
        raise RuntimeError("it waited")

    return execute


def microseconds(execute: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(REPEATED):
        execute()
    return (time.perf_counter() - started) / REPEATED * 1e6


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        storage = SqliteStorage(Path(folder) / "runs.db", synchronous="OFF")
        asyncio.run(fill(storage))
        connection = storage._connection  # noqa: SLF001 - SQLAlchemy's, to compare with
        driver: Any = connection.connection.driver_connection
        print("| statement | driver | service | SQLAlchemy |\n|---|---|---|---|")
        for name, (statement, parameters) in MEASURED.items():
            prepared = STATEMENTS.prepare(statement, parameters)
            arguments = prepared.arguments(parameters)
            ways: list[Callable[[], object]] = [
                lambda sql=prepared.sql, values=arguments: driver.execute(sql, values).fetchall(),
                inline(statement, parameters, InlineConnection(driver)),
                lambda sql=statement, values=parameters: connection.execute(sql, values).all(),
            ]
            times = [[microseconds(way) for way in ways] for _ in range(rounds)]
            cells = " | ".join(f"{median(column):.0f} us" for column in zip(*times, strict=True))
            print(f"| {name} | {cells} |")
        storage.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
