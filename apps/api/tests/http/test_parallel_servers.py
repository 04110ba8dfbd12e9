"""Two servers on one database, and hundreds of clients who all want the same task to be dispatched."""

import http.client
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest

pytestmark = pytest.mark.end_to_end

CLIENTS = 200


@pytest.mark.parametrize(
    ("database", "durability"),
    [("sqlite", "process"), ("sqlite", "power"), ("postgresql", "process")],
    indirect=["database"],
)
def test_one_of_hundreds_dispatches_a_task(served, database, durability):
    """One attempt, told once and acknowledged once; the others are told that there is nothing to do, or no longer."""
    durable = {"MULTYAGENTS_DURABILITY": durability}
    with served(database, **durable) as first, served(database, **durable) as second:
        run = first.start_run({"step_id": "a"})
        [task_id] = run["task_ids"]
        paths = [f"/workflow-runs/{run['id']}/dispatch-ready", f"/tasks/{task_id}/dispatch"]
        together = Barrier(CLIENTS)

        def dispatch(number):
            server = (first, second)[number % 2]
            with closing(server.connect()) as client:
                client.connect()
                together.wait()
                return post(client, paths[number // 2 % 2])

        with ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(clients.map(dispatch, range(CLIENTS)))
        events = second.call("GET", f"/events?run_id={run['id']}&limit=500")["items"]
        stands = second.call("GET", f"/workflow-runs/{run['id']}")

    assert Counter(status for status, _ in answers).keys() <= {200, 409}, answers
    acknowledged = [answer for status, answer in answers if status == 200 and answer["dispatched"]]
    assert [(answer["task_id"], answer["attempt"]) for answer in acknowledged] == [(task_id, 1)]
    reasons = {answer["reason"] for status, answer in answers if status == 200} - {None}
    assert reasons == {"no ready tasks"}
    assert {answer["code"] for status, answer in answers if status == 409} <= {
        "illegal_transition",
        "conflict",
    }
    assert Counter(event["type"] for event in events)["task.dispatched"] == 1
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert (stands["tasks"][0]["status"], stands["tasks"][0]["attempt"]) == ("queued", 1)


def post(client: http.client.HTTPConnection, path: str) -> tuple[int, dict]:
    """The status and the body of the answer."""
    client.request("POST", path)
    response = client.getresponse()
    return response.status, json.loads(response.read())
