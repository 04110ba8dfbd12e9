"""Tokens: kept without their secrets, known for some seconds, over when they are revoked or expired."""

from datetime import UTC, datetime, timedelta

import pytest

from multyagents_api.bootstrap import AuthKind, Settings, create_app, create_token
from multyagents_api.domain.access import AccessRole, Principal
from multyagents_api.domain.errors import NotAuthenticated, NotFound
from multyagents_api.service import access
from multyagents_api.service.access import KNOWN_FOR_S, Tokens

pytestmark = pytest.mark.anyio

ROLES = frozenset({AccessRole.OPERATOR, AccessRole.RUNNER})


class Time:
    """Both clocks; they stand until a test moves them."""

    def __init__(self) -> None:
        self.present = datetime(2026, 1, 1, tzinfo=UTC)
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.present

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def time():
    return Time()


@pytest.fixture
async def storage(database):
    storage = create_app(Settings(database, auth=AuthKind.OFF)).state.services.storage
    yield storage
    await storage.aclose()


@pytest.fixture
def tokens(storage, time):
    return Tokens(storage, time, time.monotonic)


@pytest.fixture
def others(storage, time):
    """The tokens as another process knows them."""
    return Tokens(storage, time, time.monotonic)


async def test_a_token_tells_who_asks(tokens):
    """Its subject and its roles; no two tokens are alike."""
    first, second = [await tokens.create("mia", ROLES) for _ in range(2)]
    assert await tokens.identify(first.text) == Principal("mia", ROLES)
    assert first.text.rpartition("_")[2] != second.text.rpartition("_")[2]
    assert len(first.text.rpartition("_")[2]) == 64
    assert first.text.startswith(f"mya_{first.token.id}_")


async def test_the_secret_of_another_token_proves_nothing(tokens):
    """An id and a secret belong together."""
    mine, yours = [await tokens.create(subject, ROLES) for subject in ("mia", "ben")]
    with pytest.raises(NotAuthenticated):
        await tokens.identify(f"mya_{yours.token.id}_{mine.text.rpartition('_')[2]}")


async def test_no_secret_is_kept_or_shown(tokens):
    """Neither the row nor what stands in a log has it."""
    issued = await tokens.create("mia", ROLES)
    secret = issued.text.rpartition("_")[2]
    [kept] = (await tokens.page(after=0, limit=10)).items
    assert secret not in f"{issued!r} {kept!r} {kept.digest}"
    assert kept.digest not in repr(kept)


async def test_a_token_ends_when_it_was_to(tokens, time):
    """To the microsecond, also for who knows it already."""
    issued = await tokens.create("mia", ROLES, timedelta(hours=1))
    time.present += timedelta(hours=1) - timedelta(microseconds=1)
    await tokens.identify(issued.text)
    time.present += timedelta(microseconds=1)
    with pytest.raises(NotAuthenticated):
        await tokens.identify(issued.text)


async def test_a_revoked_token_is_over_within_seconds(tokens, others, time):
    """At once where it was revoked; another process, which knows it, asks the store when it forgets."""
    issued = await tokens.create("mia", ROLES)
    await others.identify(issued.text)
    await tokens.revoke(issued.token.id)
    with pytest.raises(NotAuthenticated):
        await tokens.identify(issued.text)
    time.seconds += KNOWN_FOR_S - 0.001
    await others.identify(issued.text)
    time.seconds += 0.001
    with pytest.raises(NotAuthenticated):
        await others.identify(issued.text)


async def test_revoking_is_once_and_for_all(tokens, time):
    """Again it changes nothing; what never was can't be revoked."""
    issued = await tokens.create("mia", ROLES)
    await tokens.revoke(issued.token.id)
    time.present += timedelta(days=1)
    await tokens.revoke(issued.token.id)
    [kept] = (await tokens.page(after=0, limit=10)).items
    assert kept.revoked_at == time.present - timedelta(days=1)
    with pytest.raises(NotFound):
        await tokens.revoke(issued.token.id + 1)


async def test_who_is_known_costs_no_statement(tokens, storage, time):
    """The store is asked once in some seconds, also for a wrong secret of a known token."""
    issued = await tokens.create("mia", ROLES)
    asked = counted(storage)
    for _ in range(5):
        await tokens.identify(issued.text)
        with pytest.raises(NotAuthenticated):
            await tokens.identify(f"mya_{issued.token.id}_{'0' * 64}")
    with pytest.raises(NotAuthenticated):
        await tokens.identify("mya_x_y")
    assert len(asked) == 1
    time.seconds += KNOWN_FOR_S
    await tokens.identify(issued.text)
    assert len(asked) == 2


async def test_few_are_remembered(tokens, storage, monkeypatch):
    """The one found first is forgotten first; tokens that are not there are not remembered at all."""
    monkeypatch.setattr(access, "MOST_KNOWN", 2)
    texts = [(await tokens.create("mia", ROLES)).text for _ in range(3)]
    for number in range(100, 110):
        with pytest.raises(NotAuthenticated):
            await tokens.identify(f"mya_{number}_{'0' * 64}")
    for text in texts:
        await tokens.identify(text)
    asked = counted(storage)
    await tokens.identify(texts[2])
    await tokens.identify(texts[1])
    assert not asked
    await tokens.identify(texts[0])
    assert len(asked) == 1


def counted(storage) -> list[None]:
    """Grows with each look at the store from now on."""
    asked: list[None] = []
    read = storage.read

    def counting():
        asked.append(None)
        return read()

    storage.read = counting
    return asked


async def test_there_is_one_first_token(tokens, others, time):
    """Of two servers that start together one makes it; once there was a token, none is a first one."""
    first = await tokens.create_first("local", ROLES)
    assert await tokens.create_first("local", ROLES) is None
    async with others.storage.write() as writer:
        assert await writer.insert_first_token(first.token, time.now()) is None
    await tokens.revoke(first.token.id)
    assert await tokens.exist()
    assert await tokens.create_first("local", ROLES) is None


def test_a_program_makes_a_token_before_it_serves(database, anyio_backend):
    """The database is brought to its tables, and has the token, in no file of it in clear."""
    text = create_token(Settings(database), "suite", ROLES)
    assert text.startswith("mya_1_")
    secret = text.rpartition("_")[2].encode()
    if not isinstance(database, str):
        files = [file for file in database.parent.iterdir() if file.name.startswith(database.name)]
        assert files
        assert not any(secret in file.read_bytes() for file in files)
        assert any(b"suite" in file.read_bytes() for file in files)
