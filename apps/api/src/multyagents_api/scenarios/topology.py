"""The service as it runs in production, as plain processes: a database, API processes, a runner.

Every process dies with this one. Ports are fixed for the life of a topology, so that whoever is killed comes
back under the address that the others know.
"""

import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import multyagents_api
from gatewright.core.errors import NotHere
from gatewright.execution.server import ServerProcess
from multyagents_api.bootstrap import Settings, create_token, parse_database
from multyagents_api.domain.access import AccessRole
from multyagents_api.scenarios.api_client import ApiClient
from multyagents_api.scenarios.embedded_postgres import EmbeddedPostgres, PostgresError, PostgresMissing

__all__ = [
    "PLACES",
    "PYTHON",
    "Place",
    "Plan",
    "Topology",
    "clean_environment",
    "free_ports",
    "start_postgres",
]

Place = Literal["sqlite", "postgresql"]
PLACES: tuple[Place, ...] = ("sqlite", "postgresql")
PREFIX = "multyagents-drill-"
START_S = 60.0
"""A process imports all it needs; beside a dozen others on a busy machine that takes its time."""
EVERYBODY = "everybody"
"""The subject of the token that may do everything."""
PYTHON = (sys.executable, "-m", "multyagents_api")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What runs.

    Attributes:
        place: the kind of database.
        apis: how many API processes share it.
        runner: whether a local runner executes tasks; otherwise submissions are accepted, and that is all.
        settings: more of the environment of the API processes.
        options: more words of their command line.
        runner_options: more words of the runner's command line.
        runner_settings: more of the environment of the runner.
        durable: whether PostgreSQL survives a crash of its own.
        tokens: whether the API processes ask for tokens; otherwise everybody may do everything.
        database: what the settings call the database, where somebody else runs it; else one is started.
        command: what starts the service, but for its sub-command: a test may plant a fault here.
    """

    place: Place = "sqlite"
    apis: int = 1
    runner: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()
    runner_options: Sequence[str] = ()
    runner_settings: Mapping[str, str] = field(default_factory=dict)
    durable: bool = False
    tokens: bool = False
    database: str = ""
    command: Sequence[str] = PYTHON


class Topology:
    """Running processes by a plan; entering starts them, leaving ends them and removes what they stored.

    Attributes:
        plan: what runs.
        folder: private, gone afterwards; `projects` in it is the root that the runner may work in.
        apis: the API processes, in order.
        runner: the runner, where the plan has one.
        postgres: the database server, where there is one.
        token: of somebody who may do everything; empty where nobody is asked for one.

    Raises:
        NotHere: on entering, where this machine has no PostgreSQL and no continuous integration counts on it.
        GatewrightError: on entering, a process does not start.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.folder = Path()
        self.apis: list[ServerProcess] = []
        self.runner: ServerProcess | None = None
        self.postgres: EmbeddedPostgres | None = None
        self.database = ""
        self.token = ""
        self._resources = ExitStack()

    @property
    def projects(self) -> Path:
        """The folder that the runner may work in."""
        return self.folder / "projects"

    def client(self, index: int = 0, *, timeout_s: float = 10.0) -> ApiClient:
        """Another client of one of the API processes, which may do everything; closed with the topology."""
        client = ApiClient(self.apis[index].base_url, token=self.token, timeout_s=timeout_s)
        self._resources.callback(client.close)
        return client

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX)))
            self.projects.mkdir()
            self.database = self._start_database(stack)
            if self.plan.tokens:
                settings = Settings(parse_database(self.database))
                self.token = create_token(settings, EVERYBODY, AccessRole)
            ports = list(free_ports(self.plan.apis + 1))
            self.apis = [self._api(index, port, runner_port=ports[0]) for index, port in enumerate(ports[1:])]
            start_together(stack, self.apis)
            if self.plan.runner:
                self.runner = stack.enter_context(self._runner(ports[0], api_port=ports[1]))
            self._resources = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def _start_database(self, stack: ExitStack) -> str:
        """What the settings call the database."""
        if self.plan.database:
            return self.plan.database
        if self.plan.place == "sqlite":
            return str(self.folder / "runs.db")
        self.postgres = start_postgres(stack, durable=self.plan.durable)
        return self.postgres.create_database("drill")

    def _api(self, index: int, port: int, *, runner_port: int) -> ServerProcess:
        port_file = self.folder / f"api-{index}.port"
        address = ("--host", "127.0.0.1", "--port", str(port), "--port-file", str(port_file))
        flags = ("serve", *address, *self.plan.options)
        runner = {"MULTYAGENTS_RUNNER": "accept"}
        if self.plan.runner:
            runner = {
                "MULTYAGENTS_RUNNER": "http",
                "MULTYAGENTS_RUNNER_URL": f"http://127.0.0.1:{runner_port}",
            }
        is_file = self.plan.place == "sqlite"
        named = {
            "MULTYAGENTS_DATABASE": self.database if is_file else "",
            "MULTYAGENTS_DATABASE_URL": "" if is_file else self.database,
            "MULTYAGENTS_AUTH": "tokens" if self.plan.tokens else "off",
        }
        environment = {**clean_environment(), **runner, **named, **self.plan.settings}
        return ServerProcess(
            (*self.plan.command, *flags),
            port_file=port_file,
            env=environment,
            timeout_s=START_S,
            log=self.folder / f"api-{index}.log",
        )

    def _runner(self, port: int, *, api_port: int) -> ServerProcess:
        port_file = self.folder / "runner.port"
        flags = (
            "runner",
            *("--api", f"http://127.0.0.1:{api_port}"),
            *("--root", str(self.projects)),
            *("--host", "127.0.0.1", "--port", str(port), "--port-file", str(port_file)),
            *self.plan.runner_options,
        )
        return ServerProcess(
            (*self.plan.command, *flags),
            port_file=port_file,
            env={**clean_environment(), **self.plan.runner_settings},
            timeout_s=START_S,
            log=self.folder / "runner.log",
        )


def start_together(stack: ExitStack, servers: Sequence[ServerProcess]) -> None:
    """Servers that end with the stack, all of them started at once: each mostly waits for itself.

    Raises:
        GatewrightError: one of them does not start.
    """
    with ThreadPoolExecutor(len(servers)) as pool:
        starting = [pool.submit(stack.enter_context, server) for server in servers]
    for started in starting:
        started.result()


def start_postgres(stack: ExitStack, *, durable: bool) -> EmbeddedPostgres:
    """A database server that ends with the stack.

    Raises:
        NotHere: this machine has none, and no continuous integration counts on it.
    """
    try:
        return stack.enter_context(EmbeddedPostgres(durable=durable))
    except (PostgresMissing, PostgresError) as error:
        if os.environ.get("CI"):
            raise
        raise NotHere(str(error)) from error


def free_ports(number: int) -> Iterator[int]:
    """Ports of loopback that nobody listens on at the moment."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        yield from [each.getsockname()[1] for each in sockets]


def clean_environment() -> dict[str, str]:
    """Our environment without settings of the service, and with a path on which it is found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MULTYAGENTS_")}
    source = str(Path(multyagents_api.__file__).parents[1])
    given = kept.get("PYTHONPATH")
    return {**kept, "PYTHONPATH": os.pathsep.join([source, given] if given else [source])}
