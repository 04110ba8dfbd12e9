"""Heartbeats: they keep the leases of what a runner holds, and bring cancels that never arrived."""

import asyncio
import logging
import time
from collections.abc import Callable

from multyagents_api.runner.attempts import Attempts, Held, Why
from multyagents_api.runner.reporting import Answer, ApiClient, Unheard

__all__ = ["Heartbeats"]

FIRST_INTERVAL_S = 1.0
INTERVAL_WITHOUT_LEASES_S = 5.0
BEATS_IN_A_LEASE = 3
LONGEST_BEAT_S = 10.0

_log = logging.getLogger(__name__)


class Heartbeats:
    """Says of each attempt held, three times in a lease, that it is still there.

    An attempt in a shared workspace whose lease is over without a word from the API is given up unreported:
    another attempt may have got its paths. Any other goes on, and learns with its report whether it counts.
    """

    def __init__(self, api: ApiClient, attempts: Attempts, now: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._attempts = attempts
        self._now = now
        self._lease_s: float | None = None
        self.interval_s = FIRST_INTERVAL_S

    async def go_on(self) -> None:
        """Beat until canceled."""
        while True:
            await asyncio.sleep(self.interval_s)
            await self.beat_all()

    async def beat_all(self) -> None:
        """One heartbeat for each attempt held."""
        await asyncio.gather(*(self._beat(held) for held in self._attempts.held))

    async def _beat(self, held: Held) -> None:
        sent_at = self._now()
        path = f"/runner/tasks/{held.work.task_id}/heartbeat"
        try:
            async with asyncio.timeout(max(FIRST_INTERVAL_S, min(self.interval_s, LONGEST_BEAT_S))):
                answer = await self._api.post(path, {"attempt": held.work.attempt})
        except (Unheard, TimeoutError):
            self._give_up_what_others_may_have(held)
            return
        if answer.accepted:
            held.heard_at = sent_at
            self._learn(held, answer)
        else:
            _log.warning("%s: %s", held.work.name, answer.detail)
            held.end(Why.LOST)

    def _learn(self, held: Held, answer: Answer) -> None:
        lease_s = answer.body.get("lease_s")
        self._lease_s = lease_s if isinstance(lease_s, int | float) and lease_s > 0 else None
        in_a_lease = None if self._lease_s is None else self._lease_s / BEATS_IN_A_LEASE
        self.interval_s = in_a_lease or INTERVAL_WITHOUT_LEASES_S
        if answer.body.get("cancel_requested") is True:
            held.end(Why.CANCELED)

    def _give_up_what_others_may_have(self, held: Held) -> None:
        is_over = self._lease_s is not None and self._now() - held.heard_at >= self._lease_s
        if is_over and held.work.workspace.mode == "shared-workspace":
            _log.warning("%s: the API was not heard for the time of a lease", held.work.name)
            held.end(Why.LOST)
