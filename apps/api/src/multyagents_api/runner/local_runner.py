"""A local runner: workers over one queue, heartbeats beside them, and an orderly end."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Mapping

from multyagents_api.runner.attempts import Attempts, Held, Why
from multyagents_api.runner.heartbeats import Heartbeats
from multyagents_api.runner.local_settings import LocalSettings
from multyagents_api.runner.reporting import ApiClient
from multyagents_api.runner.work import Worker

__all__ = ["working"]

LAST_REPORTS_S = 5.0
"""How long the ends of attempts may take to be told while the runner stops."""

_log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def working(
    settings: LocalSettings, attempts: Attempts, api: ApiClient, own: Mapping[str, str]
) -> AsyncIterator[None]:
    """Do what is taken on while the block lasts; afterwards nothing is held and nothing is executed."""
    worker = Worker(settings, api, attempts, own)
    going_on = [worker.go_on() for _ in range(settings.slots)]
    tasks = [asyncio.create_task(work) for work in (Heartbeats(api, attempts).go_on(), *going_on)]
    try:
        yield
        await _drain(worker)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for held in attempts.held:
            _log.warning("%s was left unreported", held.work.name)


async def _drain(worker: Worker) -> None:
    """Take nothing on, hand back what waits, give what runs a grace, then end it; report all of it."""
    attempts, grace_s = worker.attempts, worker.settings.grace_s
    attempts.stopping = True
    waiting = _all_of(attempts.queue)
    for held in waiting:
        held.end(Why.RUNNER_STOPPING)
    handing_back = asyncio.gather(*(worker.do(held) for held in waiting))
    await _none_held(attempts, grace_s)
    for held in attempts.held:
        held.end(Why.RUNNER_STOPPING)
    await _none_held(attempts, grace_s + LAST_REPORTS_S)
    handing_back.cancel()


def _all_of(queue: asyncio.Queue[Held]) -> Iterable[Held]:
    return [queue.get_nowait() for _ in range(queue.qsize())]


async def _none_held(attempts: Attempts, at_most_s: float) -> None:
    """Wait until nothing is held, but not for ever."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(attempts.none_held.wait(), at_most_s)
