"""What the races of the API share: the app, a run of a template, the parts of actors, and what must hold."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from gatewright.race import Client, History, Response, Scenario, invariant
from multyagents_api.bootstrap import AuthKind, RunnerKind, Settings, create_app
from multyagents_api.runner.accept import AcceptingRunner
from multyagents_api.scenarios.oracles import order
from multyagents_api.scenarios.oracles import runs as oracles
from multyagents_api.scenarios.oracles.run_model import RunModel
from multyagents_api.scenarios.oracles.run_state import RunState, answered, observe_run
from multyagents_api.scenarios.validators import share_validators

__all__ = ["LEASE_S", "ApiScenario", "ModelledScenario", "step"]

BUSY_TIMEOUT_S = 60.0
"""Longer than any exploration lets a statement wait; time is virtual there."""
LEASE_S = 30.0


def racing(database: Path | str) -> FastAPI:
    """The service with a runner that accepts everything, and that can be lost: one app serves all races."""
    share_validators()
    settings = Settings(
        database=database,
        busy_timeout_s=BUSY_TIMEOUT_S,
        runner=RunnerKind.HTTP,
        lease_s=LEASE_S,
        auth=AuthKind.OFF,
    )
    return create_app(settings, runner=AcceptingRunner())


def step(
    step_id: str, *, after: Sequence[str] = (), gated: bool = False, locks: Sequence[str] = ()
) -> dict[str, Any]:
    """A step of a template, but for its role."""
    whole = {"step_id": step_id, "title": step_id, "depends_on": list(after), "requires_approval": gated}
    return {**whole, "execution_mode": "shared-workspace", "lock_paths": list(locks)} if locks else whole


class ApiScenario(Scenario):
    """A race around one run: everything that must hold of a run, whoever raced for what."""

    steps: Sequence[dict[str, Any]] = ()
    retries: Mapping[str, Any] = {}
    """The retry policy of the role that all steps have."""
    project: str = ""
    """The root of the project that the steps work in, if they do."""

    def __init__(self) -> None:
        self.template = ""
        self.run = ""
        self.task_ids: dict[str, str] = {}
        self.before: RunState | None = None

    def create_app(self, folder: Path) -> FastAPI:
        """The service over the race's database file."""
        return racing(folder / "race.db")

    def create_app_at(self, url: str) -> FastAPI:
        """The service over the race's database on a PostgreSQL server."""
        return racing(url)

    async def setup(self, client: Client) -> None:
        """Start a run, and bring it to where the race begins; the template is made once."""
        if not self.template:
            self.template = await self._make_template(client)
        run = answered(await client.post("/workflow-runs", {"workflow_template_id": self.template}))
        self.run = run["id"]
        self.task_ids = {task["step_id"]: task["id"] for task in run["tasks"]}
        await self.approach(client)
        self.before = await observe_run(client, self.run)

    async def _make_template(self, client: Client) -> str:
        whole: dict[str, Any] = {"name": f"{self.name} racer"}
        if self.retries:
            whole["retry_policy"] = self.retries
        role = answered(await client.post("/roles", whole))
        steps = [{**each, "role_id": role["id"]} for each in self.steps]
        demand: dict[str, Any] = {"name": self.name, "steps": steps}
        if self.project:
            place = {"name": self.name, "root_path": self.project}
            demand["project_id"] = answered(await client.post("/projects", place))["id"]
        return str(answered(await client.post("/workflow-templates", demand))["id"])

    async def approach(self, client: Client) -> None:
        """From the new run to the moment before the race."""

    async def observe(self, client: Client) -> RunState:
        """The run after the race."""
        return await observe_run(client, self.run, self.before.events if self.before else ())

    async def dispatched(self, client: Client, *ends: str) -> None:
        """On the approach: dispatch one step after the other, and report their ends; none for an empty word.

        Raises:
            AssertionError: one was refused.
        """
        for end in ends:
            dispatch = answered(await self.dispatch(client))
            assert dispatch["dispatched"], f"a step was not dispatched: {dispatch['reason']}"
            if end:
                callback = {"attempt": dispatch["attempt"], "status": end}
                answered(await client.post(f"/runner/tasks/{dispatch['task_id']}/status", callback))

    async def dispatch(self, client: Client) -> Response:
        """Dispatch what is ready."""
        return await client.post(f"/workflow-runs/{self.run}/dispatch-ready")

    async def report(
        self, client: Client, step_id: str, *statuses: str, attempt: int = 1, **more: Any
    ) -> None:
        """Call back as the runner, for each status in turn."""
        for status in statuses:
            callback = {"attempt": attempt, "status": status, **more}
            await client.post(f"/runner/tasks/{self.task_ids[step_id]}/status", callback)

    async def rerun(
        self, client: Client, *step_ids: str, auto_dispatch: bool = False, **more: Any
    ) -> Response:
        """Rerun failed steps."""
        demand = {
            "task_ids": [self.task_ids[step_id] for step_id in step_ids],
            "requested_by": "racer",
            "reason": "it failed",
            "auto_dispatch": auto_dispatch,
            **more,
        }
        return await client.post(f"/workflow-runs/{self.run}/partial-rerun", demand)

    async def operate(self, client: Client, verb: str) -> Response:
        """Pause, resume or abort."""
        return await client.post(f"/workflow-runs/{self.run}/{verb}", {"actor": "operator"})

    async def approval_of(self, client: Client, step_id: str) -> str:
        """The approval that a step waits for."""
        return str(answered(await client.get(f"/tasks/{self.task_ids[step_id]}/approval"))["id"])

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

    @invariant(
        "rerun-by-the-rules", "only what failed is reset, once, in a run that nobody holds or works on",
        at_every_commit=True,
    )  # fmt: skip
    def rerun_by_the_rules(self, _history: History, state: RunState) -> Iterable[str]:
        """The rule of partial reruns."""
        return order.rerun_by_the_rules(state)

    @invariant("one-end", "an attempt has one terminal status, and none after it", at_every_commit=True)
    def one_end(self, _history: History, state: RunState) -> Iterable[str]:
        """Invariant 5."""
        return oracles.ended_once(state)

    @invariant("forward-only", "what is told of an attempt goes forward", at_every_commit=True)
    def forward_only(self, _history: History, state: RunState) -> Iterable[str]:
        """The rule of callbacks and cancels."""
        return order.statuses_go_forward(state)

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

    @invariant("decision-in-time", "nothing is decided of a task that no longer waits", at_every_commit=True)
    def decision_in_time(self, _history: History, state: RunState) -> Iterable[str]:
        """The rule of approvals."""
        return order.decided_in_time(state)

    @invariant("kept-audit", "an attempt that needed an approval keeps whose it was")
    def kept_audit(self, _history: History, state: RunState) -> Iterable[str]:
        """Invariant 8."""
        return order.audit_is_kept(state)

    @invariant("told-once", "what blocks a dispatch is told once", at_every_commit=True)
    def told_once(self, _history: History, state: RunState) -> Iterable[str]:
        """The rule of blocked dispatches."""
        return order.blocks_are_told_once(state)

    @invariant("patience", "nobody is told to try again while few others are at it")
    def patience(self, history: History, _state: RunState) -> Iterable[str]:
        """Whom others overtake decides again."""
        return order.nobody_gave_up(history)


class ModelledScenario(ApiScenario):
    """A race whose answers and final state are also those of some order of its requests."""

    def model(self) -> RunModel:
        """The run as it must behave if requests came one after the other."""
        assert self.before is not None, "the set-up comes first"
        return RunModel(self.run, self.before)
