"""Races around partial reruns: for counts, for the rules that they ask, and through more than one attempt."""

from collections.abc import Iterable, Mapping

from gatewright.race import Actor, Client, History, invariant
from multyagents_api.scenarios.oracles import order
from multyagents_api.scenarios.oracles.run_state import RunState, answered
from multyagents_api.scenarios.races.scenario import ApiScenario, ModelledScenario, step

__all__ = [
    "FallingDependency",
    "HeldRerun",
    "LateArtifact",
    "Reapproval",
    "RerunDispatch",
    "RerunTwice",
    "TwoReruns",
]


class TwoReruns(ModelledScenario):
    """Two failures of one run are rerun by two clients: both are accepted, and both are counted."""

    name = "two-reruns-race"
    steps = (step("build"), step("lint"))

    async def approach(self, client: Client) -> None:
        """Both steps failed."""
        await self.dispatched(client, "failed", "failed")

    def actors(self) -> Mapping[str, Actor]:
        """Two who rerun a failure each."""
        return {
            "alice": lambda client: self.rerun(client, "build"),
            "bob": lambda client: self.rerun(client, "lint"),
        }


class RerunDispatch(ModelledScenario):
    """A rerun of the first step races a dispatch, which may take the second one instead."""

    name = "rerun-dispatch-race"
    steps = (step("build"), step("lint"))

    async def approach(self, client: Client) -> None:
        """The first step failed, the second waits."""
        await self.dispatched(client, "failed")

    def actors(self) -> Mapping[str, Actor]:
        """One who reruns, one who dispatches."""
        return {"alice": lambda client: self.rerun(client, "build"), "bob": self.dispatch}


class HeldRerun(ModelledScenario):
    """A rerun races the pause of its run."""

    name = "held-rerun-race"
    steps = (step("build"), step("lint"))

    async def approach(self, client: Client) -> None:
        """The first step failed, the second waits."""
        await self.dispatched(client, "failed")

    def actors(self) -> Mapping[str, Actor]:
        """One who reruns, one who pauses."""
        return {
            "alice": lambda client: self.rerun(client, "build"),
            "bob": lambda client: self.operate(client, "pause"),
        }


class RerunTwice(ModelledScenario):
    """A rerun is decided upon one failure and written upon the next: all looks as it did before."""

    name = "rerun-twice-race"
    steps = (step("build"),)

    async def approach(self, client: Client) -> None:
        """The step failed."""
        await self.dispatched(client, "failed")

    def actors(self) -> Mapping[str, Actor]:
        """One who reruns, and one whose rerun has failed again."""
        return {"alice": lambda client: self.rerun(client, "build"), "bob": self.rerun_and_fail}

    async def rerun_and_fail(self, client: Client) -> None:
        """Open the second attempt, and let it fail."""
        await self.rerun(client, "build", auto_dispatch=True)
        await self.report(client, "build", "failed", attempt=2)


class Reapproval(ModelledScenario):
    """A dispatch meets its approval, and the task is rerun before it goes: the next attempt needs another."""

    name = "reapproval-race"
    steps = (step("deploy", gated=True),)

    async def approach(self, client: Client) -> None:
        """The step is approved."""
        approval = await self.approval_of(client, "deploy")
        answered(await client.post(f"/approvals/{approval}/approve", {"actor": "boss", "comment": "once"}))

    def actors(self) -> Mapping[str, Actor]:
        """One who dispatches, and one who has dispatched, failed and rerun meanwhile."""
        return {"alice": self.dispatch, "bob": self.use_up}

    async def use_up(self, client: Client) -> None:
        """Use the approval for an attempt that fails, and rerun the step."""
        await self.dispatch(client)
        await self.report(client, "deploy", "failed")
        await self.rerun(client, "deploy")


class FallingDependency(ModelledScenario):
    """A step is rerun while the one that it waits for fails."""

    name = "falling-dependency-race"
    steps = (step("build"), step("ship", after=["build"], gated=True))

    async def approach(self, client: Client) -> None:
        """The second step was rejected."""
        approval = await self.approval_of(client, "ship")
        answered(await client.post(f"/approvals/{approval}/reject", {"actor": "boss"}))

    def actors(self) -> Mapping[str, Actor]:
        """One who reruns the second step, and one who lets the first one fail."""
        return {"alice": lambda client: self.rerun(client, "ship"), "bob": self.fail}

    async def fail(self, client: Client) -> None:
        """Dispatch the first step, and let it fail."""
        await self.dispatch(client)
        await self.report(client, "build", "failed")


class LateArtifact(ApiScenario):
    """An attempt leaves an artifact behind while somebody who saw it fail reruns it."""

    name = "late-artifact-race"
    steps = (step("build"),)

    def __init__(self) -> None:
        super().__init__()
        self._version = 0

    async def approach(self, client: Client) -> None:
        """The step failed, and the client knows the version of the run."""
        await self.dispatched(client, "failed")
        self._version = answered(await client.get(f"/workflow-runs/{self.run}"))["version"]

    def actors(self) -> Mapping[str, Actor]:
        """A runner with its log, and one who reruns what is as it was seen."""
        return {
            "alice": self.leave_log,
            "bob": lambda client: self.rerun(client, "build", expected_version=self._version),
        }

    async def leave_log(self, client: Client) -> None:
        """Keep what the attempt said."""
        artifact = {"task_id": self.task_ids["build"], "type": "text", "name": "log", "content": "it broke"}
        await client.post("/artifacts", artifact)

    @invariant("artifact-in-time", "an artifact belongs to the latest attempt, not reset since")
    def artifact_in_time(self, _history: History, state: RunState) -> Iterable[str]:
        """The rule of artifacts."""
        return order.artifacts_in_time(state)

    @invariant("rerun-as-expected", "a rerun that expects a version meets it")
    def rerun_as_expected(self, _history: History, state: RunState) -> Iterable[str]:
        """The rule of `expected_version`."""
        return order.rerun_as_expected(state)
