"""CPU per request of the load client, recording included: paced by an open loop, and saturated.

Usage: python benchmarks/slo_client_cpu.py [RUNS_PER_S ...]   (four requests a run; about 4 s a figure)
"""

import asyncio
import multiprocessing
import sys
import time
from pathlib import Path

import httptools
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from gatewright.load import (
    Call,
    HttpClient,
    LogHistogram,
    OpenLoop,
    Origin,
    RequestTemplate,
    StepFailedError,
    poisson_arrivals,
    run_on_fast_loop,
)

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n" + b'{"ok":true}'
SECONDS = 4
SATURATED_REQUESTS = 5_000


class Answerer(asyncio.Protocol):
    """Answers every request at once, so that the client is what is measured."""

    def connection_made(self, transport):
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data):
        self.parser.feed_data(data)

    def on_message_complete(self):
        self.transport.write(ANSWER)


def serve(port):
    """Serve until killed; tell the port."""

    async def main():
        server = await asyncio.get_running_loop().create_server(Answerer, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())


class Requests:
    """A run of so many requests after each other."""

    steps = ("get",)

    def __init__(self, origin, count):
        self.count = count
        self.template = RequestTemplate("GET", "/runs/{}", origin)

    def run(self):
        for number in range(self.count):
            if (yield Call(0, self.template.fill(number))).status != 200:
                raise StepFailedError("refused")


async def measure(origin, arrivals, requests):
    """Requests per second, CPU microseconds per request, p99 of a run in ms."""
    client = HttpClient(origin)
    await client.warm(32)
    cpu, wall = time.process_time(), time.monotonic()
    loop = OpenLoop(client, Requests(origin, requests), arrivals, deadline_s=60)
    recording = await loop.run(lambda _recording, _now: False)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    client.close()
    answered = len(recording.services[0])
    p99 = LogHistogram(recording.latencies(0, len(recording))).percentile(0.99)
    return answered / wall, cpu / answered * 1e6, p99 * 1e3


def words(rate, cpu_us, p99_ms):
    return f"{rate:.0f} requests/s, {cpu_us:.1f} us of CPU per request, p99 of a run {p99_ms:.1f} ms"


def main(rates):
    """Measure each rate, then saturation by 32 runs that never wait."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    origin = Origin("127.0.0.1", ours.recv())
    try:
        for rate in rates:
            figures = run_on_fast_loop(measure(origin, poisson_arrivals(rate, SECONDS, seed=1), 4))
            print(f"open loop, {rate:g} runs/s:", words(*figures))
        figures = run_on_fast_loop(measure(origin, iter([0.0] * 32), SATURATED_REQUESTS))
        print("saturated by 32 users:", words(*figures))
    finally:
        server.kill()


if __name__ == "__main__":
    main([float(rate) for rate in sys.argv[1:]] or [250, 1000, 2500])
