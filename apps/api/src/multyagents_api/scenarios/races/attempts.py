"""Races for one attempt: callbacks, the runner's answer, cancels and retries."""

from collections.abc import Iterable, Mapping
from typing import Any

from gatewright.race import Actor, Client, History, invariant
from multyagents_api.scenarios.oracles import order
from multyagents_api.scenarios.oracles.run_state import RunState
from multyagents_api.scenarios.races.scenario import ApiScenario, ModelledScenario, step

__all__ = [
    "Callback",
    "CancelCompletion",
    "Completion",
    "KeyedCallback",
    "Retry",
    "StaleAttempt",
    "Submission",
]


class Completion(ModelledScenario):
    """The runners of two tasks report their ends: who comes last ends the run."""

    name = "completion-race"
    steps = (step("build"), step("lint"))

    async def approach(self, client: Client) -> None:
        """Both steps are with the runner."""
        await self.dispatched(client, "", "")

    def actors(self) -> Mapping[str, Actor]:
        """Two runners, each with a task of its own."""
        return {
            "alice": lambda client: self.report(client, "build", "success"),
            "bob": lambda client: self.report(client, "lint", "success"),
        }


class Callback(ModelledScenario):
    """Two callbacks about one attempt, one of them late."""

    name = "callback-race"
    steps = (step("build"),)
    carried: Mapping[str, Any] = {}
    """What both callbacks carry besides."""

    async def approach(self, client: Client) -> None:
        """The step is with the runner."""
        await self.dispatched(client, "")

    def actors(self) -> Mapping[str, Actor]:
        """A runner that reports by two ways at once."""
        return {
            "alice": lambda client: self.report(client, "build", "running", **self.carried),
            "bob": lambda client: self.report(client, "build", "success", **self.carried),
        }


class KeyedCallback(Callback):
    """Two callbacks that say different things under one key: one of them is refused."""

    name = "keyed-callback-race"
    carried: Mapping[str, Any] = {"idempotency_key": "the key"}


class Submission(ModelledScenario):
    """A runner that calls back before it has answered the submission."""

    name = "submission-race"
    steps = (step("build"), step("ship", after=["build"]))

    def actors(self) -> Mapping[str, Actor]:
        """One who dispatches, and the runner."""
        return {
            "alice": self.dispatch,
            "bob": lambda client: self.report(client, "build", "running", "success"),
        }


class StaleAttempt(ModelledScenario):
    """A callback about an attempt that is over by the time it is written: the next one is under way."""

    name = "stale-attempt-race"
    steps = (step("build"),)

    async def approach(self, client: Client) -> None:
        """The first attempt is with the runner."""
        await self.dispatched(client, "")

    def actors(self) -> Mapping[str, Actor]:
        """A late runner, and one who reports the failure and has the step done again."""
        return {"alice": lambda client: self.report(client, "build", "success"), "bob": self.fail_and_rerun}

    async def fail_and_rerun(self, client: Client) -> None:
        """Report that the attempt failed, and open the next."""
        await self.report(client, "build", "failed")
        await self.rerun(client, "build", auto_dispatch=True)


class CancelCompletion(ModelledScenario):
    """A cancel races the runner, which goes on and comes to an end."""

    name = "cancel-completion-race"
    steps = (step("build"), step("ship", after=["build"]))

    async def approach(self, client: Client) -> None:
        """The step is with the runner."""
        await self.dispatched(client, "")

    def actors(self) -> Mapping[str, Actor]:
        """One who cancels, and the runner."""
        return {
            "alice": lambda client: client.post(f"/tasks/{self.task_ids['build']}/cancel"),
            "bob": lambda client: self.report(client, "build", "running", "success"),
        }


class Retry(ApiScenario):
    """A failure is reported by two ways at once; the role allows one retry."""

    name = "retry-race"
    steps = (step("build"),)
    most = 1
    retries = {"max_retries": most, "retry_on": ["flaky"]}  # noqa: RUF012 - nobody changes it

    async def approach(self, client: Client) -> None:
        """The first attempt is with the runner."""
        await self.dispatched(client, "")

    def actors(self) -> Mapping[str, Actor]:
        """Two messengers of one failure."""
        return {"alice": self.fail, "bob": self.fail}

    async def fail(self, client: Client) -> None:
        """Report the failure."""
        await self.report(client, "build", "failed", failure_category="flaky")

    @invariant("retry-budget", "a failure is retried once, and no more often than the role allows")
    def retry_budget(self, _history: History, state: RunState) -> Iterable[str]:
        """The rule of retries."""
        return order.retried_within_budget(state, self.most)
