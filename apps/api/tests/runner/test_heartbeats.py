"""Heartbeats: of all that is held, three times in a lease, and what follows when nobody answers."""

import json

import httpx
import pytest

from multyagents_api.runner.attempts import Attempts, Why
from multyagents_api.runner.heartbeats import Heartbeats
from multyagents_api.runner.reporting import ApiClient

pytestmark = pytest.mark.anyio


class Api(httpx.AsyncBaseTransport):
    """Answers what a test wants, and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []
        self.status = 200
        self.answer: dict[str, object] = {"lease_until": "x", "lease_s": 30.0, "cancel_requested": False}

    async def handle_async_request(self, request):
        self.told.append((request.url.path, json.loads(await request.aread())))
        return httpx.Response(self.status, json=self.answer)


@pytest.fixture
def clock():
    """Seconds that a test counts on."""
    return [0.0]


@pytest.fixture
def attempts(local_settings, clock):
    return Attempts(local_settings, now=lambda: clock[0])


@pytest.fixture
def taken(attempts, submitted):
    """Takes an attempt on, and gives what is held."""

    def take(**wishes):
        attempts.take(submitted(**wishes))
        return attempts.held[-1]

    return take


@pytest.fixture
def told():
    return Api()


@pytest.fixture
async def heartbeats(told, attempts, clock):
    async with ApiClient("http://service", "", transport=told) as client:
        yield Heartbeats(client, attempts, now=lambda: clock[0])


async def test_all_that_is_held_beats(heartbeats, attempts, taken, told):
    """What waits and what runs, each with its attempt; what is over is silent."""
    first, _ = taken(), taken(task_id="8", attempt=2)
    await heartbeats.beat_all()
    beats = [("/runner/tasks/7/heartbeat", {"attempt": 1}), ("/runner/tasks/8/heartbeat", {"attempt": 2})]
    assert sorted(told.told) == beats
    attempts.forget(first)
    await heartbeats.beat_all()
    assert told.told[2:] == beats[1:]


@pytest.mark.parametrize(("lease_s", "interval_s"), [(30.0, 10.0), (2, 2 / 3), (None, 5.0)])
async def test_the_lease_gives_the_pace(heartbeats, taken, told, lease_s, interval_s):
    """A third of it; without leases now and then, for cancels."""
    taken()
    told.answer["lease_s"] = lease_s
    await heartbeats.beat_all()
    assert heartbeats.interval_s == pytest.approx(interval_s)


@pytest.mark.parametrize(("status", "code"), [(409, "stale_attempt"), (404, "not_found")])
async def test_a_refusal_ends_the_attempt_unreported(heartbeats, taken, told, status, code):
    """It is somebody else's now."""
    held = taken()
    told.status, told.answer = status, {"code": code, "detail": "over"}
    await heartbeats.beat_all()
    assert held.why is Why.LOST


async def test_shared_places_are_given_up_when_the_lease_is_over(heartbeats, taken, told, clock):
    """Others may have got the paths; what touches none goes on, and so does all whose lease lasts."""
    alone, shared = taken(), taken(task_id="8", workspace={"mode": "shared-workspace"})
    clock[0] = 10
    await heartbeats.beat_all()
    told.status = 503
    clock[0] = 39.9
    await heartbeats.beat_all()
    assert (alone.why, shared.why) == (None, None)
    clock[0] = 40
    await heartbeats.beat_all()
    assert (alone.why, shared.why) == (None, Why.LOST)
