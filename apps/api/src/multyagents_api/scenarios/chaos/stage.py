"""Where drills of chaos take place: what they share, how patient they are, and which moments they choose."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Self

from gatewright.suites.drill import Logbook
from multyagents_api.scenarios.api_client import ApiClient
from multyagents_api.scenarios.chaos.crowd import Crowd, always, await_condition, prepare_template
from multyagents_api.scenarios.chaos.expectations import judge
from multyagents_api.scenarios.embedded_postgres import EmbeddedPostgres
from multyagents_api.scenarios.topology import PYTHON, Place, Plan, Topology, start_postgres

__all__ = ["Amount", "Stage"]

STEPS = 3
EARLIEST, LATEST = 10, 60
"""Answers of a crowd before something is taken away."""

STORE_TIMEOUT_S = 1.0
RUNNER_BUDGET_S = 0.5
LIMITS = {
    "MULTYAGENTS_STORE_TIMEOUT": f"{STORE_TIMEOUT_S:g}",
    "MULTYAGENTS_RUNNER_BUDGET": f"{RUNNER_BUDGET_S:g}",
}
"""Short ones, so that a drill sees them reached."""

SKEWED = (PYTHON[0], "-m", "multyagents_api.scenarios.skewed_server")


@dataclass(frozen=True, kw_only=True)
class Amount:
    """How much is done, and with what.

    Attributes:
        repetitions: of what each drill does, on the same processes.
        clients: in a crowd.
        patience_s: for how long something that must come true is waited for.
        longest_s: that a request may take: some times the limits that the service is given.
        seed: of the moments.
        command: what starts the service, but for its sub-command: a test may plant a fault here.
        skewed_command: the same where its clock can be turned.
    """

    repetitions: int = 1
    clients: int = 4
    patience_s: float = 30.0
    longest_s: float = 12.0
    seed: int = 1
    command: Sequence[str] = PYTHON
    skewed_command: Sequence[str] = SKEWED


class Stage:
    """What the drills of one run share; leaving ends it.

    Args:
        amount: how much is done.
    """

    def __init__(self, amount: Amount) -> None:
        self.amount = amount
        self._postgres: EmbeddedPostgres | None = None
        self._resources = ExitStack()
        self._numbers = count(1)

    def postgres(self) -> EmbeddedPostgres:
        """The database server of all drills, which survives its own crash; started by the first that asks.

        Raises:
            NotHere: this machine has none, and no continuous integration counts on it.
        """
        if self._postgres is None:
            self._postgres = start_postgres(self._resources, durable=True)
        return self._postgres

    def new_database(self) -> str:
        """The name of a new database on that server."""
        name = f"drill{self.number()}"
        self.postgres().create_database(name)
        return name

    def number(self) -> int:
        """A number that was not given before, for names that must differ."""
        return next(self._numbers)

    def topology(
        self,
        place: Place = "sqlite",
        *,
        database: str = "",
        apis: int = 1,
        settings: Mapping[str, str] | None = None,
        command: Sequence[str] = (),
    ) -> Topology:
        """API processes with short limits, on a database of their own or on the one that is named."""
        if place == "postgresql" and not database:
            database = self.postgres().url(self.new_database())
        return Topology(
            Plan(
                place=place,
                apis=apis,
                database=database,
                settings={**LIMITS, **(settings or {})},
                command=command or self.amount.command,
            )
        )

    def crowd(
        self,
        topology: Topology,
        may_report: Callable[[str, int], bool] = always,
        *,
        command: Sequence[str] = (),
        steps: int = STEPS,
    ) -> Crowd:
        """Clients of all API processes by turns; entering starts them."""
        template_id = prepare_template(topology.client(), f"the crowd {self.number()}", steps, command)
        timeout_s = self.amount.longest_s + 1
        clients = [
            topology.client(number % len(topology.apis), timeout_s=timeout_s)
            for number in range(self.amount.clients)
        ]
        return Crowd(clients, template_id, patience_s=self.amount.patience_s, may_report=may_report)

    def await_condition(self, what: str, condition: Callable[[], object]) -> None:
        """Wait until something holds.

        Raises:
            GaveUp: it did not.
        """
        await_condition(what, condition, self.amount.patience_s)

    def judge(self, log: Logbook, crowd: Crowd, client: ApiClient) -> None:
        """Look at everything that holds after every drill."""
        judge(
            log,
            crowd.journal,
            client,
            longest_s=self.amount.longest_s,
            complaints=crowd.complaints,
        )

    def moments(self, drill: str) -> Iterator[int]:
        """After how many answers something happens, for each repetition; equal seeds give equal ones."""
        chance = random.Random(f"{self.amount.seed} {drill}")  # noqa: S311 - repeatable on purpose
        for _ in range(self.amount.repetitions):
            yield chance.randint(EARLIEST, LATEST)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()
