"""Leases: how long an attempt stands without a word from its runner, and what its loss means."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from multyagents_api.domain.roles import RetryPolicy

__all__ = ["LOST_CATEGORY", "LOST_REASON", "NO_LEASES", "LeasePolicy", "most_retries_after_loss"]

LOST_REASON = "runner lost"
LOST_CATEGORY = "runner-lost"
"""The failure category of an attempt whose runner was not heard in time."""

LEAST_RETRIES = 3


@dataclass(frozen=True, slots=True)
class LeasePolicy:
    """For how long an attempt is its runner's after each word from it; None: for as long as it takes."""

    duration: timedelta | None = None

    def until(self, now: datetime) -> datetime | None:
        """The end of a lease that is given or extended now; None where there are no leases."""
        return None if self.duration is None else now + self.duration

    def beyond(self, now: datetime) -> datetime | None:
        """No lease ends later, unless it was given by a clock that was set back since; None without leases.

        Twice as long as a lease, since the clocks of several machines differ.
        """
        return None if self.duration is None else now + 2 * self.duration


NO_LEASES = LeasePolicy()
"""Runners that are waited for, however long they are silent."""


def most_retries_after_loss(policy: RetryPolicy) -> int:
    """How many retries a task may have used when it returns from a runner that was lost.

    Losing a runner is nobody's failure, so that the task returns whatever its role says; but bounded, since
    a command may be what kills its runner.
    """
    return max(policy.max_retries, LEAST_RETRIES)
