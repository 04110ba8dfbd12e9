"""The races of the API: two dispatches, two reruns of one failure, a dispatch against its approval."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from gatewright.race import Actor, Client, History, Scenario, invariant
from multyagents_api.bootstrap import Settings, create_app
from multyagents_api.scenarios import races_oracles as oracles
from multyagents_api.scenarios.races_state import RunState, answered, observe_run
from multyagents_api.scenarios.run_model import RunModel

__all__ = ["SCENARIOS", "ApiScenario", "ApprovalDispatch", "ParallelDispatch", "PartialRerun"]

BUSY_TIMEOUT_S = 60.0
"""Longer than any exploration lets a statement wait; time is virtual there."""


def step(step_id: str, *, after: Sequence[str] = (), gated: bool = False) -> dict[str, Any]:
    """A step of a template, but for its role."""
    return {"step_id": step_id, "title": step_id, "depends_on": list(after), "requires_approval": gated}


class ApiScenario(Scenario):
    """What the races share: the app, a run of a template, and everything that must hold of a run."""

    steps: Sequence[dict[str, Any]] = ()

    def __init__(self) -> None:
        self._template = ""
        self.run = ""
        self.task_ids: dict[str, str] = {}
        self._before: RunState | None = None

    def create_app(self, folder: Path) -> FastAPI:
        """The service over the race's database file."""
        return create_app(Settings(database=folder / "race.db", busy_timeout_s=BUSY_TIMEOUT_S))

    def create_app_at(self, url: str) -> FastAPI:
        """The service over the race's database on a PostgreSQL server."""
        return create_app(Settings(database=url, busy_timeout_s=BUSY_TIMEOUT_S))

    async def setup(self, client: Client) -> None:
        """Start a run, and bring it to where the race begins; the template is made once."""
        if not self._template:
            role = answered(await client.post("/roles", {"name": f"{self.name} racer"}))
            steps = [{**each, "role_id": role["id"]} for each in self.steps]
            demand = {"name": self.name, "steps": steps}
            self._template = answered(await client.post("/workflow-templates", demand))["id"]
        run = answered(await client.post("/workflow-runs", {"workflow_template_id": self._template}))
        self.run = run["id"]
        self.task_ids = {task["step_id"]: task["id"] for task in run["tasks"]}
        await self.approach(client)
        self._before = await observe_run(client, self.run)

    async def approach(self, client: Client) -> None:
        """From the new run to the moment before the race."""

    async def observe(self, client: Client) -> RunState:
        """The run after the race."""
        return await observe_run(client, self.run, self._before.events if self._before else ())

    def model(self) -> RunModel:
        """The run as it must behave if requests came one after the other."""
        assert self._before is not None, "the set-up comes first"
        return RunModel(self.run, self._before)

    async def dispatch(self, client: Client) -> None:
        """One actor's part: dispatch what is ready."""
        await client.post(f"/workflow-runs/{self.run}/dispatch-ready")

    @invariant("single-dispatch", "an attempt of a task is dispatched once", at_every_commit=True)
    def single_dispatch(self, _history: History, state: RunState) -> Iterable[str]:
        """Invariant 1."""
        return oracles.single_dispatches(state)

    @invariant("acknowledged-dispatch", "each dispatch was acknowledged once, each acknowledgement happened")
    def acknowledged_dispatch(self, history: History, state: RunState) -> Iterable[str]:
        """Invariant 1."""
        return oracles.acknowledged_dispatches(history, state)

    @invariant(
        "dispatch-by-the-rules",
        "no dispatch without approval or dependencies, or in a held run",
        at_every_commit=True,
    )
    def dispatch_by_the_rules(self, _history: History, state: RunState) -> Iterable[str]:
        """Invariant 2."""
        return oracles.dispatched_by_the_rules(state)

    @invariant(
        "one-active-attempt", "attempts only grow, and at most one of a task is active", at_every_commit=True
    )
    def one_active_attempt(self, _history: History, state: RunState) -> Iterable[str]:
        """Invariant 3."""
        return oracles.attempts_are_exclusive(state)

    @invariant("counted-reruns", "reruns counted, accepted and told are as many, and so are resets")
    def counted_reruns(self, history: History, state: RunState) -> Iterable[str]:
        """Invariant 4."""
        return oracles.counted_reruns(history, state)

    @invariant("one-end", "an attempt has one terminal status, and none after it", at_every_commit=True)
    def one_end(self, _history: History, state: RunState) -> Iterable[str]:
        """Invariant 5."""
        return oracles.ended_once(state)

    @invariant("run-status", "the run's status follows from its tasks", at_every_commit=True)
    def run_status(self, _history: History, state: RunState) -> Iterable[str]:
        """Invariant 6."""
        return oracles.run_follows_from_tasks(state)

    @invariant(
        "gapless-events", "events of a run are numbered without gap or repetition", at_every_commit=True
    )
    def gapless_events(self, _history: History, state: RunState) -> Iterable[str]:
        """Invariant 7."""
        return oracles.sequences_are_gapless(state)

    @invariant("one-decision", "an approval is decided once, as clients were told", at_every_commit=True)
    def one_decision(self, history: History, state: RunState) -> Iterable[str]:
        """Invariant 8."""
        return oracles.decided_once(history, state)


class ParallelDispatch(ApiScenario):
    """Two clients dispatch the ready tasks of one run."""

    name = "parallel-dispatch-race"
    steps = (step("build"), step("lint"), step("ship", after=["build"]))

    def actors(self) -> Mapping[str, Actor]:
        """Two who dispatch."""
        return {"alice": self.dispatch, "bob": self.dispatch}

    @invariant("some-dispatch", "of concurrent dispatches of ready tasks one is carried out at least")
    def some_dispatch(self, history: History, _state: RunState) -> Iterable[str]:
        """A ready task is dispatched."""
        return oracles.somebody_dispatched(history)


class PartialRerun(ApiScenario):
    """Two clients rerun one failure while a third dispatches what is ready."""

    name = "partial-rerun-race"
    steps = (step("build"), step("lint"), step("docs"), step("ship", after=["build"]))
    failing = ("build", "lint", "docs")

    async def approach(self, client: Client) -> None:
        """The first steps are dispatched and fail."""
        for _ in self.failing:
            dispatch = answered(await client.post(f"/workflow-runs/{self.run}/dispatch-ready"))
            assert dispatch["dispatched"], f"a step was not dispatched: {dispatch['reason']}"
            callback = {"attempt": dispatch["attempt"], "status": "failed"}
            answered(await client.post(f"/runner/tasks/{dispatch['task_id']}/status", callback))

    def actors(self) -> Mapping[str, Actor]:
        """Two who rerun, one of them dispatching at once, and one who dispatches."""
        return {
            "alice": partial(self.rerun, step_id="build"),
            "bob": partial(self.rerun, step_id="build", auto_dispatch=True),
            "carol": self.dispatch,
        }

    def crowd(self, size: int) -> Mapping[str, Actor]:
        """Neighbours, who are on different servers, rerun the same failure; the last one also dispatches.

        Only the last: a dispatch closes the window for all reruns behind it.
        """
        pairs = [partial(self.rerun, step_id=step_id) for step_id in self.failing for _ in range(2)]
        reruns = [pairs[number % len(pairs)] for number in range(size - 1)]
        last = partial(self.rerun, step_id=self.failing[-1], auto_dispatch=True)
        return {f"client-{number}": part for number, part in enumerate([*reruns, last], start=1)}

    async def rerun(self, client: Client, *, step_id: str, auto_dispatch: bool = False) -> None:
        """One actor's part: rerun a failure."""
        demand = {
            "task_ids": [self.task_ids[step_id]],
            "requested_by": "racer",
            "reason": "it failed",
            "auto_dispatch": auto_dispatch,
        }
        await client.post(f"/workflow-runs/{self.run}/partial-rerun", demand)

    @invariant("one-rerun", "of concurrent reruns of one failure one is accepted, the others get 409")
    def one_rerun(self, history: History, _state: RunState) -> Iterable[str]:
        """The rule of partial reruns."""
        return oracles.one_rerun_of_each_failure(history)


class ApprovalDispatch(ApiScenario):
    """A dispatch races the approval and the rejection of its task."""

    name = "approval-dispatch-race"
    steps = (step("deploy", gated=True), step("announce", after=["deploy"]))

    def __init__(self) -> None:
        super().__init__()
        self._approval = ""

    async def approach(self, client: Client) -> None:
        """Learn the approval that the task waits for."""
        self._approval = answered(await client.get(f"/tasks/{self.task_ids['deploy']}/approval"))["id"]

    def actors(self) -> Mapping[str, Actor]:
        """One who dispatches, one who approves, one who rejects."""
        return {"alice": self.dispatch, "bob": self.approve, "carol": self.reject}

    def crowd(self, size: int) -> Mapping[str, Actor]:
        """Mostly dispatches: a decision that comes first closes the window for all of them."""
        parts = [self.dispatch, self.dispatch, self.approve, self.dispatch, self.dispatch, self.reject]
        return {f"client-{number}": parts[number % len(parts)] for number in range(size)}

    @invariant("some-decision", "of concurrent decisions of a pending approval one is accepted")
    def some_decision(self, history: History, _state: RunState) -> Iterable[str]:
        """A pending approval is decided."""
        return oracles.somebody_decided(history)

    async def approve(self, client: Client) -> None:
        """One actor's part: approve."""
        await client.post(f"/approvals/{self._approval}/approve", {"actor": "approver"})

    async def reject(self, client: Client) -> None:
        """One actor's part: reject."""
        await client.post(f"/approvals/{self._approval}/reject", {"actor": "rejecter"})


SCENARIOS: tuple[type[ApiScenario], ...] = (ParallelDispatch, PartialRerun, ApprovalDispatch)
