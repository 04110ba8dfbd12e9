"""Are leaks found: a small asyncio server that leaks so many bytes a run, soaked over real connections.

Usage: PYTHONPATH=src python benchmarks/slo_soak_leaks.py [--seconds 45] [--repeats 20]
       [--leaks 0,100,400,1600] [--rate 500] [--limit 50]

Each leak is soaked once, then a leak-free server `--repeats` times: an alarm among those is a false one.
"""

import argparse
import asyncio
import json
import multiprocessing
import time
from collections import OrderedDict
from statistics import median

import httptools
import uvloop

from gatewright.core.verdict import Verdict
from gatewright.load import (
    FILES,
    RSS,
    THREADS,
    Call,
    HttpClient,
    OpenLoop,
    Origin,
    RequestTemplate,
    ResourceMeter,
    ResourceSeries,
    StepFailedError,
    poisson_arrivals,
    run_on_fast_loop,
)
from gatewright.slo import DriftLimit, DriftSeries, block_minima, judge_drifts

CACHED = 2_000
BLOCKS = 40
ROW = "{:>9} {:>7} {:>16} {:>12}  {}"


class Leaking(asyncio.Protocol):
    """Does what services do with memory: parses, keeps a bounded cache, makes cycles; and leaks."""

    def __init__(self, leak, cache, leaked):
        self.leak, self.cache, self.leaked = leak, cache, leaked

    def connection_made(self, transport):
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data):
        self.parser.feed_data(data)

    def on_url(self, url):
        self.url = url.decode()

    def on_message_complete(self):
        answer = {"url": self.url, "steps": [{"number": number, "state": "done"} for number in range(20)]}
        cycle = [answer]
        cycle.append(cycle)  # garbage that only the collector finds
        self.cache[self.url] = body = json.dumps(answer).encode()
        if len(self.cache) > CACHED:
            self.cache.popitem(last=False)
        if self.leak:
            self.leaked.append(bytes(self.leak))
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


def serve(port, leak):
    """Serve until killed; tell the port."""
    cache, leaked = OrderedDict(), []

    async def listen():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Leaking(leak, cache, leaked), "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(listen())


class Ask:
    """A run of one request."""

    steps = ("get",)

    def __init__(self, origin):
        self.template = RequestTemplate("GET", "/runs/{}", origin)
        self.number = 0

    def run(self):
        self.number += 1
        if (yield Call(0, self.template.fill(self.number))).status != 200:
            raise StepFailedError("refused")


async def load(origin, rate, seconds, seed, observe):
    client = HttpClient(origin)
    await client.warm(8)
    try:
        return await OpenLoop(client, Ask(origin), poisson_arrivals(rate, seconds, seed=seed)).run(observe)
    finally:
        client.close()


def soak(leak, rate, seconds, seed):
    """The server's resources over a soak, and the median microseconds of a sample of them."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, leak), daemon=True)
    server.start()
    try:
        meter, series, costs = ResourceMeter(server.pid), ResourceSeries(), []
        origin = Origin("127.0.0.1", ours.recv())

        def observe(recording, _now):
            begun = time.perf_counter()
            series.add(len(recording), meter.read())
            costs.append(time.perf_counter() - begun)
            return False

        run_on_fast_loop(load(origin, rate, seconds, seed, observe))
        return series, median(costs) * 1e6
    finally:
        server.kill()
        server.join()


def judged(series, rate, limit):
    """What is found about memory, and whether anything else seems to leak."""
    limits = [
        DriftLimit(RSS, limit, granularity=256e3),
        DriftLimit(FILES, 0.001, granularity=3),
        DriftLimit(THREADS, 0.001, granularity=3),
    ]
    blocks = [
        DriftSeries(each, *block_minima(series[each.name].runs, series[each.name].values, BLOCKS))
        for each in limits
    ]
    memory, *others = judge_drifts(blocks, rate=rate)
    return memory, [drift.limit.name for drift in others if drift.verdict is not Verdict.PASS]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=45)
    parser.add_argument("--repeats", type=int, default=20, help="leak-free soaks after the table")
    parser.add_argument("--leaks", default="0,100,400,1600", help="bytes a run, with commas between them")
    parser.add_argument("--rate", type=float, default=500, help="runs per second")
    parser.add_argument("--limit", type=float, default=50, help="bytes a run that are allowed")
    arguments = parser.parse_args()
    leaks = [int(leak) for leak in arguments.leaks.split(",") if leak] + [0] * arguments.repeats
    alarms, costs = 0, []
    print(f"{arguments.seconds:g} s at {arguments.rate:g} runs/s, {arguments.limit:g} B a run allowed")
    print(ROW.format("leaked, B", "slope", "bounds", "verdict", "other series in doubt"))
    for seed, leak in enumerate(leaks):
        series, cost = soak(leak, arguments.rate, arguments.seconds, seed)
        memory, doubtful = judged(series, arguments.rate, arguments.limit)
        costs.append(cost)
        alarms += not leak and memory.verdict is Verdict.FAIL
        bounds = f"{memory.lower:.0f} .. {memory.upper:.0f}"
        row = ROW.format(leak, f"{memory.slope:.0f}", bounds, memory.verdict.value, ", ".join(doubtful))
        print(row, memory.missing, flush=True)
    print(f"false alarms: {alarms} of {leaks.count(0)} leak-free soaks")
    print(f"a sample of one process with {series[THREADS].values[-1]:.0f} threads: {median(costs):.0f} us")


if __name__ == "__main__":
    main()
