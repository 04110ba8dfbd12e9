"""gatewright: an open loop at the rate; without one, runs that never wait, which saturate it."""

import time
from itertools import repeat

from block import Meter, asked

from gatewright.load import (
    Call,
    HttpClient,
    LogHistogram,
    OpenLoop,
    Origin,
    Outcome,
    RequestTemplate,
    poisson_arrivals,
    run_on_fast_loop,
)


class Requests:
    """A run is one request; or as many as are answered until an end."""

    steps = ("get",)

    def __init__(self, origin, end=0.0):
        self.request = RequestTemplate("GET", "/", origin).fill()
        self.end = end

    def run(self):
        call = Call(0, self.request)
        (yield call).expect(200)
        while time.monotonic() < self.end:
            (yield call).expect(200)


async def main(block):
    origin = Origin.parse(block.url)
    client = HttpClient(origin)
    await client.warm(block.workers)
    meter = Meter()
    if block.rate:
        journey = Requests(origin)
        arrivals = poisson_arrivals(block.rate, block.seconds, seed=block.seed)
    else:
        journey = Requests(origin, meter.begin + block.seconds)
        arrivals = repeat(0.0, block.workers)
    loop = OpenLoop(client, journey, arrivals, deadline_s=block.seconds + 60)
    recording = await loop.run(lambda _recording, _now: False)
    if block.rate:
        histogram = LogHistogram(recording.latencies(0, len(recording)))
        meter.begin = recording.started
    else:
        histogram = LogHistogram(recording.services[0])
    meter.tell(
        requests=len(recording.services[0]),
        failed=len(recording) - recording.count(Outcome.SUCCEEDED, 0, len(recording)),
        p95_s=histogram.percentile(0.95),
        p99_s=histogram.percentile(0.99),
    )
    client.close()


if __name__ == "__main__":
    run_on_fast_loop(main(asked()))
