"""The race for an attempt whose lease is over: its runner is heard at the last moment, or it is lost."""

import asyncio
from collections.abc import Iterable, Mapping

from gatewright.race import Actor, Client, History, invariant
from multyagents_api.domain.leases import LOST_REASON
from multyagents_api.scenarios.oracles.run_state import RunState
from multyagents_api.scenarios.races.scenario import LEASE_S, ApiScenario, step

__all__ = ["Lease"]


class Lease(ApiScenario):
    """A server ends what is lost while the runner that was silent is heard again, twice.

    One actor is the server itself: sweeping is nothing that can be asked for over HTTP.
    """

    name = "lease-race"
    steps = (step("build"), step("ship", after=["build"]))

    async def approach(self, client: Client) -> None:
        """The step is with the runner."""
        await self.dispatched(client, "")

    def actors(self) -> Mapping[str, Actor]:
        """A server and the runner, when the lease is over."""
        return {"alice": self.sweep, "bob": self.be_heard}

    async def sweep(self, client: Client) -> None:
        """End what is lost."""
        await asyncio.sleep(2 * LEASE_S)
        await client.app.state.services.leases.end_lost()

    async def be_heard(self, client: Client) -> None:
        """Call back that the attempt is running, and that it still is."""
        await asyncio.sleep(2 * LEASE_S)
        await self.report(client, "build", "running")
        await client.post(f"/runner/tasks/{self.task_ids['build']}/heartbeat", {"attempt": 1})

    @invariant("heard-is-kept", "an attempt whose runner was heard, and told so, is not lost")
    def heard_is_kept(self, history: History, state: RunState) -> Iterable[str]:
        """The rule of leases: a word that was accepted came before any loss, and keeps the attempt."""
        lost = [event for event in state.events if event.payload.get("message") == LOST_REASON]
        heard = [op for op in history if op.path.startswith("/runner/") and op.response.ok]
        for event in lost:
            for op in heard:
                yield f"event {event.sequence}: the runner was lost, and {op.actor}'s word of it was accepted"
        if len(lost) > 1:
            yield f"one attempt was lost {len(lost)} times"
