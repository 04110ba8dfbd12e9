"""CPU per request of the in-process lane, recording included, beside Starlette's TestClient.

Usage: python benchmarks/slo_asgi_lane.py   (needs fastapi and httpx; a few seconds)

Both call the same two applications in this process: a bare one that answers at once, and a FastAPI route.
They take turns; medians are told.
"""

import json
import sys
import time
import warnings
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from fastapi import FastAPI

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # TestClient warns of the httpx that it is given
    from starlette.testclient import TestClient

from gatewright.load import (
    Call,
    OpenLoop,
    Origin,
    Outcome,
    RequestTemplate,
    open_application,
    run_on_fast_loop,
)

ORIGIN = Origin("testserver", 80)
PATH = "/runs/1"
BODY = json.dumps({"id": 1}).encode()
TURNS = 5
OURS = 4_000
THEIRS = 400


async def bare(scope, receive, send):
    """Answers at once."""
    if scope["type"] == "lifespan":
        for order in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{order}.complete"})
        return
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": BODY})


framework = FastAPI()


@framework.get("/runs/{number}")
async def read_run(number: int) -> dict[str, int]:
    return {"id": number}


class Requests:
    """A run of so many requests after each other."""

    steps = ("get",)

    def __init__(self, count):
        self.count = count
        self.template = RequestTemplate("GET", PATH, ORIGIN)

    def run(self):
        for _ in range(self.count):
            (yield Call(0, self.template.fill())).expect(200)


async def ours(application):
    """Microseconds of CPU per request of one user over the lane."""
    async with open_application(application, origin=ORIGIN) as lane:
        loop = OpenLoop(lane, Requests(OURS), iter([0.0]), deadline_s=60)
        cpu = time.process_time()
        recording = await loop.run(lambda _recording, _now: False)
        cpu = time.process_time() - cpu
    assert recording.count(Outcome.SUCCEEDED, 0, 1) == 1
    return cpu / OURS * 1e6


def theirs(application):
    """Microseconds of CPU per request of TestClient."""
    with TestClient(application) as client:
        cpu = time.process_time()
        for _ in range(THEIRS):
            assert client.get(PATH).status_code == 200
        return (time.process_time() - cpu) / THEIRS * 1e6


def main():
    for name, application in (("bare application", bare), ("FastAPI route", framework)):
        turns = [(run_on_fast_loop(ours(application)), theirs(application)) for _ in range(TURNS)]
        lane, client = (median(figures) for figures in zip(*turns, strict=True))
        print(f"{name}: in-process lane {lane:.0f} us, TestClient {client:.0f} us of CPU a request")


if __name__ == "__main__":
    main()
