"""Deciding again when another process was faster: bounded, then an honest conflict."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from multyagents_api.domain.errors import Conflict
from multyagents_api.service.ports import Outdated

__all__ = ["MAX_DECISIONS", "decide_until_current"]

MAX_DECISIONS = 5
"""How often one request reads and decides before it gives up."""

T = TypeVar("T")


async def decide_until_current(kind: str, decide: Callable[[], Awaitable[T]]) -> T:
    """Run a read-decide-write cycle until its write meets the state that it decided upon.

    Raises:
        Conflict: the `kind` of thing kept changing under `MAX_DECISIONS` decisions.
    """
    for _ in range(MAX_DECISIONS):
        try:
            return await decide()
        except Outdated:
            continue
    raise Conflict(kind)
