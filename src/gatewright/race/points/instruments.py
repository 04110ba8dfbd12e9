"""Everything that is instrumented in one process, for one scheduler."""

from gatewright.race.points.async_sqlite import aiosqlite_replacements
from gatewright.race.points.asyncio_primitives import asyncio_replacements
from gatewright.race.points.files import file_replacements
from gatewright.race.points.locks import lock_replacements
from gatewright.race.points.outbound import outbound_replacements
from gatewright.race.points.substitution import Substitution
from gatewright.race.points.workers import worker_replacements

__all__ = ["instruments"]


def instruments() -> Substitution:
    """Stand-ins for locks, threads, files, queues and outbound requests; they act under a scheduler only."""
    return Substitution(
        [
            *lock_replacements(),
            *worker_replacements(),
            *asyncio_replacements(),
            *aiosqlite_replacements(),
            *outbound_replacements(),
            *file_replacements(),
        ]
    )
