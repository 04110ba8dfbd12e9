"""Spans by OpenTelemetry, from a provider of each app's own; needs the extra `otel`."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from multyagents_api.observing.work import WORK

__all__ = ["Tracing", "exporting", "failed"]

PROPAGATOR = TraceContextTextMapPropagator()


class Tracing:
    """Makes spans; what they say follows the semantic conventions of OpenTelemetry.

    Exceptions are told by their type alone: their messages may hold what must not leave the service.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("multyagents_api")

    @contextmanager
    def request(self, method: str) -> Iterator[Span]:
        """A request that we answer; continues the trace that came with it."""
        came_from = PROPAGATOR.extract(WORK.get().trace)
        with self._span(method, SpanKind.SERVER, {"http.request.method": method}, came_from) as span:
            WORK.set(WORK.get()._replace(trace=_headers()))  # whoever observes the request puts it back
            yield span

    @contextmanager
    def call(self, name: str, facts: Mapping[str, str | int]) -> Iterator[Span]:
        """A request that we make; it says which trace it is part of."""
        with self._span(name, SpanKind.CLIENT, facts) as span:
            token = WORK.set(WORK.get()._replace(trace=_headers()))
            try:
                yield span
            finally:
                WORK.reset(token)

    @contextmanager
    def step(self, name: str) -> Iterator[Span]:
        """A part of our own work."""
        with self._span(name, SpanKind.INTERNAL, {}) as span:
            yield span

    @contextmanager
    def _span(
        self, name: str, kind: SpanKind, facts: Mapping[str, str | int], parent: Context | None = None
    ) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name, parent, kind, facts, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except Exception as error:
                failed(span, type(error).__qualname__)
                raise

    async def aclose(self) -> None:
        """Export what is left."""
        await asyncio.to_thread(self._provider.shutdown)


def failed(span: Span, why: str) -> None:
    """Let a span tell of a failure."""
    span.set_attribute("error.type", why)
    span.set_status(StatusCode.ERROR)


def _headers() -> dict[str, str]:
    """W3C Trace Context of the current span."""
    headers: dict[str, str] = {}
    PROPAGATOR.inject(headers)
    return headers


def exporting(version: str) -> Tracing:
    """Sends spans, in batches from a thread, as the standard variables say."""
    resource = Resource.create({SERVICE_VERSION: version})
    if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: "multyagents-api"}))
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)
