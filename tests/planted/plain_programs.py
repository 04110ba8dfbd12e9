"""Racy programs without any framework: their actors stand at points of their own, or share one event loop."""

import asyncio
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gatewright.race import Actor, Client, History, Scenario, invariant, point, point_sync


class DeepRace(Scenario):
    """A window of one step against a rival that makes fifteen."""

    name = "deep-race"
    chain = 14

    def create_app(self, folder: Path) -> None:
        return None

    def reset(self) -> None:
        self.approved = True
        self.dispatched_while_rejected = False

    def actors(self) -> Mapping[str, Actor]:
        async def dispatch(client: Client) -> None:
            await point("read approval")
            if self.approved:
                await point("dispatch")
                self.dispatched_while_rejected = not self.approved

        async def reject(client: Client) -> None:
            for number in range(self.chain):
                await point(f"cascade {number}")
            await point("reject")
            self.approved = False

        return {"alice": dispatch, "bob": reject}

    @invariant("approved", "nothing is dispatched after its rejection")
    def approved_at_dispatch(self, history: History, state: Any) -> Iterable[str]:
        if self.dispatched_while_rejected:
            yield "dispatched after its rejection"


class LockOrder(Scenario):
    """Two databases, locked in opposite orders."""

    name = "lock-order"

    def create_app(self, folder: Path) -> list[sqlite3.Connection]:
        files = [folder / "one.db", folder / "two.db"]
        return [sqlite3.connect(file, isolation_level=None) for file in files]

    async def setup(self, client: Client) -> None:
        for database in client.app:
            database.execute("CREATE TABLE note (text TEXT)")

    def actors(self) -> Mapping[str, Actor]:
        async def upward(client: Client) -> None:
            lock_all(client.app)

        async def downward(client: Client) -> None:
            lock_all(client.app[::-1])

        return {"alice": upward, "bob": downward}


def lock_all(databases: list[sqlite3.Connection]) -> None:
    for database in databases:
        database.execute("BEGIN IMMEDIATE")
    for database in databases:
        database.execute("COMMIT")


class AsyncLockOrder(Scenario):
    """The same with two locks of one event loop."""

    name = "async-lock-order"

    def create_app(self, folder: Path) -> None:
        return None

    def reset(self) -> None:
        self.locks = [asyncio.Lock(), asyncio.Lock()]

    def actors(self) -> Mapping[str, Actor]:
        async def upward(client: Client) -> None:
            await self.lock_all(self.locks)

        async def downward(client: Client) -> None:
            await self.lock_all(self.locks[::-1])

        return {"alice": upward, "bob": downward}

    async def lock_all(self, locks: list[asyncio.Lock]) -> None:
        async with locks[0]:
            await point("the second lock")
            async with locks[1]:
                pass


class Spin(Scenario):
    """Waits for another by asking again and again."""

    name = "spin"

    def create_app(self, folder: Path) -> None:
        return None

    def reset(self) -> None:
        self.done = False

    def actors(self) -> Mapping[str, Actor]:
        async def wait(client: Client) -> None:
            while not self.done:
                point_sync("ask")

        async def finish(client: Client) -> None:
            await point("finish")
            self.done = True

        return {"alice": wait, "bob": finish}


class LostUpdate(Scenario):
    """Reads, lets others in, writes: in one event loop."""

    name = "lost-update"

    def create_app(self, folder: Path) -> None:
        return None

    def reset(self) -> None:
        self.count = 0

    def actors(self) -> Mapping[str, Actor]:
        return {"alice": self.increment, "bob": self.increment, "carol": self.increment}

    async def increment(self, client: Client) -> None:
        before = self.count
        await point("between")
        self.count = before + 1

    @invariant("counted", "every increment counts")
    def counted(self, history: History, state: Any) -> None:
        assert self.count == 3, f"counted {self.count}"


class Crash(LostUpdate):
    """Raises something when it loses the race."""

    name = "crash"

    async def increment(self, client: Client) -> None:
        before = self.count
        await point("between")
        if self.count != before:
            raise RuntimeError("somebody was faster")
        self.count = before + 1


class Sleepers(Scenario):
    """Actors that wait for timers, which takes no real time."""

    name = "sleepers"

    def create_app(self, folder: Path) -> None:
        return None

    def reset(self) -> None:
        self.woken: list[str] = []

    def actors(self) -> Mapping[str, Actor]:
        async def nap(client: Client) -> None:
            await asyncio.sleep(3600)
            self.woken.append("short")
            await point("awake")

        async def sleep(client: Client) -> None:
            await asyncio.sleep(7200)
            self.woken.append("long")
            await point("awake")

        return {"alice": sleep, "bob": nap}

    @invariant("order", "timers fire in the order of their times")
    def in_order(self, history: History, state: Any) -> None:
        assert self.woken == ["short", "long"]


class Accounts(Scenario):
    """Answers with what the world gave it: time, chance, identifiers."""

    name = "accounts"

    def create_app(self, folder: Path) -> None:
        return None

    def reset(self) -> None:
        self.seen: list[str] = []

    def actors(self) -> Mapping[str, Actor]:
        return {"alice": self.look, "bob": self.look}

    async def look(self, client: Client) -> None:
        from planted import worldly  # noqa: PLC0415 - loaded before an arena is entered, as services are

        await point("look")
        self.seen += worldly.readings()

    @invariant("seen", "tells what was seen, always")
    def tell(self, history: History, state: Any) -> Iterable[str]:
        yield " ".join(self.seen)
