"""Races with operators, who pause and abort runs while others work on them."""

from collections.abc import Mapping

from gatewright.race import Actor, Client
from multyagents_api.scenarios.races.scenario import ModelledScenario, step

__all__ = ["AbortDispatch", "Operators", "PauseDispatch"]


class PauseDispatch(ModelledScenario):
    """A dispatch races the pause of its run."""

    name = "pause-dispatch-race"
    steps = (step("build"), step("lint"))

    def actors(self) -> Mapping[str, Actor]:
        """One who dispatches, one who pauses."""
        return {"alice": self.dispatch, "bob": lambda client: self.operate(client, "pause")}

    def crowd(self, size: int) -> Mapping[str, Actor]:
        """One pause amid dispatches."""
        pause = self.actors()["bob"]
        return {f"client-{n}": pause if n == size // 2 else self.dispatch for n in range(size)}


class Operators(ModelledScenario):
    """Two operators hold one run, each in a way of its own, while it comes to its end."""

    name = "operator-race"
    steps = (step("build"),)

    async def approach(self, client: Client) -> None:
        """The only step is with the runner."""
        await self.dispatched(client, "")

    def actors(self) -> Mapping[str, Actor]:
        """One who pauses, one who aborts, and the runner."""
        return {
            "alice": lambda client: self.operate(client, "pause"),
            "bob": lambda client: self.report(client, "build", "success"),
            "carol": lambda client: self.operate(client, "abort"),
        }


class AbortDispatch(ModelledScenario):
    """An abort races a dispatch, and the approval of what it cancels."""

    name = "abort-dispatch-race"
    steps = (step("build"), step("deploy", gated=True))

    def __init__(self) -> None:
        super().__init__()
        self._approval = ""

    async def approach(self, client: Client) -> None:
        """Learn the approval that the second step waits for."""
        self._approval = await self.approval_of(client, "deploy")

    def actors(self) -> Mapping[str, Actor]:
        """One who aborts, one who dispatches, one who approves."""
        return {
            "alice": lambda client: self.operate(client, "abort"),
            "bob": self.dispatch,
            "carol": lambda client: client.post(f"/approvals/{self._approval}/approve", {"actor": "boss"}),
        }
