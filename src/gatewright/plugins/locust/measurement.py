"""What a Locust run measured: the document that a master writes and gatewright reads back."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt

from gatewright.core.model import Model
from gatewright.plugins.locust.counts import Counts
from gatewright.plugins.locust.reports import Merger
from gatewright.plugins.locust.workload import Lineup, Pace

__all__ = ["SCHEMA", "LocustMeasurement", "OwnFigures", "WorkerSummary", "conclude"]

SCHEMA: Literal["gatewright.locust/1"] = "gatewright.locust/1"


class WorkerSummary(Model):
    """One worker: its reports, runs and requests, its CPU seconds, the share of time it waited for a CPU.

    `arrived` counts runs that were due, `left_out` those of them that were never begun, since their users
    waited for answers.
    """

    index: NonNegativeInt
    reports: NonNegativeInt
    arrived: NonNegativeInt
    left_out: NonNegativeInt
    runs: NonNegativeInt
    requests: NonNegativeInt
    cpu_s: NonNegativeFloat
    run_delay: NonNegativeFloat | None


class OwnFigures(Model):
    """What Locust itself reckons of all requests, warm-up included; its response times are rounded."""

    version: str
    requests: NonNegativeInt
    failures: NonNegativeInt
    p95_ms: NonNegativeFloat
    p99_ms: NonNegativeFloat


class LocustMeasurement(Model):
    """Merged counts of all workers.

    Attributes:
        workload: the digest of what was done.
        pace: how fast and how long.
        lineup: journeys and steps; null when no worker came.
        problems: why nothing of it can be believed, in words; empty when all can.
        counts: merged by addition.
        workers: one by one.
        locust: what Locust itself reckons.
        started_at, finished_at: from the beginning of the first run to the last report.
    """

    schema_version: Literal["gatewright.locust/1"] = SCHEMA
    workload: str
    pace: Pace
    lineup: Lineup | None
    problems: tuple[Annotated[str, Field(min_length=1)], ...]
    counts: Counts
    workers: tuple[WorkerSummary, ...]
    locust: OwnFigures
    started_at: datetime
    finished_at: datetime


def conclude(
    merger: Merger, workload: str, pace: Pace, locust: OwnFigures, *, begun: datetime, ended: datetime
) -> LocustMeasurement:
    """The document of a run that is over, or was given up."""
    return LocustMeasurement(
        workload=workload,
        pace=pace,
        lineup=merger.lineup,
        problems=tuple(merger.problems),
        counts=merger.pool.counts() if merger.pool is not None else Counts(),
        workers=tuple(
            WorkerSummary(
                index=standing.index,
                reports=standing.reports,
                arrived=standing.arrived,
                left_out=standing.last.left_out if standing.last else 0,
                runs=standing.counted,
                requests=standing.last.requests if standing.last else 0,
                cpu_s=standing.last.cpu_s if standing.last else 0.0,
                run_delay=standing.last.run_delay if standing.last else None,
            )
            for standing in merger.standings.values()
        ),
        locust=locust,
        started_at=begun,
        finished_at=ended,
    )
