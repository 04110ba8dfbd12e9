"""What every client is asked for and what it tells: one block of load, and one line of JSON."""

import json
import math
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """A block of load.

    Attributes:
        url: of the server, without a slash at the end.
        workers: who wait for their answers, or connections to begin with.
        rate: requests a second; 0 for as many as are answered.
        seconds: how long.
        seed: of whatever chance there is.
    """

    url: str
    workers: int
    rate: float
    seconds: float
    seed: int


def asked():
    """The block that the command line asks for."""
    url, workers, rate, seconds, seed = sys.argv[1:]
    return Block(url, int(workers), float(rate), float(seconds), int(seed))


class Meter:
    """Processor time and time since the connections are open."""

    def __init__(self):
        self.begin = time.monotonic()
        self.cpu = time.process_time()

    def tell(self, *, requests, failed, p95_s, p99_s, **more):
        """The result; what it took to know the percentiles counts."""
        end, cpu_s = time.monotonic(), time.process_time() - self.cpu
        result = {"begin": self.begin, "end": end, "requests": requests, "failed": failed, "cpu_s": cpu_s}
        print(json.dumps(result | {"p95_s": p95_s, "p99_s": p99_s} | more))


def percentile(values, share):
    """The value that this share does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
