"""Metrics for Prometheus: names and units by its conventions, labels only with values known beforehand."""

import platform
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import Metric

__all__ = ["MEDIA_TYPE", "NO_ROUTE", "Metrics"]

MEDIA_TYPE = "text/plain; version=0.0.4"
"""Prometheus' text format; the charset is added by the framework."""

NO_ROUTE = "none"
"""What stands for the route of a request that fits none, whatever its path."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LATENCIES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
DISPATCHES = (
    "queued",
    "pending",
    "submit-failed",
    "approval-required",
    "dependencies-not-satisfied",
    "required-handoff-artifacts-missing",
    "paths-locked",
    "no-ready-tasks",
)
REPORTS = ("queued", "running", "success", "failed", "canceled")
STORE_ERRORS = ("busy", "unreachable")
RUNNER_OUTCOMES = {"submit": ("accepted", "refused", "unreachable"), "cancel": ("accepted", "unreachable")}


class Metrics:
    """The metrics of one app, in a registry of their own: several apps may live in one process.

    Args:
        version: of the service.
    """

    def __init__(self, version: str = "") -> None:
        self.registry = CollectorRegistry()
        self.in_flight = 0
        self._requests: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._add_http()
        self._add_work()
        self._add_dependencies()
        build = Info("multyagents_build", "What is running.", registry=self.registry)
        build.info({"version": version, "python": platform.python_version()})
        ProcessCollector(registry=self.registry)

    def _add_http(self) -> None:
        self._http_requests = self._counter(
            "multyagents_http_requests", "Requests answered.", ("method", "route", "status")
        )
        self._http_durations = self._histogram(
            "multyagents_http_request_duration_seconds",
            "From the head of a request to the end of its answer.",
            ("method", "route"),
        )
        in_flight = self._gauge("multyagents_http_requests_in_flight", "Requests under way.")
        in_flight.set_function(lambda: self.in_flight)
        self._refusals = self._counter(
            "multyagents_refusals", "Requests answered with a problem, by its code.", ("code",)
        )
        self._streams = self._gauge(
            "multyagents_event_streams_open", "Streams of events that clients follow."
        )

    def _add_work(self) -> None:
        dispatches = self._counter(
            "multyagents_dispatches", "Requests to dispatch a task, by what came of them.", ("outcome",)
        )
        self._dispatched = {outcome: dispatches.labels(outcome) for outcome in DISPATCHES}
        callbacks = self._counter(
            "multyagents_callbacks",
            "Reports of runners that were taken, by their status.",
            ("status",),
        )
        self._reported = {status: callbacks.labels(status) for status in REPORTS}
        self._leases_expired = self._counter(
            "multyagents_leases_expired", "Attempts given up because their runner fell silent."
        )

    def _add_dependencies(self) -> None:
        durations = self._histogram(
            "multyagents_runner_request_duration_seconds",
            "From asking the runner to its answer, or to the end of its time.",
            ("operation", "outcome"),
        )
        self._runner_asked = {
            (operation, outcome): durations.labels(operation, outcome)
            for operation, outcomes in RUNNER_OUTCOMES.items()
            for outcome in outcomes
        }
        self._outbox_pending = self._gauge(
            "multyagents_outbox_pending", "Dispatches that the runner has not answered yet."
        )
        self._outbox_age = self._gauge(
            "multyagents_outbox_oldest_age_seconds",
            "How long the oldest of them has been waiting, or 0.",
        )
        self._transactions = self._histogram(
            "multyagents_store_transaction_duration_seconds",
            "From the start of a write to its commit.",
        )
        store_errors = self._counter(
            "multyagents_store_errors",
            "Uses of the store while it was busy or out of reach.",
            ("kind",),
        )
        self._store_failed = {kind: store_errors.labels(kind) for kind in STORE_ERRORS}

    def _counter(self, name: str, told: str, labels: Sequence[str] = ()) -> Counter:
        return Counter(name, told, labels, registry=self.registry)

    def _gauge(self, name: str, told: str) -> Gauge:
        return Gauge(name, told, registry=self.registry)

    def _histogram(self, name: str, told: str, labels: Sequence[str] = ()) -> Histogram:
        return Histogram(name, told, labels, registry=self.registry, buckets=LATENCIES_S)

    def answered(self, method: str, route: str, status: int, duration_s: float) -> None:
        """A request was answered; 0 is the status of one that got no answer."""
        key = (method, route, status)
        found = self._requests.get(key)
        if found is None:
            known = method if method in METHODS else "other"
            counter = self._http_requests.labels(known, route, str(status or "none"))
            found = self._requests[known, route, status] = counter, self._http_durations.labels(known, route)
        found[0].inc()
        found[1].observe(duration_s)

    def refused(self, code: str) -> None:
        """A request was answered with a problem."""
        self._refusals.labels(code).inc()

    def stream(self) -> AbstractContextManager[object]:
        """Counts a stream of events as open while inside."""
        return self._streams.track_inprogress()

    def dispatched(self, outcome: str) -> None:
        """Something came, or nothing, of a request to dispatch; words are parted by spaces or dashes."""
        self._dispatched[outcome.replace(" ", "-")].inc()

    def reported(self, status: str) -> None:
        """A runner's report was taken."""
        self._reported[status].inc()

    def lease_expired(self) -> None:
        """An attempt was given up because its lease ran out."""
        self._leases_expired.inc()

    def runner_asked(self, operation: str, outcome: str, duration_s: float) -> None:
        """The runner was asked to `submit` or to `cancel`."""
        self._runner_asked[operation, outcome].observe(duration_s)

    def written(self, duration_s: float) -> None:
        """A write transaction ended, in whatever way."""
        self._transactions.observe(duration_s)

    def store_failed(self, kind: str) -> None:
        """The store was `busy` or `unreachable`."""
        self._store_failed[kind].inc()

    def outbox_holds(self, pending: float, oldest_age_s: float) -> None:
        """How the outbox is now; not a number where nobody can tell."""
        self._outbox_pending.set(pending)
        self._outbox_age.set(oldest_age_s)

    def exposition(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(_WithoutBirthdays(self.registry))


class _WithoutBirthdays:
    """A registry without the time at which each series began, which would double the number of series."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """What there is."""
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
