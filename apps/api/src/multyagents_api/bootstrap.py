"""Picks the adapters from the settings; nothing else does."""

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from fastapi import FastAPI
from starlette.middleware import Middleware

from multyagents_api.domain.access import AccessRole
from multyagents_api.domain.leases import NO_LEASES, LeasePolicy
from multyagents_api.http.access import Access, OpenAccess, TokenAccess
from multyagents_api.http.app import VERSION, Services, build_app
from multyagents_api.http.rates import RateLimit
from multyagents_api.observing.logs import LogFormat, format_from
from multyagents_api.observing.metrics import Metrics
from multyagents_api.observing.tracing import are_traces_wanted, open_tracing
from multyagents_api.runner.accept import AcceptingRunner
from multyagents_api.runner.observed import ObservedRunner
from multyagents_api.runner.paths import RealPaths
from multyagents_api.runner.punctual import PunctualRunner
from multyagents_api.service.access import IssuedToken, Tokens
from multyagents_api.service.approvals import Approvals
from multyagents_api.service.artifacts import Artifacts
from multyagents_api.service.callbacks import Callbacks
from multyagents_api.service.cancellation import Cancellation
from multyagents_api.service.control_loop import ControlLoop
from multyagents_api.service.dispatching import Dispatching
from multyagents_api.service.event_signal import EventFeed
from multyagents_api.service.event_streams import EventStreams
from multyagents_api.service.events import Events
from multyagents_api.service.handoffs import Handoffs
from multyagents_api.service.health import Check, Health
from multyagents_api.service.leases import Leases
from multyagents_api.service.outbox import Outbox
from multyagents_api.service.ports import Clock, Storage, StorageUnavailable, SystemClock
from multyagents_api.service.projects import Projects
from multyagents_api.service.reruns import Reruns
from multyagents_api.service.roles import Roles
from multyagents_api.service.runners import Runner
from multyagents_api.service.runs import Runs
from multyagents_api.service.skill_packs import SkillPacks
from multyagents_api.service.summaries import Summaries
from multyagents_api.service.tasks import Tasks
from multyagents_api.service.templates import Templates
from multyagents_api.storage.observed import ObservedStorage
from multyagents_api.storage.sqlite import SqliteStorage

if TYPE_CHECKING:
    from multyagents_api.observing.spans import Tracing

__all__ = [
    "AuthKind",
    "Durability",
    "InvalidSettings",
    "RunnerKind",
    "Settings",
    "StorageUnavailable",
    "create_app",
    "create_token",
    "open_storage",
    "parse_database",
]


T = TypeVar("T", bound=StrEnum)

RATE_LIMIT = 1000
FAILURES_PER_S = 10.0
"""How often an address may fail to prove who it is before it has to wait."""
DEFAULT_STORE_TIMEOUT_S = 5.0
DEFAULT_RUNNER_BUDGET_S = 2.0
OVERDUE_BUDGETS = 5
LEAST_TIME_S, MOST_TIME_S = 0.1, 60.0
"""Of what a request waits for."""
DEFAULT_LEASE_S = 30.0
LEAST_LEASE_S, MOST_LEASE_S = 2, 86_400
"""Who is looked for once a second is missed after two at the earliest."""


class InvalidSettings(Exception):  # noqa: N818 - one line for the operator
    """A setting that can't be used; the message names it and what it may be."""


class RunnerKind(StrEnum):
    """Who executes tasks."""

    ACCEPT = "accept"
    HTTP = "http"


class AuthKind(StrEnum):
    """Who may ask: bearers of tokens for what their roles may do, or anybody for anything."""

    TOKENS = "tokens"
    OFF = "off"


class Durability(StrEnum):
    """What an acknowledged write survives: the death of the process, or also a loss of power."""

    PROCESS = "process"
    POWER = "power"


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator decides.

    Args:
        database: a SQLite file, or the `postgresql://` URL of a database, which may hold a password.
        runner: who executes tasks.
        durability: what an acknowledged write survives.
        busy_timeout_s: how long a request waits for a connection to the store, or a statement for a lock; a
            statement that got no answer in twice that time will get none.
        runner_budget_s: how long a request waits for a runner that takes its time.
        runner_url: where a runner of kind `HTTP` is; may hold a password.
        log_format: how log lines look; None: text on a terminal, else JSON.
        traces: whether the variables `OTEL_*` say where traces go.
        lease_s: after how many silent seconds a runner of kind `HTTP` has lost an attempt; 0: never.
        auth: who may ask; `OFF` is for loopback addresses and for programs that hold the app themselves.
        rate_limit: requests per second that each subject may make of a process; 0 for any number.
        streams: how many event streams a process serves at once.
    """

    database: Path | str = field(default_factory=lambda: Path("multyagents.db"), repr=False)
    runner: RunnerKind = RunnerKind.ACCEPT
    durability: Durability = Durability.PROCESS
    busy_timeout_s: float = DEFAULT_STORE_TIMEOUT_S
    runner_budget_s: float = DEFAULT_RUNNER_BUDGET_S
    runner_url: str = field(default="", repr=False)
    log_format: LogFormat | None = None
    traces: bool = False
    lease_s: float = DEFAULT_LEASE_S
    auth: AuthKind = AuthKind.TOKENS
    rate_limit: float = RATE_LIMIT
    streams: int = 100

    @property
    def overdue_after_s(self) -> float:
        """After how long without an outcome a dispatch is submitted again: nobody is at it any more."""
        return OVERDUE_BUDGETS * self.runner_budget_s

    @property
    def leases(self) -> LeasePolicy:
        """The leases of attempts: a built-in runner can't be lost, and gets none."""
        if self.runner is not RunnerKind.HTTP or not self.lease_s:
            return NO_LEASES
        return LeasePolicy(timedelta(seconds=self.lease_s))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Settings from `MULTYAGENTS_*`.

        Raises:
            InvalidSettings: a variable has a value that it can't have.
        """
        return cls(
            database=_database(environment),
            runner=_choice(RunnerKind, "MULTYAGENTS_RUNNER", environment, RunnerKind.ACCEPT),
            durability=_choice(Durability, "MULTYAGENTS_DURABILITY", environment, Durability.PROCESS),
            busy_timeout_s=_seconds("MULTYAGENTS_STORE_TIMEOUT", environment, DEFAULT_STORE_TIMEOUT_S),
            runner_budget_s=_seconds("MULTYAGENTS_RUNNER_BUDGET", environment, DEFAULT_RUNNER_BUDGET_S),
            runner_url=environment.get("MULTYAGENTS_RUNNER_URL") or "",
            log_format=_log_format(environment),
            traces=are_traces_wanted(environment),
            lease_s=_seconds(
                "MULTYAGENTS_LEASE",
                environment,
                DEFAULT_LEASE_S,
                LEAST_LEASE_S,
                MOST_LEASE_S,
                or_never=True,
            ),
            auth=_choice(AuthKind, "MULTYAGENTS_AUTH", environment, AuthKind.TOKENS),
            rate_limit=_count("MULTYAGENTS_RATE_LIMIT", environment, RATE_LIMIT),
            streams=_count("MULTYAGENTS_STREAMS", environment, 100),
        )


def parse_database(text: str) -> Path | str:
    """A database as an operator names it: a SQLite file, or a URL.

    Raises:
        InvalidSettings: a URL of another kind.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        return Path(text)
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return Path(rest[1:])
    if scheme in {"postgresql", "postgres"}:
        return text
    raise InvalidSettings(
        f"a database URL begins with postgresql:// or sqlite:///, not {scheme[:20]!r}; or name a SQLite file"
    )


def _database(environment: Mapping[str, str]) -> Path | str:
    """What `MULTYAGENTS_DATABASE_URL` says, else the file of `MULTYAGENTS_DATABASE`."""
    url = environment.get("MULTYAGENTS_DATABASE_URL")
    if url and "://" not in url:
        raise InvalidSettings("MULTYAGENTS_DATABASE_URL is no URL; MULTYAGENTS_DATABASE names a SQLite file")
    return parse_database(url or environment.get("MULTYAGENTS_DATABASE") or "multyagents.db")


def _log_format(environment: Mapping[str, str]) -> LogFormat | None:
    try:
        return format_from(environment)
    except ValueError as error:
        raise InvalidSettings(str(error)) from None


def _choice(kind: type[T], name: str, environment: Mapping[str, str], default: T) -> T:
    value = environment.get(name)
    if not value:
        return default
    try:
        return kind(value)
    except ValueError:
        choices = ", ".join(kind)
        raise InvalidSettings(f"{name} is {value!r}, but must be one of: {choices}") from None


def _count(name: str, environment: Mapping[str, str], default: int) -> int:
    value = environment.get(name)
    if not value:
        return default
    if not re.fullmatch("[0-9]{1,6}", value):
        raise InvalidSettings(f"{name} is {value[:20]!r}, but must be a number from 0 to 999999")
    return int(value)


def _seconds(
    name: str,
    environment: Mapping[str, str],
    default: float,
    least: float = LEAST_TIME_S,
    most: float = MOST_TIME_S,
    *,
    or_never: bool = False,
) -> float:
    """A number of seconds within bounds, or 0 where that may be said."""
    text = environment.get(name) or str(default)
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not (least <= seconds <= most or (or_never and not seconds)):
        allowed = f"{'0, or ' if or_never else ''}seconds from {least:g} to {most:g}"
        raise InvalidSettings(f"{name} is {text!r}, but must be {allowed}")
    return seconds


def create_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    runner: Runner | None = None,
    tracing: "Tracing | None" = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """An app of its own: its own connection, no state shared with other apps of this process.

    The database is brought to the tables of this version. Where no lifespan is run,
    `app.state.services.storage.aclose()` lets go of it.

    Raises:
        InvalidSettings: the runner's URL can't be used.
        StorageUnavailable: the database can't be opened, or belongs to another version.
    """
    clock = clock or SystemClock()
    resources = AsyncExitStack()
    metrics = Metrics(version=VERSION)
    if runner is None:
        runner, runner_check = _choose_runner(settings, resources)
    else:
        runner, runner_check = _punctual(runner, settings), _nothing_wrong
    opened = open_storage(settings)
    storage: Storage = opened
    within: Sequence[Middleware] = ()
    if settings.traces and tracing is None:
        tracing = open_tracing(os.environ, VERSION)
    if tracing is not None:
        runner, storage, within = _traced(tracing, runner, storage)
        resources.push_async_callback(tracing.aclose)
    runner = ObservedRunner(runner, metrics)
    storage = ObservedStorage(storage, metrics)
    paths = RealPaths()
    cancellation = Cancellation(storage, runner, clock)
    events = Events(storage, clock)
    overdue_after = timedelta(seconds=settings.overdue_after_s)
    outbox = Outbox(storage, runner, cancellation, clock, settings.leases, overdue_after)
    dispatching = Dispatching(storage, outbox, clock, metrics)
    tokens = Tokens(storage, clock, monotonic)
    services = Services(
        storage=opened,
        projects=Projects(storage, paths, clock),
        skill_packs=SkillPacks(storage, clock),
        roles=Roles(storage, clock),
        templates=Templates(storage, paths, clock),
        runs=Runs(storage, cancellation, clock),
        tasks=Tasks(storage, cancellation, paths, clock),
        events=events,
        streams=EventStreams(events, opened, metrics, most=settings.streams),
        outbox=outbox,
        dispatching=dispatching,
        control_loop=ControlLoop(storage, dispatching),
        callbacks=Callbacks(storage, clock, metrics, settings.leases),
        leases=Leases(storage, clock, metrics, settings.leases),
        approvals=Approvals(storage, clock),
        reruns=Reruns(storage, dispatching, clock),
        artifacts=Artifacts(storage, clock),
        handoffs=Handoffs(storage),
        summaries=Summaries(storage),
        tokens=tokens,
        health=Health(opened.trouble, runner_check),
        metrics=metrics,
        resources=resources,
    )
    return build_app(services, _choose_access(settings, tokens, monotonic), within)


def create_token(settings: Settings, subject: str, roles: Iterable[AccessRole]) -> str:
    """Make a token before a server over the same database serves; tells its text, which is not kept.

    For programs outside of any event loop; others have `app.state.services.tokens`.

    Raises:
        StorageUnavailable: the database can't be opened, or belongs to another version.
    """

    async def create() -> IssuedToken:
        storage = open_storage(settings)
        try:
            return await Tokens(storage, SystemClock()).create(subject, roles)
        finally:
            await storage.aclose()

    return asyncio.run(create()).text


def _choose_access(settings: Settings, tokens: Tokens, monotonic: Callable[[], float]) -> Access:
    if settings.auth is AuthKind.OFF:
        return OpenAccess()
    return TokenAccess(
        tokens, RateLimit(settings.rate_limit, monotonic), RateLimit(FAILURES_PER_S, monotonic)
    )


def _traced(
    tracing: "Tracing", runner: Runner, storage: Storage
) -> tuple[Runner, Storage, Sequence[Middleware]]:
    """The same within spans, and what makes spans of requests."""
    # OpenTelemetry is an extra, and costs 0.3 s that only who wants traces should pay.
    from multyagents_api.http.traced import Traced  # noqa: PLC0415
    from multyagents_api.runner.traced import TracedRunner  # noqa: PLC0415
    from multyagents_api.storage.traced import TracedStorage  # noqa: PLC0415

    within = [Middleware(Traced, tracing=tracing)]
    return TracedRunner(runner, tracing), TracedStorage(storage, tracing), within


async def _nothing_wrong() -> None:
    """A runner within this process can't be out of reach."""


def _choose_runner(settings: Settings, resources: AsyncExitStack) -> tuple[Runner, Check]:
    """The runner, and what tells whether it can be reached."""
    if settings.runner is RunnerKind.ACCEPT:
        return AcceptingRunner(), _nothing_wrong
    # httpx costs 0.1 s that only who needs it should pay.
    from multyagents_api.runner.http_runner import HttpRunner  # noqa: PLC0415

    try:
        runner = HttpRunner(settings.runner_url, timeout_s=settings.runner_budget_s)
    except ValueError as error:
        raise InvalidSettings(f"MULTYAGENTS_RUNNER_URL {error}") from None
    resources.push_async_callback(runner.aclose)
    return _punctual(runner, settings), runner.check


def _punctual(runner: Runner, settings: Settings) -> Runner:
    return PunctualRunner(runner, settings.runner_budget_s)


class OpenStorage(Storage, EventFeed, Protocol):
    """A store, which also tells of what others put there."""


def open_storage(settings: Settings) -> OpenStorage:
    """The store, brought to the tables of this version.

    Raises:
        StorageUnavailable: the database can't be opened, or belongs to another version.
    """
    if isinstance(settings.database, str):
        # asyncpg, and what SQLAlchemy needs for it, cost 0.2 s that a SQLite file should not pay.
        from multyagents_api.storage.postgres import PostgresStorage  # noqa: PLC0415

        return PostgresStorage(settings.database, busy_timeout_s=settings.busy_timeout_s)
    synchronous = "FULL" if settings.durability is Durability.POWER else "NORMAL"
    return SqliteStorage(settings.database, busy_timeout_s=settings.busy_timeout_s, synchronous=synchronous)
