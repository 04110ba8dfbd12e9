"""Two customers want the same seat. `SHOP_GUARD=off` races the shop without its guard."""

import os
from functools import partial

from shop import create_app

from gatewright.race import Scenario, invariant


class SeatRace(Scenario):
    name = "seat-race"

    def create_app(self, folder):
        guarded = os.environ.get("SHOP_GUARD") != "off"
        return create_app(folder / "shop.db", guarded=guarded)

    async def setup(self, client):
        assert (await client.post("/seats")).ok

    def actors(self):
        return {name: partial(self.book, name) for name in ("alice", "bob")}

    async def book(self, name, client):
        await client.post("/seats/1/tickets", {"name": name})

    async def observe(self, client):
        return (await client.get("/seats/1/tickets")).json

    @invariant("one-ticket", "a seat is sold once, and who was told so has it")
    def one_ticket(self, history, tickets):
        told = [op.actor for op in history if op.response.ok]
        if len(tickets) != 1:
            yield f"sold to {' and '.join(tickets) or 'nobody'}"
        if told != tickets:
            yield f"{told} were told that they have it, {tickets} have it"


def test_a_seat_is_sold_once(race):
    race.explore(SeatRace())
