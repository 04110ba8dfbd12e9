"""Who asks too often has to wait, and is told how long."""

import httpx
import pytest

from multyagents_api.bootstrap import Settings, create_app
from multyagents_api.domain.access import AccessRole
from multyagents_api.domain.errors import RateLimited
from multyagents_api.http.rates import MOST_KEYS, RateLimit

pytestmark = pytest.mark.anyio


class Seconds:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


def taken(limit: RateLimit, key: str, times: int) -> int:
    """How many of so many requests are accepted."""
    accepted = 0
    for _ in range(times):
        try:
            limit.take(key)
            accepted += 1
        except RateLimited:
            pass
    return accepted


@pytest.mark.parametrize("per_second", [1, 3, 7, 10, 1000])
def test_a_second_gives_what_the_rate_says(seconds, per_second):
    """A full bucket holds one second's worth; so does each further second, and idle ones don't add up."""
    limit = RateLimit(per_second, seconds)
    assert taken(limit, "a", 5 * per_second) == per_second
    seconds.now += 1
    assert taken(limit, "a", 5 * per_second) == per_second
    seconds.now += 3600
    assert taken(limit, "a", 5 * per_second) == per_second


def test_a_rate_below_one_waits_for_its_turn(seconds):
    """One request in ten seconds; who asks too early is told when, and does not have to wait longer for it."""
    limit = RateLimit(0.1, seconds)
    limit.take("a")
    seconds.now += 2.5
    for _ in range(3):
        with pytest.raises(RateLimited) as refusal:
            limit.take("a")
        assert refusal.value.retry_after_s == 8
    seconds.now += 7.5
    limit.take("a")


def test_keys_have_buckets_of_their_own(seconds):
    """What one takes is not missing to another."""
    limit = RateLimit(2, seconds)
    assert [taken(limit, key, 9) for key in ("a", "b", "a")] == [2, 2, 0]


def test_zero_is_no_limit(seconds):
    """Any number of requests, of which nothing is remembered."""
    assert taken(RateLimit(0, seconds), "a", 10_000) == 10_000


def test_memory_is_bounded(seconds):
    """Of a flood of keys only so many are remembered; who asked last is not forgotten for it."""
    limit = RateLimit(1, seconds)
    for number in range(3 * MOST_KEYS):
        limit.take(str(number))
    assert len(limit._full_at) == MOST_KEYS
    assert taken(limit, str(3 * MOST_KEYS - 1), 1) == 0


@pytest.fixture
async def limited(sqlite_file, seconds):
    """A client of an app that answers each subject twice in a second."""
    app = create_app(Settings(sqlite_file, rate_limit=2), monotonic=seconds)
    tokens = app.state.services.tokens
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:

        async def ask(text):
            return await client.get("/roles", headers={"authorization": f"Bearer {text}"})

        ask.tokens = tokens
        yield ask
    await app.state.services.storage.aclose()


async def test_a_subject_waits_whatever_its_tokens(limited, seconds):
    """429 with Retry-After, for all tokens of the subject; others go on, and a second later so does it."""
    mine = [(await limited.tokens.create("mia", [AccessRole.OBSERVER])).text for _ in range(2)]
    other = (await limited.tokens.create("ben", [AccessRole.OBSERVER])).text
    assert [(await limited(text)).status_code for text in (*mine, *mine, other)] == [200, 200, 429, 429, 200]
    refusal = await limited(mine[0])
    assert refusal.headers["retry-after"] == "1"
    assert refusal.headers["content-type"] == "application/problem+json"
    assert refusal.json()["code"] == "rate_limited"
    seconds.now += 1
    assert (await limited(mine[0])).status_code == 200


async def test_an_address_fails_so_often_and_then_waits(limited, seconds):
    """Guessing gets 429, which costs nobody with a valid token anything."""
    valid = (await limited.tokens.create("mia", [AccessRole.OBSERVER])).text
    answers = [(await limited("wrong")).status_code for _ in range(15)]
    assert answers == [401] * 10 + [429] * 5
    assert (await limited("wrong")).headers["retry-after"] == "1"
    assert (await limited(valid)).status_code == 200
    seconds.now += 1
    assert (await limited("wrong")).status_code == 401
