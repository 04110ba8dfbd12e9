"""A server whose event loop stalls, and which logs when: what clients tell can be checked against the truth.

Usage: PYTHONPATH=src python benchmarks/stalling_server.py --port-file FILE [--stall-log FILE] ...

Service times are lognormal; every 2.5 to 3.5 s nothing is read or written for 200 ms. With `--median-ms 0`
and `--stall-ms 0` all requests are answered at once, so that the client is what is measured. It ends by
itself after `--longest-s` seconds.
"""

import argparse
import asyncio
import math
import random
import sys
import time
from pathlib import Path

import httptools

from gatewright.load import run_on_fast_loop

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n" + b'{"ok":true}'
SIGMA = 0.4
"""Standard deviation of the logarithm of the service time."""
STALL_GAPS_S = (2.5, 3.5)
"""From one stall's beginning to the next one's."""


class Answering(asyncio.Protocol):
    """A connection: each request is answered after its service time."""

    def __init__(self, loop, service_times):
        self.loop = loop
        self.service_times = service_times
        self.parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.parser.feed_data(data)

    def on_message_complete(self):
        if self.service_times is None:
            self.answer()
        else:
            self.loop.call_later(next(self.service_times), self.answer)

    def answer(self):
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


def lognormal(median_s, seed):
    """Service times in seconds, without end."""
    draws = random.Random(seed)
    while True:
        yield median_s * math.exp(SIGMA * draws.gauss(0, 1))


async def stall(stall_s, seed, log):
    """Stop the loop for so long, again and again; write down the beginning and end of each stall."""
    gaps = random.Random(seed)
    while True:
        await asyncio.sleep(gaps.uniform(*STALL_GAPS_S) - stall_s)
        began = time.monotonic()
        time.sleep(stall_s)  # noqa: ASYNC251 - which is the point
        print(began, time.monotonic(), file=log, flush=True)


async def serve(options, log):
    """Serve for as long as allowed."""
    loop = asyncio.get_running_loop()
    times = lognormal(options.median_ms / 1e3, options.seed) if options.median_ms else None
    server = await loop.create_server(lambda: Answering(loop, times), "127.0.0.1", 0, backlog=2048)
    options.port_file.write_text(f"{server.sockets[0].getsockname()[1]}\n")
    staller = (
        asyncio.create_task(stall(options.stall_ms / 1e3, options.seed + 1, log))
        if options.stall_ms
        else None
    )
    await asyncio.sleep(options.longest_s)
    if staller is not None:
        staller.cancel()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port-file", type=Path, required=True, help="write the port here once it listens")
    parser.add_argument(
        "--stall-log", type=Path, help="write the stalls here, on the monotonic clock, in seconds"
    )
    parser.add_argument("--median-ms", type=float, default=10.0, help="of the service time")
    parser.add_argument("--stall-ms", type=float, default=200.0, help="length of a stall")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest-s", type=float, default=3600.0, help="end after so many seconds")
    options = parser.parse_args()
    if options.stall_log is None:
        run_on_fast_loop(serve(options, sys.stdout))
    else:
        with options.stall_log.open("w", encoding="ascii") as log:
            run_on_fast_loop(serve(options, log))


if __name__ == "__main__":
    main()
