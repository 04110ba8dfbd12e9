"""Whether the service can serve, and which of what it depends on is missing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from multyagents_api.observing.recent import Recent

__all__ = ["Check", "DependencyState", "Health", "HealthStatus", "State"]

Check: TypeAlias = Callable[[], Awaitable[str | None]]
"""Tells in words what is wrong, or None; it may also raise `OSError` with such words."""

BUDGET_S = 1.0
"""Whoever asks whether we can serve won't wait long."""


class State(StrEnum):
    """Whether a dependency is there."""

    OK = "ok"
    DOWN = "down"


class HealthStatus(StrEnum):
    """Whether requests are welcome: all of them, all of them though work has to wait, or none."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class DependencyState:
    """How a dependency is; `detail` tells what is wrong."""

    status: State = State.OK
    detail: str | None = None


class Health:
    """The use case of load balancers and of people who wonder.

    Without the database nothing can be answered. Without the runner, everything is: dispatches are recorded,
    and delivered once it is back.
    """

    def __init__(self, database: Check, runner: Check) -> None:
        self._checks = {"database": Recent(database), "runner": Recent(runner)}

    async def look(self) -> tuple[HealthStatus, Mapping[str, DependencyState]]:
        """How the dependencies are, within the budget; a look is good for a second."""
        found = await asyncio.gather(*map(self._state, self._checks.values()))
        states = dict(zip(self._checks, found, strict=True))
        if states["database"].status is State.DOWN:
            return HealthStatus.DOWN, states
        degraded = states["runner"].status is State.DOWN
        return HealthStatus.DEGRADED if degraded else HealthStatus.OK, states

    async def _state(self, check: Recent[str | None]) -> DependencyState:
        try:
            wrong = await check.get(budget_s=BUDGET_S)
        except TimeoutError:
            wrong = f"no answer within {BUDGET_S:g} s"
        except Exception as error:  # noqa: BLE001 - a check that fails in whatever way shows nothing good
            wrong = str(error) if isinstance(error, OSError) else f"the check failed ({type(error).__name__})"
        return DependencyState() if wrong is None else DependencyState(State.DOWN, wrong)
