"""Path locks: which paths active attempts have to themselves.

A path is kept with a slash at its end, so that it lies inside another one exactly where it begins with it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, exists, func, insert, not_, or_, select

from multyagents_api.storage.tables import lock_table, path_locks

if TYPE_CHECKING:
    from multyagents_api.storage.reads import Connection

__all__ = ["PathLockReads", "PathLockWrites"]

_others = path_locks.alias("others")
_path = bindparam("the_path", type_=path_locks.c.path.type)
OVERLAPS = exists(
    select(1).where(
        _others.c.task_id != bindparam("the_task"),
        or_(
            func.substr(_others.c.path, 1, func.length(_path)) == _path,
            func.substr(_path, 1, func.length(_others.c.path)) == _others.c.path,
        ),
    )
)
IS_LOCKED = select(OVERLAPS)
LOCK_OUT_OTHERS = select(lock_table.c.id).with_for_update()
TAKE_PATH = insert(path_locks).from_select(
    ["task_id", "position", "path", "attempt"],
    select(
        bindparam("the_task", type_=path_locks.c.task_id.type),
        bindparam("the_position", type_=path_locks.c.position.type),
        _path,
        bindparam("the_attempt", type_=path_locks.c.attempt.type),
    ).where(not_(OVERLAPS)),
)
RELEASE_PATHS = (
    delete(path_locks)
    .where(path_locks.c.task_id == bindparam("the_task"), path_locks.c.attempt == bindparam("the_attempt"))
    .returning(path_locks.c.path)
)


def _kept(path: str) -> str:
    return f"{path.rstrip('/')}/"


class PathLockReads:
    """Reads of who has which path."""

    _connection: "Connection"

    async def paths_are_free(self, task_id: int, paths: Sequence[str]) -> bool:
        """Whether no other task has any of the paths, nor a path inside of them or around them."""
        for path in paths:
            parameters = {"the_task": task_id, "the_path": _kept(path)}
            if (await self._connection.execute(IS_LOCKED, parameters)).scalar():
                return False
        return True


class PathLockWrites:
    """Taking paths and giving them back."""

    _connection: "Connection"

    async def take_paths(self, task_id: int, attempt: int, paths: Sequence[str]) -> bool:
        """Let an attempt have all the paths to itself, or none; one transaction at a time gets here.

        This is where two attempts in one place are refused.
        """
        await self._connection.execute(LOCK_OUT_OTHERS)
        for position, path in enumerate(paths):
            parameters = {
                "the_task": task_id,
                "the_position": position,
                "the_path": _kept(path),
                "the_attempt": attempt,
            }
            if (await self._connection.execute(TAKE_PATH, parameters)).rowcount != 1:
                await self.release_paths(task_id, attempt)
                return False
        return True

    async def release_paths(self, task_id: int, attempt: int) -> list[str]:
        """Give back what an attempt had to itself; tells what that was."""
        parameters = {"the_task": task_id, "the_attempt": attempt}
        rows = (await self._connection.execute(RELEASE_PATHS, parameters)).all()
        return sorted(row.path.rstrip("/") or "/" for row in rows)
