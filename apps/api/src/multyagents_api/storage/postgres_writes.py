"""What PostgreSQL needs otherwise, since transactions run side by side there.

Events of all runs: transactions commit in another order than they took their ids, and a reader that followed
ids alone would miss an event with a smaller id that commits later. The order here is that of transactions,
and only those count before which nothing is under way any more.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal,
    select,
    tuple_,
)

from multyagents_api.domain.events import Event, NewEvent
from multyagents_api.domain.runs import Run
from multyagents_api.storage.rows import event_from_row
from multyagents_api.storage.tables import events, runs
from multyagents_api.storage.writes import SqlWriter

__all__ = ["CHANNEL", "IS_SETTLED", "PostgresWriter"]

POSITION = tuple_(events.c.transaction, events.c.id)
OLDEST_UNDER_WAY = cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text), BigInteger)
IS_SETTLED = events.c.transaction < OLDEST_UNDER_WAY


def _position_of(name: str) -> ColumnElement[Any]:
    """The position of the event with an id; what no event has yet stands behind all that are settled."""
    known = events.alias()
    event_id: ColumnElement[int] = bindparam(name, type_=BigInteger)
    transaction = select(known.c.transaction).where(known.c.id == event_id).scalar_subquery()
    of_none = case((event_id == 0, 0), else_=OLDEST_UNDER_WAY)
    return tuple_(func.coalesce(transaction, of_none), event_id)


@cache
def events_of_all_runs(*, of_kind: bool, bounded: bool) -> Select[Any]:
    """Settled events of all runs after one of them, narrowed as wanted."""
    statement = (
        select(events)
        .where(_position_of("after") < POSITION, IS_SETTLED)
        .order_by(events.c.transaction, events.c.id)
        .limit(bindparam("limit"))
    )
    if of_kind:
        statement = statement.where(events.c.type == bindparam("of_kind"))
    if bounded:
        statement = statement.where(_position_of("until") >= POSITION)
    return statement


_WINDOW = (
    select(events.c.transaction, events.c.id)
    .where(_position_of("after") < POSITION, IS_SETTLED)
    .order_by(events.c.transaction, events.c.id)
    .limit(bindparam("size"))
    .subquery()
)
WINDOW_END = select(_WINDOW.c.id).order_by(_WINDOW.c.transaction.desc(), _WINDOW.c.id.desc()).limit(1)


LOCK_RUN = select(runs.c.id).where(runs.c.id == bindparam("run_id")).with_for_update()


CHANNEL = "multyagents_events"
NOTIFY = select(
    func.set_config("synchronous_commit", "off", literal(value=True)), func.pg_notify(CHANNEL, "")
)
"""A transaction of its own, which does not wait for the disk."""


class PostgresWriter(SqlWriter):
    """Reads and writes as everywhere, but for the order of all runs' events, and a lock before a look.

    `has_told` says whether events were appended.
    """

    has_told = False

    async def append_events(
        self, run_id: int, first_sequence: int, events: Sequence[NewEvent], now: datetime
    ) -> None:
        """Add events under consecutive numbers, and note that others may wait for them."""
        await super().append_events(run_id, first_sequence, events, now)
        self.has_told = self.has_told or bool(events)

    async def notify(self) -> None:
        """Let the processes that listen know that there are events."""
        await self._connection.execute(NOTIFY)

    async def begin_rerun(
        self, run_id: int, *, expected_version: int | None, events: int, now: datetime
    ) -> Run | None:
        """Count a partial rerun as everywhere; a statement that had to wait looks at tasks as they were."""
        await self._connection.execute(LOCK_RUN, {"run_id": run_id})
        return await super().begin_rerun(run_id, expected_version=expected_version, events=events, now=now)

    async def events_after(
        self, after: int, *, run_id: int | None, kind: str | None, limit: int, until: int | None = None
    ) -> list[Event]:
        """Events after another one, in the order of their transactions, up to `until`."""
        if run_id is not None:
            return await super().events_after(after, run_id=run_id, kind=kind, limit=limit, until=until)
        statement = events_of_all_runs(of_kind=kind is not None, bounded=until is not None)
        parameters = {"after": after, "limit": limit, "of_kind": kind, "until": until}
        return [event_from_row(row) for row in (await self._connection.execute(statement, parameters)).all()]

    async def events_window(self, after: int, size: int) -> int:
        """The last of the next so many events; `after` itself where none follows."""
        result = await self._connection.execute(WINDOW_END, {"after": after, "size": size})
        return result.scalar() or after
