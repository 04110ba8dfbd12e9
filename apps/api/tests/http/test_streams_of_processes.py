"""Event streams of served processes: whole across several of them, over kills, and at a stop."""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest

from multyagents_api.scenarios.event_source import EventSourceParser

pytestmark = pytest.mark.end_to_end

WRITERS = 3
RUNS = 12
EVENTS = 2 + 5 * WRITERS * RUNS
"""Of a run that is created, and of others whose only task is dispatched and queued as well."""


class Stream:
    """A client of an event stream."""

    def __init__(self, client, last_event_id: str) -> None:
        self._parser = EventSourceParser()
        client.request("GET", "/events/stream", headers={"Last-Event-ID": last_event_id})
        self._response = client.getresponse()
        assert self._response.status == 200

    def read(self) -> list:
        """What comes next: events, or none at the end of the stream or in a mere comment."""
        return self._parser.feed(self._response.read1(65_536))

    def rest(self) -> bytes:
        """All until the end, which must be one by the rules of HTTP."""
        return self._response.read()


@contextmanager
def streaming(server, last_event_id="0") -> Iterator[Stream]:
    with closing(server.connect()) as client:
        yield Stream(client, last_event_id)


@pytest.mark.postgresql
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_nothing_is_missed_or_doubled_over_processes_and_kills(served, database):
    """Writers go on at one process; a stream of another, killed in the midst, is resumed at the first."""
    with served(database) as first, served(database) as second, ThreadPoolExecutor(WRITERS) as writers:
        template = second.start_run({"step_id": "a"})["workflow_template_id"]

        def write(_number):
            with closing(second.connect()) as client:
                for _ in range(RUNS):
                    run = post(client, "/workflow-runs", {"workflow_template_id": template})
                    post(client, f"/workflow-runs/{run['id']}/dispatch-ready", {})

        writing = [writers.submit(write, number) for number in range(WRITERS)]
        seen = []
        with streaming(first) as stream:
            while len(seen) < RUNS:
                seen += stream.read()
            os.kill(first.process.pid, signal.SIGKILL)
        with streaming(second, seen[-1].id) as stream:
            while len(seen) < EVENTS:
                seen += stream.read()
        for writer in writing:
            writer.result()
        assert [json.loads(event.data) for event in seen] == pages(second)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_server_that_stops_ends_its_streams(served, database):
    """SIGTERM ends an open stream by the rules of HTTP, as a server that cut it off at last would not."""
    with served(database) as server, streaming(server) as stream:
        stream.read()
        server.process.send_signal(signal.SIGTERM)
        stream.rest()
        assert server.process.wait() == 0


def post(client, path: str, body: object) -> dict:
    client.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    response = client.getresponse()
    answer = json.loads(response.read())
    assert response.status < 300, answer
    return answer


def pages(server) -> list[dict]:
    """All events, page by page."""
    found, after = [], "0"
    while True:
        page = server.call("GET", f"/events?limit=500&after={after}")
        if not page["items"]:
            return found
        found += page["items"]
        after = page["next_after"]
