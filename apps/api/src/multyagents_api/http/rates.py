"""How often somebody may ask."""

import math
import time
from collections.abc import Callable

from multyagents_api.domain.errors import RateLimited

__all__ = ["RateLimit"]

MOST_KEYS = 10_000
"""Of whom something is remembered at most; whoever asked least recently is forgotten first."""


class RateLimit:
    """A token bucket for each key, which fills at a rate and holds what that gives in a second, at least one.

    Of each only the time is kept at which it will be full again (the virtual scheduling of ITU-T I.371, also
    known as GCRA).

    Args:
        per_second: requests per second; 0 for any number.
        monotonic: seconds.
    """

    def __init__(self, per_second: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = 1 / per_second if per_second else 0.0
        self._tolerance_s = max(1.0 - self._interval_s, 0.0)
        self._monotonic = monotonic
        self._full_at: dict[str, float] = {}

    def take(self, key: str) -> None:
        """Take one from the bucket of a key.

        Raises:
            RateLimited: it is empty; nothing is taken.
        """
        if not self._interval_s:
            return
        now = self._monotonic()
        full_at = max(self._full_at.pop(key, now), now)
        wait_s = full_at - now - self._tolerance_s
        # What arithmetic with floats adds or takes must not cost anybody a request.
        accepted = wait_s <= self._interval_s * 1e-6
        self._full_at[key] = full_at + self._interval_s if accepted else full_at
        if len(self._full_at) > MOST_KEYS:
            del self._full_at[next(iter(self._full_at))]
        if not accepted:
            raise RateLimited(math.ceil(wait_s))
