"""The races of the API: two dispatches, two reruns of one failure, a dispatch against its approval."""

from collections.abc import Iterable, Mapping

from gatewright.race import Actor, Client, History, invariant
from multyagents_api.scenarios.oracles import runs as oracles
from multyagents_api.scenarios.oracles.run_state import RunState
from multyagents_api.scenarios.races.scenario import ModelledScenario, step

__all__ = ["ApprovalDispatch", "ParallelDispatch", "PartialRerun"]


class ParallelDispatch(ModelledScenario):
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


class PartialRerun(ModelledScenario):
    """Two clients rerun one failure while a third dispatches what is ready."""

    name = "partial-rerun-race"
    steps = (step("build"), step("lint"), step("docs"), step("ship", after=["build"]))
    failing = ("build", "lint", "docs")

    async def approach(self, client: Client) -> None:
        """The first steps are dispatched and fail."""
        await self.dispatched(client, *["failed"] * len(self.failing))

    def actors(self) -> Mapping[str, Actor]:
        """Two who rerun, one of them dispatching at once, and one who dispatches."""
        return {
            "alice": self.rerun_of("build"),
            "bob": self.rerun_of("build", auto_dispatch=True),
            "carol": self.dispatch,
        }

    def crowd(self, size: int) -> Mapping[str, Actor]:
        """Neighbours, who are on different servers, rerun the same failure; the last one also dispatches.

        Only the last: a dispatch closes the window for all reruns behind it.
        """
        pairs = [self.rerun_of(step_id) for step_id in self.failing for _ in range(2)]
        reruns = [pairs[number % len(pairs)] for number in range(size - 1)]
        last = self.rerun_of(self.failing[-1], auto_dispatch=True)
        return {f"client-{number}": part for number, part in enumerate([*reruns, last], start=1)}

    def rerun_of(self, step_id: str, *, auto_dispatch: bool = False) -> Actor:
        """One actor's part: rerun a failure."""
        return lambda client: self.rerun(client, step_id, auto_dispatch=auto_dispatch)

    @invariant("one-rerun", "of concurrent reruns of one failure one is accepted, the others get 409")
    def one_rerun(self, history: History, _state: RunState) -> Iterable[str]:
        """The rule of partial reruns."""
        return oracles.one_rerun_of_each_failure(history)


class ApprovalDispatch(ModelledScenario):
    """A dispatch races the approval and the rejection of its task."""

    name = "approval-dispatch-race"
    steps = (step("deploy", gated=True), step("announce", after=["deploy"]))

    def __init__(self) -> None:
        super().__init__()
        self._approval = ""

    async def approach(self, client: Client) -> None:
        """Learn the approval that the task waits for."""
        self._approval = await self.approval_of(client, "deploy")

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
