"""gatewright: the app through ASGI, the till in threads; bounding searches, random walks show the rate."""

import app
from measure import SCHEDULES, asked, clock, tell

from gatewright.race import (
    Budget,
    PreemptionBounding,
    RandomWalk,
    Scenario,
    ThreadScenario,
    explore,
    explore_threads,
    invariant,
)


class Service(Scenario):
    """Two requests to the app."""

    name = "peers"

    def __init__(self, race):
        self.race = race

    def create_app(self, folder):
        self.path = folder / "app.db"
        app.reset(self.path)
        return app.create_app(self.path)

    def actors(self):
        return {path: lambda client, path=path: client.post(path) for path in app.REQUESTS[self.race]}

    async def observe(self, _client):
        return app.is_harmed(self.race, self.path)

    @invariant("unharmed", "the race does no harm")
    def unharmed(self, _history, harmed):
        return ["it did"] if harmed else []


class Threads(ThreadScenario):
    """Two threads at the till."""

    name = "peers"

    def reset(self, _folder):
        self.till = app.Till()

    def watched(self):
        return [app]

    def actors(self):
        return {name: lambda name=name: self.till.take(name) for name in ("alice", "bob")}

    def observe(self):
        return self.till.given

    @invariant("given-once", "the till gives one thing away")
    def given_once(self, _history, given):
        return [] if given == 1 else [f"gave {given}"]


def main(race, search):
    """Everything counts but imports: making the app, warming up, putting state back."""
    strategies = [PreemptionBounding(2) if search else RandomWalk(1, SCHEDULES)]
    budget = Budget(failures=1 if search else SCHEDULES, replays=0)
    with clock() as seconds:
        if race == "lock":
            found = explore_threads(Threads(), strategies=strategies, budget=budget, keep=0)
        else:
            found = explore(Service(race), strategies=strategies, budget=budget, keep=0)
        tell(
            found=found.failed,
            schedules=found.first_failure if search else found.schedules,
            seconds=seconds(),
        )


if __name__ == "__main__":
    main(*asked())
