"""Traces: a span for each request, for what the runner is asked, and for each transaction."""

import logging

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from multyagents_api.bootstrap import AuthKind, Settings, create_app
from multyagents_api.domain.errors import StoreBusy
from multyagents_api.observing.spans import Tracing, exporting
from multyagents_api.observing.tracing import are_traces_wanted, open_tracing
from multyagents_api.observing.work import outgoing
from multyagents_api.service.runs import Runs

pytestmark = pytest.mark.anyio

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
async def traced(database, runner, spans, api):
    """A client of an app that is traced; `api` is another one, for what should leave no spans."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    settings = Settings(database, auth=AuthKind.OFF)
    app = create_app(settings, runner=runner, tracing=Tracing(provider))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client
    await app.state.services.resources.aclose()
    await app.state.services.storage.aclose()


def by_name(spans):
    return {span.name: span for span in spans.get_finished_spans()}


async def test_a_request_is_a_span_of_its_route(traced, spans):
    """Continuing the caller's trace, with what the conventions ask for, and without ids in its name."""
    await traced.get("/roles/7?token=hunter2", headers={"traceparent": PARENT})
    [span] = spans.get_finished_spans()
    assert (span.name, span.kind) == ("GET /roles/{role_id}", SpanKind.SERVER)
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "http.route": "/roles/{role_id}",
        "http.response.status_code": 404,
    }
    assert span.status.status_code is StatusCode.UNSET


async def test_what_fits_no_route_has_no_route(traced, spans):
    """Its name is its method: paths are without number."""
    await traced.get("/made/up")
    [span] = spans.get_finished_spans()
    assert span.name == "GET"
    assert "http.route" not in span.attributes


async def test_machines_that_look_are_not_traced(traced, spans):
    """They would be most of the spans."""
    for path in ("/healthz", "/readyz", "/metrics"):
        await traced.get(path)
    assert spans.get_finished_spans() == ()


async def test_a_dispatch_shows_its_transactions_and_the_runner(traced, spans, api, runner):
    """All in one trace; the runner is told of it by the span that asks."""
    told = []
    submit = runner.submit

    async def listen(submission):
        told.append(outgoing()["traceparent"])
        return await submit(submission)

    runner.submit = listen
    run = await api.start_run({"step_id": "a"})
    await traced.post(f"/workflow-runs/{run['id']}/dispatch-ready")
    found = by_name(spans)
    request = found["POST /workflow-runs/{run_id}/dispatch-ready"]
    submitted = found["runner submit"]
    assert {span.context.trace_id for span in spans.get_finished_spans()} == {request.context.trace_id}
    assert [span.name for span in spans.get_finished_spans()] == [
        "store transaction",
        "runner submit",
        "store transaction",
        request.name,
    ]
    assert submitted.parent.span_id == request.context.span_id
    assert submitted.kind is SpanKind.CLIENT
    assert dict(submitted.attributes) == {
        "multyagents.run_id": int(run["id"]),
        "multyagents.task_id": int(run["task_ids"][0]),
        "multyagents.attempt": 1,
        "multyagents.accepted": True,
    }
    [parent] = told
    assert parent.startswith(f"00-{request.context.trace_id:032x}-{submitted.context.span_id:016x}-")


async def test_a_runner_out_of_reach_is_a_failed_span(traced, spans, api, runner):
    """It tells by what type of error, and no message."""

    async def submit(_submission):
        raise ConnectionError("password=hunter2")

    runner.submit = submit
    run = await api.start_run({"step_id": "a"})
    await traced.post(f"/workflow-runs/{run['id']}/dispatch-ready")
    submitted = by_name(spans)["runner submit"]
    assert submitted.status.status_code is StatusCode.ERROR
    assert submitted.attributes["error.type"] == "ConnectionError"
    assert "hunter2" not in submitted.to_json()


async def test_a_defect_is_a_failed_span_and_named_in_the_log(traced, spans, lines, monkeypatch):
    """The log's line tells the trace that we began."""

    async def fail(*_):
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(Runs, "get", fail)
    await traced.get("/workflow-runs/1")
    [span] = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "RuntimeError"
    assert "hunter2" not in span.to_json()
    [line] = [line for line in lines() if line["level"] == "error"]
    assert line["trace_id"] == f"{span.context.trace_id:032x}"


async def test_a_transaction_tells_how_it_ended(traced, spans, monkeypatch):
    """Rolled back because of a refusal is no failure; a busy store is one."""
    await traced.post("/roles", json={"name": "dev"})
    await traced.post("/roles", json={"name": "dev"})

    def busy(*_):
        raise StoreBusy

    monkeypatch.setattr("multyagents_api.storage.sqlite.perform", busy)
    await traced.post("/roles", json={"name": "qa"})
    ended = [span for span in spans.get_finished_spans() if span.name == "store transaction"]
    told = [(span.attributes["multyagents.committed"], span.status.status_code) for span in ended]
    unset, error = StatusCode.UNSET, StatusCode.ERROR
    assert told == [(True, unset), (False, unset), (False, error)]


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "x"}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_the_standard_variables_ask_for_traces(environment, wanted):
    """Nothing else does."""
    assert are_traces_wanted(environment) is wanted
    assert Settings.from_environment(environment).traces is wanted


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER is 'zipkin'"),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "'grpc', but must be http/protobuf"),
        (ENDPOINT, "pip install 'multyagents-api[otel]'"),
    ],
)
def test_what_can_not_be_traced_is_one_warning(monkeypatch, caplog, environment, said):
    """Serving goes on without traces: the last case is that the extra is not installed."""
    monkeypatch.setitem(__import__("sys").modules, "multyagents_api.observing.spans", None)
    with caplog.at_level(logging.WARNING):
        assert open_tracing(environment, "1.0") is None
    [record] = caplog.records
    assert said in record.getMessage()


async def test_spans_go_where_the_variables_say(monkeypatch):
    """Under the service's own name unless another one is set."""
    sent = []

    def export(exporter, spans):
        sent.append((exporter._endpoint, [span.name for span in spans], dict(spans[0].resource.attributes)))

    monkeypatch.setattr("multyagents_api.observing.spans.OTLPSpanExporter.export", export)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    tracing = exporting("1.2.3")
    with tracing.step("something"):
        pass
    await tracing.aclose()
    [(endpoint, names, resource)] = sent
    assert (endpoint, names) == ("http://127.0.0.1:4318/v1/traces", ["something"])
    assert (resource["service.name"], resource["service.version"]) == ("multyagents-api", "1.2.3")
