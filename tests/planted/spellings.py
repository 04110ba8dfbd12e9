"""One check-then-act race in eleven spellings, for both lanes, each with its corrected twin.

Two actors want the one task. Each sees whether it is free, and then takes it; where it is kept makes the
spelling. The twins hold a lock meanwhile, or write only if the task still is free.
"""

import asyncio
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from gatewright.race import Actor, Client, History, Scenario, ThreadActor, ThreadScenario, invariant

FREE, TAKEN = "free", "taken"


class Spelling:
    """Where the task is kept; `claim` is its guarded write, where it has one."""

    claim: Callable[[], bool] | None = None

    def prepare(self, folder: Path) -> None:
        """Make what outlasts a schedule."""

    def refresh(self) -> None:
        """Free the task again."""
        raise NotImplementedError

    def is_free(self) -> bool:
        raise NotImplementedError

    def take(self) -> None:
        raise NotImplementedError


class DictItem(Spelling):
    def refresh(self) -> None:
        self.task = {"status": FREE}

    def is_free(self) -> bool:
        return self.task["status"] == FREE

    def take(self) -> None:
        self.task["status"] = TAKEN


class NestedDict(Spelling):
    def refresh(self) -> None:
        self.run = {"tasks": {"t1": {"status": FREE}}}

    def is_free(self) -> bool:
        return self.run["tasks"]["t1"]["status"] == FREE

    def take(self) -> None:
        self.run["tasks"]["t1"].update(status=TAKEN)


class Attribute(Spelling):
    def refresh(self) -> None:
        self.status = FREE

    def is_free(self) -> bool:
        return self.status == FREE

    def take(self) -> None:
        self.status = TAKEN


class ClosureVariable(Spelling):
    def refresh(self) -> None:
        status = FREE

        def is_free() -> bool:
            return status == FREE

        def take() -> None:
            nonlocal status
            status = TAKEN

        self.is_free, self.take = is_free, take  # type: ignore[method-assign]


@dataclass
class Task:
    status: str = FREE


class DataclassField(Spelling):
    def refresh(self) -> None:
        self.task = Task()

    def is_free(self) -> bool:
        return self.task == Task(FREE)

    def take(self) -> None:
        self.task.status = TAKEN


class ListElement(Spelling):
    def refresh(self) -> None:
        self.statuses = [FREE, FREE]

    def is_free(self) -> bool:
        return self.statuses[0] == FREE

    def take(self) -> None:
        self.statuses[0] = TAKEN


STATUS = FREE


class ModuleGlobal(Spelling):
    def refresh(self) -> None:
        global STATUS  # noqa: PLW0603 - the spelling
        STATUS = FREE

    def is_free(self) -> bool:
        return STATUS == FREE

    def take(self) -> None:
        global STATUS  # noqa: PLW0603 - the spelling
        STATUS = TAKEN


class Board:
    status = FREE


class ClassAttribute(Spelling):
    def refresh(self) -> None:
        Board.status = FREE

    def is_free(self) -> bool:
        return Board.status == FREE

    def take(self) -> None:
        Board.status = TAKEN


class SqlRow(Spelling):
    create = "CREATE TABLE IF NOT EXISTS task (status TEXT)"
    insert = f"INSERT INTO task VALUES ('{FREE}')"
    read = f"SELECT status = '{FREE}' FROM task"
    write = f"UPDATE task SET status = '{TAKEN}'"
    guard = f"WHERE status = '{FREE}'"

    def prepare(self, folder: Path) -> None:
        self.path = folder / f"{type(self).__name__}.db"
        self.run(self.create)

    def run(self, sql: str) -> Any:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as database:
            cursor = database.execute(sql)
            return cursor.fetchall() or cursor.rowcount

    def refresh(self) -> None:
        self.run("DELETE FROM task")
        self.run(self.insert)

    def is_free(self) -> bool:
        return self.run(self.read) == [(1,)]

    def take(self) -> None:
        self.run(self.write)

    def claim(self) -> bool:
        return bool(self.run(f"{self.write} {self.guard}") == 1)


class JsonColumn(SqlRow):
    create = "CREATE TABLE IF NOT EXISTS task (document TEXT)"
    insert = f"INSERT INTO task VALUES ('{json.dumps({'status': FREE})}')"
    read = f"SELECT json_extract(document, '$.status') = '{FREE}' FROM task"
    write = f"UPDATE task SET document = json_set(document, '$.status', '{TAKEN}')"
    guard = f"WHERE json_extract(document, '$.status') = '{FREE}'"


class File(Spelling):
    def prepare(self, folder: Path) -> None:
        self.path = folder / "task.txt"
        self.mine = folder / "taken.txt"

    def refresh(self) -> None:
        self.mine.unlink(missing_ok=True)
        self.path.write_text(FREE)

    def is_free(self) -> bool:
        return self.path.read_text() == FREE

    def take(self) -> None:
        self.path.write_text(TAKEN)

    def claim(self) -> bool:
        try:
            os.rename(self.path, self.mine)  # noqa: PTH104 - the spelling
        except FileNotFoundError:
            return False
        return True


def one_taker(takers: list[str]) -> Iterable[str]:
    if len(takers) != 1:
        yield f"taken by {len(takers)}"


class AsyncSpelling(Scenario):
    """Checks, lets others in by an await, and acts."""

    spelling: ClassVar[type[Spelling]]
    corrected: ClassVar[bool]

    def create_app(self, folder: Path) -> None:
        self.kept = self.spelling()
        self.kept.prepare(folder)
        self.kept.refresh()

    def reset(self) -> None:
        self.kept.refresh()
        self.lock = asyncio.Lock()
        self.takers: list[str] = []

    def actors(self) -> Mapping[str, Actor]:
        return {"alice": self.actor("alice"), "bob": self.actor("bob")}

    def actor(self, name: str) -> Actor:
        async def want(client: Client) -> None:
            if await (self.want_correctly() if self.corrected else self.want()):
                self.takers.append(name)

        return want

    async def want(self) -> bool:
        if not self.kept.is_free():
            return False
        await asyncio.sleep(0)
        self.kept.take()
        return True

    async def want_correctly(self) -> bool:
        if self.kept.claim is not None:
            await asyncio.sleep(0)
            return self.kept.claim()
        async with self.lock:
            return await self.want()

    @invariant("one-taker", "the task is taken by one actor")
    def one_taker(self, history: History, state: Any) -> Iterable[str]:
        yield from one_taker(self.takers)


class ThreadSpelling(ThreadScenario):
    """Checks, and acts in the next statement."""

    spelling: ClassVar[type[Spelling]]
    corrected: ClassVar[bool]

    def reset(self, folder: Path) -> None:
        self.kept = self.spelling()
        self.kept.prepare(folder)
        self.kept.refresh()
        self.lock = threading.Lock()

    def actors(self) -> Mapping[str, ThreadActor]:
        return dict.fromkeys(("alice", "bob"), self.want_correctly if self.corrected else self.want)

    def want(self) -> bool:
        if not self.kept.is_free():
            return False
        self.kept.take()
        return True

    def want_correctly(self) -> bool:
        if self.kept.claim is not None:
            return self.kept.claim()
        with self.lock:
            return self.want()

    @invariant("one-taker", "the task is taken by one actor")
    def one_taker(self, history: History, state: Any) -> Iterable[str]:
        yield from one_taker([op.actor for op in history if op.response.json])


SPELLINGS = (
    DictItem, NestedDict, Attribute, ClosureVariable, DataclassField, ListElement, ModuleGlobal, ClassAttribute,
    SqlRow, JsonColumn, File,
)  # fmt: skip


def in_lane(lane: type[Any], spelling: type[Spelling], *, corrected: bool) -> type[Any]:
    """The scenario of a spelling in a lane, importable by its name, as tapes ask for."""
    name = f"{'Corrected' if corrected else ''}{spelling.__name__}{lane.__name__}"
    if name not in globals():
        body = {"__module__": __name__, "name": name, "spelling": spelling, "corrected": corrected}
        globals()[name] = type(name, (lane,), body)
    return globals()[name]


for _spelling in SPELLINGS:
    for _lane in (AsyncSpelling, ThreadSpelling):
        for _corrected in (False, True):
            in_lane(_lane, _spelling, corrected=_corrected)
