"""Deciding again is bounded."""

import pytest

from multyagents_api.domain.errors import Conflict
from multyagents_api.service.ports import Outdated
from multyagents_api.service.retry import MAX_DECISIONS, decide_until_current

pytestmark = pytest.mark.anyio


async def test_endless_rivals_end_in_a_conflict():
    """After a bounded number of decisions the client is told to try again."""
    decisions = []

    async def overtaken():
        decisions.append("again")
        raise Outdated

    with pytest.raises(Conflict):
        await decide_until_current("run", overtaken)
    assert len(decisions) == MAX_DECISIONS


async def test_the_first_current_decision_counts():
    """A decision that was overtaken once is made once more."""
    outcomes = iter([Outdated(), "done"])

    async def decide():
        outcome = next(outcomes)
        if isinstance(outcome, Outdated):
            raise outcome
        return outcome

    assert await decide_until_current("run", decide) == "done"
