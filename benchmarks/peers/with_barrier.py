"""A barrier: two threads released at once, again and again, each with a loop and a client of its own."""

import asyncio
import tempfile
import threading
from functools import partial
from pathlib import Path

import app
import httpx
from measure import SECONDS, asked, clock, tell


class Crowd:
    """Two threads that do something each time when both and the main thread have come to the barrier."""

    def __init__(self, race):
        self.path = Path(tempfile.mkdtemp(prefix="race-peers-")) / "app.db"
        self.race = race
        self.over = False
        self.gate = threading.Barrier(3)
        self.put_back()
        targets = [
            partial(self.work, partial(self.take, name)) for name in ("alice", "bob")
        ] if race == "lock" else [partial(self.ask, endpoint) for endpoint in app.REQUESTS[race]]  # fmt: skip
        self.threads = [threading.Thread(target=target) for target in targets]

    def put_back(self):
        self.till = app.Till()
        app.reset(self.path)

    def is_harmed(self):
        return app.is_harmed(self.race, self.till if self.race == "lock" else self.path)

    def take(self, name):
        self.till.take(name)

    def work(self, once):
        self.gate.wait()
        while not self.over:
            once()
            self.gate.wait()
            self.gate.wait()

    def ask(self, endpoint):
        transport = httpx.ASGITransport(app.create_app(self.path))
        with asyncio.Runner() as runner:
            client = httpx.AsyncClient(transport=transport, base_url="http://peers")
            self.work(lambda: runner.run(client.post(endpoint)))


def main(race, search):
    """Imports and starting the threads don't count."""
    crowd = Crowd(race)
    for thread in crowd.threads:
        thread.start()
    crowd.gate.wait()
    rounds, found = 0, False
    with clock() as seconds:
        while not crowd.over:
            crowd.gate.wait()
            rounds += 1
            found |= crowd.is_harmed()
            crowd.put_back()
            crowd.over = (found and search) or seconds() > SECONDS
            crowd.gate.wait()
        tell(found=found, schedules=rounds, seconds=seconds())
    for thread in crowd.threads:
        thread.join()


if __name__ == "__main__":
    main(*asked())
