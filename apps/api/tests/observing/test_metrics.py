"""What Prometheus scrapes: counted by what is known beforehand, never by what clients make up."""

import asyncio
import math
import re
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from multyagents_api.bootstrap import AuthKind, Settings, create_app
from multyagents_api.domain.errors import StoreBusy, StoreUnreachable
from multyagents_api.observing.metrics import DISPATCHES, REPORTS, Metrics
from multyagents_api.service.dispatching import NotDispatched
from multyagents_api.service.runners import SubmissionResult, SubmissionState
from multyagents_api.service.runs import Runs
from multyagents_api.storage.observed import ObservedStorage

pytestmark = pytest.mark.anyio

GUIDE = Path(__file__).parents[4] / "docs" / "guide-observability.md"


class Scrape:
    """What one look at `/metrics` found."""

    def __init__(self, text: str) -> None:
        self.families = list(text_string_to_metric_families(text))
        self.samples = [sample for family in self.families for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples that carry these labels at least."""
        found = [s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items()]
        return sum(found)

    def labels(self, name: str, label: str) -> set[str]:
        return {sample.labels[label] for sample in self.samples if sample.name == name}


async def scrape(api) -> Scrape:
    response = await api.http.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Scrape(response.text)


REQUESTS = "multyagents_http_requests_total"
DURATIONS = "multyagents_http_request_duration_seconds_count"


async def test_requests_are_counted_by_their_route(api):
    """Not by the path: each id would be a series of its own."""
    for number in range(3):
        await api.get(f"/roles/{number}", status=404)
    await api.post("/roles", {"name": "dev"})
    found = await scrape(api)
    role = {"method": "GET", "route": "/roles/{role_id}"}
    assert found.value(REQUESTS, **role, status="404") == found.value(DURATIONS, **role) == 3
    assert found.value(REQUESTS, method="POST", route="/roles", status="201") == 1


async def test_what_clients_make_up_makes_no_series(api):
    """Unknown paths, methods and statuses end in one place each, however many there are."""
    before = await scrape(api)
    for number in range(50):
        await api.http.get(f"/made-up/{number}")
        await api.http.request(f"MADEUP{number}", "/roles")
        await api.http.get("/roles", headers={"x-request-id": f"made-up-{number}"})
    after = await scrape(api)
    assert "made" not in str(after.samples).lower()
    assert after.value(REQUESTS, route="none", status="404") == 50
    assert after.value(REQUESTS, method="other", route="/roles", status="405") == 50
    assert len(after.samples) - len(before.samples) < 80


async def test_the_routes_of_the_app_are_all_there_are(api):
    """Whatever is asked, the label is a template of a route."""
    paths = (await api.get("/openapi.json"))["paths"]
    for path in paths:
        # A position that is none: a stream of events would have no end.
        await api.http.get(path.replace("{", "").replace("}", ""), params={"after": "x"})
    known = {*paths, "/openapi.json", "none"}
    assert (await scrape(api)).labels(REQUESTS, "route") <= known


async def test_refusals_are_counted_by_code(api):
    """As problems tell them."""
    await api.get("/roles/1", status=404)
    await api.get("/workflow-runs?limit=0", status=422)
    found = await scrape(api)
    codes = found.labels("multyagents_refusals_total", "code")
    assert codes == {"not_found", "invalid_request"}
    assert found.value("multyagents_refusals_total", code="not_found") == 1


async def test_defects_are_counted(api, monkeypatch):
    """Though what answers them stands outside of the app's routes."""

    async def fail(*_):
        raise RuntimeError

    monkeypatch.setattr(Runs, "get", fail)
    await api.get("/workflow-runs/1", status=500)
    found = await scrape(api)
    assert found.value(REQUESTS, route="/workflow-runs/{run_id}", status="500") == 1
    assert found.value("multyagents_refusals_total", code="internal_error") == 1


async def test_requests_under_way_are_told(api, monkeypatch):
    """The scrape itself is one of them."""
    inside, leave = asyncio.Event(), asyncio.Event()

    async def wait(*_):
        inside.set()
        await leave.wait()
        raise RuntimeError

    monkeypatch.setattr(Runs, "get", wait)
    waiting = asyncio.create_task(api.get("/workflow-runs/1", status=500))
    await inside.wait()
    assert (await scrape(api)).value("multyagents_http_requests_in_flight") == 2
    leave.set()
    await waiting
    assert (await scrape(api)).value("multyagents_http_requests_in_flight") == 1


async def test_dispatches_and_callbacks_are_counted(api, runner):
    """By what came of them."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b", "depends_on": ["a"]})
    dispatched = await api.dispatch(run["id"])
    await api.dispatch(run["id"])
    await api.report(dispatched["task_id"], 1, "running")
    await api.report(dispatched["task_id"], 1, "success")
    await api.report(dispatched["task_id"], 1, "failed", expect=409)
    runner.accepts = False
    await api.dispatch(run["id"])
    found = await scrape(api)
    outcomes = {name: found.value("multyagents_dispatches_total", outcome=name) for name in DISPATCHES}
    assert {name: value for name, value in outcomes.items() if value} == {
        "queued": 1,
        "submit-failed": 1,
        "dependencies-not-satisfied": 1,
    }
    reported = {status: found.value("multyagents_callbacks_total", status=status) for status in REPORTS}
    assert reported == {"queued": 0, "running": 1, "success": 1, "failed": 0, "canceled": 0}
    asked = "multyagents_runner_request_duration_seconds_count"
    assert found.value(asked, operation="submit", outcome="accepted") == 1
    assert found.value(asked, operation="submit", outcome="refused") == 1
    assert found.value("multyagents_store_transaction_duration_seconds_count") > 5


def test_every_outcome_has_its_series_from_the_start():
    """A rate over a series that is not there yet would miss the first of them."""
    words = [*SubmissionState, *NotDispatched]
    assert {word.replace(" ", "-") for word in words} == set(DISPATCHES)


async def test_the_outbox_is_told(api, runner, lines):
    """How many dispatches wait, and how long; the log says once that the runner is gone, and that it is back."""

    async def submit(_submission):
        if runner.accepts:
            return SubmissionResult(accepted=True)
        raise ConnectionError("gone")

    runner.accepts, runner.submit = False, submit
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"}, {"step_id": "c"})
    assert [(await api.dispatch(run["id"]))["reason"] for _ in range(2)] == [None, None]
    found = await scrape(api)
    assert found.value("multyagents_outbox_pending") == 2
    assert found.value("multyagents_outbox_oldest_age_seconds") > 0
    asked = "multyagents_runner_request_duration_seconds_count"
    assert found.value(asked, operation="submit", outcome="unreachable") == 2
    assert found.value("multyagents_dispatches_total", outcome="pending") == 2
    runner.accepts = True
    await api.dispatch(run["id"])
    lost, back = [line for line in lines() if line["level"] == "warning"]
    assert lost["message"] == "the runner is out of reach; dispatches wait (gone)"
    assert (lost["run_id"], lost["task_id"], lost["attempt"]) == (run["id"], run["task_ids"][0], 1)
    assert back["message"] == "the runner answers again"


async def test_an_empty_outbox_is_told_as_well(api):
    """An age of nothing is 0."""
    found = await scrape(api)
    pending, age = "multyagents_outbox_pending", "multyagents_outbox_oldest_age_seconds"
    assert (found.value(pending), found.value(age)) == (0, 0)


async def test_a_scrape_goes_on_without_the_store(api, monkeypatch):
    """What only the store knows is not a number then; an old number would look fine."""

    async def fail(_):
        raise StoreUnreachable

    monkeypatch.setattr("multyagents_api.storage.reads.SqlReader.pending_backlog", fail)
    found = await scrape(api)
    assert math.isnan(found.value("multyagents_outbox_pending"))
    assert found.value("multyagents_store_errors_total", kind="unreachable") == 1


@pytest.mark.parametrize(("failure", "kind"), [(StoreBusy, "busy"), (StoreUnreachable, "unreachable")])
@pytest.mark.parametrize("use", ["read", "write"])
@pytest.mark.parametrize("moment", ["begin", "within", "end"])
async def test_failures_of_the_store_are_counted_once(failure, kind, use, moment):
    """Whenever they come."""

    class Using:
        async def __aenter__(self):
            if moment == "begin":
                raise failure

        async def __aexit__(self, *_):
            if moment == "end":
                raise failure

    class Store:
        read = write = Using

    metrics = Metrics()

    async def use_it():
        async with getattr(ObservedStorage(Store(), metrics), use)():
            if moment == "within":
                raise failure

    with pytest.raises(failure):
        await use_it()
    found = Scrape(metrics.exposition().decode())
    assert found.value("multyagents_store_errors_total") == 1
    assert found.value("multyagents_store_errors_total", kind=kind) == 1


async def test_streams_and_leases_are_counted():
    """By whoever knows of them."""
    metrics = Metrics()
    metrics.lease_expired()
    with metrics.stream():
        found = Scrape(metrics.exposition().decode())
        assert found.value("multyagents_event_streams_open") == 1
    assert found.value("multyagents_leases_expired_total") == 1
    assert Scrape(metrics.exposition().decode()).value("multyagents_event_streams_open") == 0


async def test_apps_of_one_process_count_for_themselves(api, database):
    """Nothing is kept in the process."""
    await api.get("/roles/1", status=404)
    other = create_app(Settings(database, auth=AuthKind.OFF))
    transport = httpx.ASGITransport(other)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        found = Scrape((await client.get("/metrics")).text)
    await other.state.services.storage.aclose()
    assert found.value(REQUESTS) == 0


async def test_process_and_build_are_told(api):
    """With the version of the service."""
    found = await scrape(api)
    assert found.value("process_resident_memory_bytes") > 0
    version = (await api.get("/openapi.json"))["info"]["version"]
    assert found.value("multyagents_build_info", version=version) == 1


async def test_the_guide_lists_what_there_is(api):
    """Each metric, with its type and its labels."""
    run = await api.start_run({"step_id": "a"})
    answer = await api.dispatch(run["id"])
    await api.report(answer["task_id"], 1, "success")
    await api.get("/roles/7", status=404)
    served = {}
    for family in (await scrape(api)).families:
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        name = family.name + "_total" * (family.type == "counter")
        served[name] = (family.type, labels)
    rows = re.findall(
        r"^\| `((?:multyagents|process)_\w+)` \| (\w+) \|([^|]*)\|", GUIDE.read_text(), re.MULTILINE
    )
    told = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert told == served
