"""The built-in runner."""

import pytest

from multyagents_api.runner.accept import AcceptingRunner
from multyagents_api.service.runners import Submission

pytestmark = pytest.mark.anyio


async def test_it_accepts_everything_as_often_as_asked():
    """Delivering an attempt twice changes nothing, and canceling is no failure."""
    submission = Submission(1, 1, 1, "a", 1, "A", "", context7_enabled=False)
    runner = AcceptingRunner()
    assert (await runner.submit(submission)).accepted
    assert (await runner.submit(submission)).accepted
    await runner.cancel(1, 1)
