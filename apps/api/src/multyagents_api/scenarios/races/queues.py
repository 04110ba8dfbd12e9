"""Races for what is ready: free work behind gated work, paths, tasks without a run, the outbox, readers."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from gatewright.race import Actor, Client, History, Scenario, invariant
from multyagents_api.bootstrap import AuthKind, Settings, create_app
from multyagents_api.scenarios.oracles import order
from multyagents_api.scenarios.oracles.run_state import RunState, answered, observe_run
from multyagents_api.scenarios.races.scenario import BUSY_TIMEOUT_S, ApiScenario, ModelledScenario, step
from multyagents_api.service.outbox import OVERDUE_AFTER
from multyagents_api.service.runners import Submission, SubmissionResult

__all__ = ["Adoption", "Onlooker", "Outbox", "PathLock", "Queue"]


class Queue(ModelledScenario):
    """Two clients dispatch where a step that waits for its approval stands before one that is free."""

    name = "queue-race"
    steps = (step("deploy", gated=True), step("lint"))

    def actors(self) -> Mapping[str, Actor]:
        """Two who dispatch."""
        return {"alice": self.dispatch, "bob": self.dispatch}


class Onlooker(ModelledScenario):
    """Somebody reads the run, the audit and the events of a task while it is dispatched."""

    name = "onlooker-race"
    steps = (step("deploy", gated=True),)

    async def approach(self, client: Client) -> None:
        """The step is approved."""
        approval = await self.approval_of(client, "deploy")
        answered(await client.post(f"/approvals/{approval}/approve", {"actor": "boss", "comment": "go"}))

    def actors(self) -> Mapping[str, Actor]:
        """One who dispatches, one who looks on."""
        return {"alice": self.dispatch, "bob": self.look}

    async def look(self, client: Client) -> None:
        """Read the run, then what must be there with it."""
        await client.get(f"/workflow-runs/{self.run}")
        await client.get(f"/tasks/{self.task_ids['deploy']}/audit")
        await client.get(f"/events?run_id={self.run}&limit=500")

    @invariant("whole-reads", "what a reader saw has its audit and its events")
    def whole_reads(self, history: History, _state: RunState) -> Iterable[str]:
        """A dispatch, its outbox row and its events are there at once, or not at all."""
        return order.reads_are_whole(history)


class PathLock(ApiScenario):
    """Two runs want one path: the second gets it when the first is done with it."""

    name = "path-lock-race"
    steps = (step("build", locks=["src"]),)
    project = "/srv"

    def __init__(self) -> None:
        super().__init__()
        self.rival = ""
        self._rival_task = ""

    async def approach(self, client: Client) -> None:
        """Another run of the same template waits, too."""
        run = answered(await client.post("/workflow-runs", {"workflow_template_id": self.template}))
        self.rival, self._rival_task = run["id"], run["tasks"][0]["id"]

    def actors(self) -> Mapping[str, Actor]:
        """One who has the first run's step done, one who dispatches the second run's."""
        return {
            "alice": self.have_it_done,
            "bob": lambda client: client.post(f"/workflow-runs/{self.rival}/dispatch-ready"),
        }

    async def have_it_done(self, client: Client) -> None:
        """Dispatch the step, and report its end."""
        await self.dispatch(client)
        await self.report(client, "build", "success")

    async def observe(self, client: Client) -> "SharedPlace":
        """Both runs."""
        mine = await super().observe(client)
        known = {each.name: getattr(mine, each.name) for each in fields(mine)}
        return SharedPlace(**known, rival=await observe_run(client, self.rival))

    @invariant("acknowledged-dispatch", "each dispatch was acknowledged once, each acknowledgement happened")
    def acknowledged_dispatch(self, history: History, state: RunState) -> Iterable[str]:
        """Invariant 1, of this run's own requests."""
        mine = [op for op in history if f"/{self.rival}/" not in op.path]
        return super().acknowledged_dispatch(History(mine), state)

    @invariant("exclusive-paths", "a path is locked by one active attempt")
    def exclusive_paths(self, _history: History, state: "SharedPlace") -> Iterable[str]:
        """Invariant 9."""
        locks = {self.task_ids["build"]: "/srv/src", self._rival_task: "/srv/src"}
        return order.paths_are_exclusive([state, state.rival], locks)


@dataclass(frozen=True, slots=True)
class SharedPlace(RunState):
    """A run, and another one that wants the same place."""

    rival: RunState = field(kw_only=True)


class Adoption(Scenario):
    """Two clients make a run of the same task, which belongs to none yet."""

    name = "adoption-race"

    def __init__(self) -> None:
        self._role = ""
        self._task = ""

    def create_app(self, folder: Path) -> FastAPI:
        """The service over the race's database file."""
        return create_app(
            Settings(database=folder / "race.db", busy_timeout_s=BUSY_TIMEOUT_S, auth=AuthKind.OFF)
        )

    def create_app_at(self, url: str) -> FastAPI:
        """The service over the race's database on a PostgreSQL server."""
        return create_app(Settings(database=url, busy_timeout_s=BUSY_TIMEOUT_S, auth=AuthKind.OFF))

    async def setup(self, client: Client) -> None:
        """Make a task by itself."""
        if not self._role:
            self._role = answered(await client.post("/roles", {"name": f"{self.name} racer"}))["id"]
        self._task = answered(await client.post("/tasks", {**step("build"), "role_id": self._role}))["id"]

    def actors(self) -> Mapping[str, Actor]:
        """Two who want the task."""
        return {"alice": self.adopt, "bob": self.adopt}

    async def adopt(self, client: Client) -> None:
        """Make a run of the task."""
        await client.post("/workflow-runs", {"task_ids": [self._task]})

    async def observe(self, client: Client) -> Any:
        """The task after the race."""
        return answered(await client.get(f"/tasks/{self._task}"))

    @invariant("one-run", "a task is taken up by one run, which is the one that it tells")
    def one_run(self, history: History, state: Any) -> Iterable[str]:
        """The rule of runs of tasks."""
        made = [(op.actor, op.response.json["id"]) for op in history if op.response.ok]  # type: ignore[index]  # a run
        told = ", ".join(f"{actor}'s run {run}" for actor, run in made)
        if len(made) > 1:
            yield f"the task was taken up by {told}"
        if len(made) == 1 and made[0][1] != state["run_id"]:
            yield f"the task was taken up by {told}, and belongs to run {state['run_id']}"
        if not made and all(op.answered for op in history):
            yield "no run took up the task"


class CountingRunner:
    """A runner that counts what it is handed; `absent` lets nobody reach it."""

    def __init__(self, *, absent: bool = False) -> None:
        self._absent = absent
        self.handed: Counter[tuple[int, int]] = Counter()

    async def submit(self, submission: Submission) -> SubmissionResult:
        """Note it, and accept."""
        if self._absent:
            raise ConnectionError("nobody is there")
        self.handed[submission.task_id, submission.attempt] += 1
        return SubmissionResult(accepted=True)

    async def cancel(self, task_id: int, attempt: int) -> None:
        """Nothing to stop."""


class Outbox(ModelledScenario):
    """Two servers sweep one outbox: a dispatch that is overdue is taken on by one of them.

    Its actors are the servers themselves, so that there is nothing to ask for over HTTP.
    """

    name = "outbox-race"
    steps = (step("build"),)

    def __init__(self) -> None:
        super().__init__()
        self._runner = CountingRunner()

    async def approach(self, client: Client) -> None:
        """The step is dispatched while the runner is out of reach."""
        services = client.app.state.services
        outbox = replace(services.outbox, runner=CountingRunner(absent=True))
        await replace(services.dispatching, outbox=outbox).dispatch_ready(int(self.run))

    def reset(self) -> None:
        """Forget what the runner was handed."""
        self._runner.handed.clear()

    def actors(self) -> Mapping[str, Actor]:
        """Two servers, some time later."""
        return {"alice": self.sweep, "bob": self.sweep}

    async def sweep(self, client: Client) -> None:
        """Deliver what is overdue."""
        await asyncio.sleep(2 * OVERDUE_AFTER.total_seconds())
        outbox = replace(client.app.state.services.outbox, runner=self._runner)
        await outbox.deliver_overdue(after=OVERDUE_AFTER)

    @invariant("handed-once", "of servers that sweep at once one takes a dispatch on")
    def handed_once(self, _history: History, _state: RunState) -> Iterable[str]:
        """The rule of the outbox."""
        for (task_id, attempt), times in self._runner.handed.items():
            if times > 1:
                yield f"task {task_id} attempt {attempt} was handed to the runner {times} times"
        if not self._runner.handed:
            yield "nobody took the overdue dispatch on"
