"""Whole workflow runs a second over real HTTP, beside the limit that this machine sets.

    python benchmarks/api_path.py [--quick] [--databases sqlite,postgresql] [--stores 0,1000,20000,100000]
                                  [--clients 1,8,32] [--workers 1,2] [--seconds N] [--profile]

A run is created from a template of three steps in a chain; each is dispatched and reported successful; then
the run is read: 8 requests and 10 commits. The limit is a bare FastAPI app (bare_app.py) that makes the same
requests and commits; both are measured in turns. The CPU time of the servers for each run is told as well,
since it depends less on who else uses the machine; that of PostgreSQL is not in it. The second table tells
whether operations take the same time whatever is stored, by ratios within each turn. PostgreSQL runs with
fsync, SQLite with synchronous=NORMAL, as the service has them by default.
"""

import argparse
import asyncio
import http.client
import itertools
import os
import platform
import pstats
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import product
from math import inf
from pathlib import Path
from random import Random
from statistics import median
from typing import Protocol

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).parents[1] / "apps" / "api" / "src"))

from filled_store import checkpoint_postgres, fill_postgres, fill_sqlite

from gatewright.execution.server import ServerProcess
from gatewright.load import (
    Answer,
    Call,
    HttpClient,
    LogHistogram,
    OpenLoop,
    Origin,
    Outcome,
    RequestTemplate,
    StepFailedError,
    run_on_fast_loop,
)
from multyagents_api.scenarios.embedded_postgres import EmbeddedPostgres
from multyagents_api.scenarios.journeys import CREATED, OK, expect, post

ORIGINALS = 100
"""Runs that are made over HTTP; a larger store holds copies of them."""

CHAIN = ("plan", "build", "check")
OURS = ("-m", "multyagents_api", "serve", "--port", "0")
LIMIT = (str(Path(__file__).with_name("bare_app.py")),)
PROFILED = """
import cProfile, sys
from multyagents_api.__main__ import main
profile = cProfile.Profile()
try:
    profile.runcall(main, sys.argv[2:])
finally:
    profile.dump_stats(sys.argv[1])
"""
LISTED = 50
PROFILED_LINES = 40
TURNS = 8
"""Of a block, where stores are compared: what else the machine does must meet all of them alike."""
COMPARED = (
    "runs/s",
    "limit",
    "ratio",
    "CPU ms a run",
    "limit",
    "ratio",
    "run p50 ms",
    "run p99 ms",
)


class ChainJourney:
    """One run of a chain of steps, from its creation to its success."""

    steps = ("create run", "dispatch-ready", "runner status", "run read")

    def __init__(self, origin: Origin, template_id: str) -> None:
        body: dict[str, object] = {"workflow_template_id": template_id}
        report: dict[str, object] = {"attempt": 1, "status": "success"}
        self._create = RequestTemplate("POST", "/workflow-runs", origin, body=body).fill()
        self._dispatch = RequestTemplate("POST", "/workflow-runs/{}/dispatch-ready", origin)
        self._report = RequestTemplate("POST", "/runner/tasks/{}/status", origin, body=report)
        self._read = RequestTemplate("GET", "/workflow-runs/{}", origin)

    def run(self) -> Generator[Call, Answer, None]:
        run_id = expect(CREATED, (yield Call(0, self._create)))["id"]
        for _ in CHAIN:
            dispatched = expect(OK, (yield Call(1, self._dispatch.fill(run_id))))
            if dispatched["dispatched"] is not True:
                raise StepFailedError("nothing was dispatched")
            expect(OK, (yield Call(2, self._report.fill(dispatched["task_id"]))))
        if expect(OK, (yield Call(3, self._read.fill(run_id))))["status"] != "success":
            raise StepFailedError("the run read at the end has not succeeded")


class ReadingJourney(ChainJourney):
    """A run, then a look at any of the runs that are stored, and at a page of them."""

    steps = (*ChainJourney.steps, "any run read", "list")

    def __init__(self, origin: Origin, template_id: str, stored: int) -> None:
        super().__init__(origin, template_id)
        self._list = RequestTemplate("GET", f"/workflow-runs?limit={LISTED}", origin).fill()
        self._stored = stored
        self._chance = Random(1)

    def run(self) -> Generator[Call, Answer, None]:
        yield from super().run()
        expect(OK, (yield Call(4, self._read.fill(self._chance.randint(1, self._stored)))))
        if len(list_of(expect(OK, (yield Call(5, self._list))))) != LISTED:
            raise StepFailedError("the page is not full")


def list_of(page: dict[str, object]) -> list[object]:
    items = page["items"]
    assert isinstance(items, list)
    return items


JourneyFactory = Callable[[Origin, str], ChainJourney]


class Users:
    """A journey that is taken again and again until it is over."""

    def __init__(self, journey: ChainJourney) -> None:
        self.journey = journey
        self.steps = journey.steps
        self.took_s: list[float] = []
        self.runs = 0
        self.over = False

    def run(self) -> Generator[Call, Answer, None]:
        while not self.over:
            start = time.monotonic()
            yield from self.journey.run()
            self.runs += 1
            if not self.over:
                self.took_s.append(time.monotonic() - start)


@dataclass(frozen=True)
class Block:
    """What one block of load saw, in seconds; `rate` is of whole runs, CPU time is that of the servers."""

    rate: float
    cpu_s: float
    took_s: list[float]
    answers: list[list[float]]


async def load(service: "Service", make: JourneyFactory, clients: int, seconds: float) -> Block:
    """Let so many clients, spread over the servers, take run after run for some time."""
    users = [Users(make(origin, service.template_id)) for origin in service.origins]
    senders = [HttpClient(origin) for origin in service.origins]
    loops: list[OpenLoop] = []
    for number, (sender, one) in enumerate(zip(senders, users, strict=True)):
        share = len(range(number, clients, len(senders)))
        await sender.warm(share)
        loops.append(OpenLoop(sender, one, iter([0.0] * share), deadline_s=inf))

    def finish() -> None:
        for one in users:
            one.over = True

    cpu_s = service.cpu_s()
    asyncio.get_running_loop().call_later(seconds, finish)
    recordings = await asyncio.gather(*(loop.run(lambda _recording, _now: False) for loop in loops))
    for sender in senders:
        sender.close()
    if failures := sum((recording.failures for recording in recordings), Counter()):
        raise SystemExit(f"runs failed: {dict(failures)}")
    took_s = [took for one in users for took in one.took_s]
    by_step = zip(*(recording.services for recording in recordings), strict=True)
    answers = [list(itertools.chain(*services)) for services in by_step]
    cpu_s = (service.cpu_s() - cpu_s) / sum(one.runs for one in users)
    return Block(len(took_s) / seconds, cpu_s, took_s, answers)


@dataclass(frozen=True)
class Service:
    """Servers of one database, and a template of theirs."""

    servers: list[ServerProcess]
    template_id: str = "1"

    @property
    def origins(self) -> list[Origin]:
        return [Origin(server.host, server.port) for server in self.servers]

    def cpu_s(self) -> float:
        """CPU time that the servers have taken so far."""
        ticks = 0
        for server in self.servers:
            after_name = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(after_name[11]) + int(after_name[12])
        return ticks / os.sysconf("SC_CLK_TCK")


class Database(Protocol):
    """Where databases come from; each is known by its URL."""

    name: str

    def create(self) -> str:
        """An empty one."""
        ...

    def fill(self, url: str, copies: int) -> None:
        """Add so many copies of its runs; nobody is connected to it."""
        ...

    def copy(self, url: str) -> str:
        """Another one that holds the same; nobody is connected to it."""
        ...

    def drop(self, url: str) -> None:
        """Remove one that is no longer used."""
        ...


class SqliteFiles:
    """Files in a folder."""

    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()

    def create(self) -> str:
        return f"sqlite:///{self._folder}/{next(self._numbers)}.db"

    def fill(self, url: str, copies: int) -> None:
        fill_sqlite(file_of(url), copies)

    def copy(self, url: str) -> str:
        copied = self.create()
        shutil.copyfile(file_of(url), file_of(copied))
        with Path(file_of(copied)).open("rb") as file:
            os.fsync(file.fileno())  # else the first checkpoint of the service would wait for it
        return copied

    def drop(self, url: str) -> None:
        for file in self._folder.glob(f"{Path(file_of(url)).name}*"):
            file.unlink()


class PostgresDatabases:
    """Databases of one server."""

    name = "PostgreSQL"

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._numbers = itertools.count()
        self._names: dict[str, str] = {}

    def create(self, template: str | None = None) -> str:
        name = f"path_{next(self._numbers)}"
        url = self._server.create_database(name, template)
        self._names[url] = name
        return url

    def fill(self, url: str, copies: int) -> None:
        asyncio.run(fill_postgres(url, copies))

    def copy(self, url: str) -> str:
        copied = self.create(template=self._names[url])
        asyncio.run(checkpoint_postgres(copied))  # else one would come while the service is measured
        return copied

    def drop(self, url: str) -> None:
        self._server.drop_database(self._names.pop(url))


def file_of(url: str) -> str:
    return url.removeprefix("sqlite:///")


@contextmanager
def serve(command: Sequence[str], url: str, workers: int = 1) -> Iterator[list[ServerProcess]]:
    """So many server processes over one database."""
    settings = {"MULTYAGENTS_DATABASE_URL": url, "MULTYAGENTS_AUTH": "off"}
    settings["PYTHONPATH"] = os.pathsep.join(sys.path[:2])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="api-path-")))
        servers = []
        for number in range(workers):
            port_file = folder / f"port {number}"
            argv = [sys.executable, *command, "--port-file", port_file]
            server = ServerProcess(argv, port_file=port_file, env={**os.environ, **settings}, timeout_s=60)
            servers.append(stack.enter_context(server))
        yield servers


@contextmanager
def serve_ours(url: str, template_id: str, workers: int = 1) -> Iterator[Service]:
    """The service over a prepared database."""
    with serve(OURS, url, workers) as servers:
        yield Service(servers, template_id)


@contextmanager
def serve_limit(database: Database, workers: int) -> Iterator[Service]:
    """The bare app over a database of its own."""
    url = database.create()
    with serve((*LIMIT, "--database", url), url, workers) as servers:
        yield Service(servers)
    database.drop(url)


@dataclass(frozen=True)
class Stored:
    """A prepared database: how many finished runs it holds, and the template of theirs."""

    database: Database
    runs: int
    url: str
    template_id: str

    @property
    def words(self) -> tuple[str, str]:
        return self.database.name, f"{self.runs:,}"


def prepare(database: Database, runs: int) -> Stored:
    """A database with so many finished runs, nobody connected to it."""
    url = database.create()
    with serve(OURS, url) as servers:
        service = Service(servers)
        template_id = prepare_chain(service.origins[0])
        if runs:
            run_on_fast_loop(make_runs(replace(service, template_id=template_id), ORIGINALS))
    start = time.monotonic()
    if runs > ORIGINALS:
        database.fill(url, runs // ORIGINALS - 1)
    print(f"{database.name}: {runs:,} runs stored in {time.monotonic() - start:.1f} s", file=sys.stderr)
    return Stored(database, runs, url, template_id)


def prepare_chain(origin: Origin) -> str:
    """A template of steps that depend on each other; returns its id."""
    connection = http.client.HTTPConnection(origin.host, origin.port, timeout=10)
    try:
        role_id = post(connection, "/roles", {"name": "Worker"})
        steps = [
            {
                "step_id": step,
                "role_id": role_id,
                "title": f"Do {step}",
                "depends_on": list(CHAIN[:number][-1:]),
            }
            for number, step in enumerate(CHAIN)
        ]
        return post(connection, "/workflow-templates", {"name": "Chain", "steps": steps})
    finally:
        connection.close()


async def make_runs(service: Service, count: int) -> None:
    """Take the journey so many times."""
    [origin] = service.origins
    client = HttpClient(origin)
    loop = OpenLoop(client, ChainJourney(origin, service.template_id), iter([0.0] * count), deadline_s=inf)
    recording = await loop.run(lambda _recording, _now: False)
    client.close()
    if recording.count(Outcome.SUCCEEDED, 0, count) != count:
        raise SystemExit(f"runs failed: {dict(recording.failures)}")


@dataclass(frozen=True)
class Figures:
    """Medians over blocks."""

    rate: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float

    @classmethod
    def of(cls, blocks: Sequence[Block]) -> "Figures":
        took = LogHistogram(took for block in blocks for took in block.took_s)
        cpu_s = median(block.cpu_s for block in blocks)
        return cls(
            median(block.rate for block in blocks),
            cpu_s * 1e3,
            took.percentile(0.5) * 1e3,
            took.percentile(0.99) * 1e3,
        )


def compare(
    ours: Service, limit: Service, clients: int, options: argparse.Namespace
) -> tuple[Figures, Figures]:
    """Measure both in turns, after a block of each that only warms up."""
    ours_blocks: list[Block] = []
    limit_blocks: list[Block] = []
    for _ in range(options.blocks + 1):
        for service, blocks in ((ours, ours_blocks), (limit, limit_blocks)):
            blocks.append(run_on_fast_loop(load(service, ChainJourney, clients, options.seconds)))
    return Figures.of(ours_blocks[1:]), Figures.of(limit_blocks[1:])


def compare_all(stores: Sequence[Stored], options: argparse.Namespace) -> None:
    """The first table: each case on a fresh copy, so that none finds what another left."""
    print_row("database", "stored runs", "workers", "clients", *COMPARED)
    print("|---|" + "--:|" * (3 + len(COMPARED)))
    for stored, workers, clients in product(stores, options.workers, options.clients):
        if clients < workers:
            continue
        url = stored.database.copy(stored.url)
        with (
            serve_ours(url, stored.template_id, workers) as one,
            serve_limit(stored.database, workers) as other,
        ):
            ours, limit = compare(one, other, clients, options)
        stored.database.drop(url)
        rates = (f"{ours.rate:.0f}", f"{limit.rate:.0f}", f"{ours.rate / limit.rate:.2f}")
        cpu = (f"{ours.cpu_ms:.2f}", f"{limit.cpu_ms:.2f}", f"{limit.cpu_ms / ours.cpu_ms:.2f}")
        print_row(*stored.words, workers, clients, *rates, *cpu, f"{ours.p50_ms:.1f}", f"{ours.p99_ms:.1f}")


def print_row(*cells: object) -> None:
    """A row of a table in Markdown, at once."""
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)


def look_at_growth(stores: Sequence[Stored], options: argparse.Namespace) -> None:
    """The second table: medians of each operation with one client, all stores of a kind in short turns."""
    print()
    print_row("database", "stored runs", *(f"{name}, ms" for name in ReadingJourney.steps))
    print("|---|--:|" + "--:|" * len(ReadingJourney.steps))
    for database in dict.fromkeys(stored.database for stored in stores):
        same = [stored for stored in stores if stored.database is database]
        turns = measure_growth(same, options)
        for number, stored in enumerate(same):
            print_row(*stored.words, *(in_words(step, number) for step in zip(*turns, strict=True)))


def measure_growth(stores: Sequence[Stored], options: argparse.Namespace) -> list[list[tuple[float, ...]]]:
    """For each turn and step, the median answers of all stores, in seconds; the first turn only warms up."""
    turns = []
    with ExitStack() as stack:
        services = [stack.enter_context(serve_copy(stored)) for stored in stores]
        for _ in range(options.blocks * TURNS + 1):
            answers = []
            for stored, service in zip(stores, services, strict=True):
                make = partial(ReadingJourney, stored=max(stored.runs, LISTED))
                block = run_on_fast_loop(load(service, make, 1, options.seconds / TURNS))
                answers.append([median(step) for step in block.answers])
            turns.append(list(zip(*answers, strict=True)))
    return turns[1:]


def in_words(turns: Sequence[tuple[float, ...]], store: int) -> str:
    """The median in ms, and how it compares with the first store in the same turns."""
    growth = median(answers[store] / answers[0] for answers in turns) - 1
    return f"{median(answers[store] for answers in turns) * 1e3:.3f} ({growth:+.0%})"


@contextmanager
def serve_copy(stored: Stored) -> Iterator[Service]:
    """The service over a copy that holds at least a page of runs."""
    url = stored.database.copy(stored.url)
    with serve_ours(url, stored.template_id) as service:
        run_on_fast_loop(make_runs(service, LISTED))
        yield service
    stored.database.drop(url)


def profile(stored: Stored, options: argparse.Namespace) -> None:
    """Where the time of a server goes; the profiler itself makes calls look dearer than they are."""
    url = stored.database.copy(stored.url)
    with tempfile.TemporaryDirectory(prefix="api-path-") as folder:
        file = f"{folder}/profile"
        with serve(("-c", PROFILED, file, *OURS[2:]), url) as servers:
            service = Service(servers, stored.template_id)
            for clients in options.clients:
                run_on_fast_loop(load(service, ChainJourney, clients, options.seconds))
        stored.database.drop(url)
        pstats.Stats(file).sort_stats("tottime").print_stats(PROFILED_LINES)


def machine() -> str:
    """What the figures were measured on."""
    commit = subprocess.run(
        ["git", "-C", Path(__file__).parent, "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
    )
    cores = f"{len(os.sched_getaffinity(0))} cores of {platform.machine()}"
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"{datetime.now(UTC):%Y-%m-%d}, commit {commit.stdout.strip()}, {cores}, {versions}"


def numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--stores", type=numbers, default=[0, 1000, 20_000, 100_000])
    parser.add_argument("--clients", type=numbers, default=[1, 8, 32])
    parser.add_argument("--workers", type=numbers, default=[1, 2])
    parser.add_argument("--seconds", type=float, default=2.0, help="the length of a block (default 2)")
    parser.add_argument("--blocks", type=int, default=5, help="blocks of each case (default 5)")
    parser.add_argument("--quick", action="store_true", help="few and short blocks, small stores")
    parser.add_argument("--profile", action="store_true", help="profile the server instead")
    options = parser.parse_args()
    if options.quick:
        options.stores, options.clients, options.workers = [0, 1000], [1, 8], [1]
        options.seconds, options.blocks = 1.0, 3
    if any(runs % ORIGINALS for runs in options.stores):
        parser.error(f"stores hold multiples of {ORIGINALS} runs")
    return options


def open_databases(names: str, stack: ExitStack) -> list[Database]:
    """The databases that are asked for."""
    known: dict[str, Callable[[], Database]] = {
        "sqlite": lambda: SqliteFiles(
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="api-path-")))
        ),
        "postgresql": lambda: PostgresDatabases(stack.enter_context(EmbeddedPostgres(durable=True))),
    }
    return [known[name]() for name in names.split(",")]


def main() -> None:
    options = parse()
    print(machine(), flush=True)
    with ExitStack() as stack:
        databases = open_databases(options.databases, stack)
        stores = [prepare(database, runs) for database, runs in product(databases, options.stores)]
        if options.profile:
            profile(stores[0], options)
            return
        compare_all(stores, options)
        look_at_growth(stores, options)


if __name__ == "__main__":
    main()
