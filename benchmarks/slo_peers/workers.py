"""The loop that most load scripts are: so many workers, each sends when its last request was answered."""

import asyncio
import time
from array import array

from block import Meter, percentile


async def work(block, send):
    """Measure a block; `send` makes one request, reads its answer whole, and returns the status.

    With a rate each worker also waits for its turn, and goes at once when it is behind.
    """
    await asyncio.gather(*(send() for _ in range(block.workers)))  # opens the connections
    latencies, failures = array("d"), 0
    meter = Meter()
    gap = block.workers / block.rate if block.rate else 0.0

    async def worker(number):
        nonlocal failures
        due = meter.begin + gap * number / block.workers
        while (sent := time.monotonic()) < meter.begin + block.seconds:
            if sent < due:
                await asyncio.sleep(due - sent)
                sent = time.monotonic()
            failures += await send() != 200
            latencies.append(time.monotonic() - sent)
            due += gap

    await asyncio.gather(*(worker(number) for number in range(block.workers)))
    meter.tell(
        requests=len(latencies),
        failed=failures,
        p95_s=percentile(latencies, 0.95),
        p99_s=percentile(latencies, 0.99),
    )
