"""frontrun with its default strategy: given the app through ASGI, or the functions behind its endpoints."""

import asyncio
import sys
import tempfile
from pathlib import Path

import app
import frontrun
from measure import SCHEDULES, SECONDS, asked, clock, tell

from gatewright.race.client import call_app


def main(race, search):
    """Everything counts but imports; it says itself when it could not know."""
    path = Path(tempfile.mkdtemp(prefix="race-peers-")) / "app.db"
    app.reset(path)
    workers = through_asgi(race, path) if sys.argv[3:] == ["asgi"] else app.WORKERS[race]

    def set_up():
        if race == "lock":
            return app.Till()
        app.reset(path)
        return path

    with clock() as seconds:
        result = frontrun.explore(
            setup=set_up,
            workers=workers,
            invariant=lambda state: not app.is_harmed(race, state),
            stop_on_first=search,
            max_executions=SCHEDULES,
            total_timeout=SECONDS,
            reproduce_on_failure=0,
        )
        tell(
            found=result.property_holds is False,
            schedules=result.num_explored,
            seconds=seconds(),
            remark="says that the property holds"
            if result.property_holds
            else result.inconclusive_reason or "",
        )


def through_asgi(race, path):
    """One thread for each request, each with an event loop of its own."""
    service = app.create_app(path)

    def asking(endpoint):
        return lambda _state: asyncio.run(call_app(service, "POST", endpoint, b""))

    return [asking(endpoint) for endpoint in app.REQUESTS[race]]


if __name__ == "__main__":
    main(*asked())
