"""Search of capacity: how many runs a second a service sustains, by ever more users of a closed loop.

What it finds says where the throughput ends, and nothing about the latency there: choose the rate of an open
loop by it, and judge by that.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from gatewright.core.errors import ConfigurationError
from gatewright.load.closed_loop import ClosedLoop, ClosedResult
from gatewright.load.journey import Journey
from gatewright.load.mix import Mix
from gatewright.load.stages import require_positive
from gatewright.load.walk import DEFAULT_DEADLINE_S, Sender

__all__ = ["Capacity", "CapacityRules", "find_capacity"]

BUSY_SHARE = 0.95
"""Of a core: a generator that uses more measures itself."""


@dataclass(frozen=True)
class CapacityRules:
    """How the search goes.

    Attributes:
        first_users: of the first rung; each further one has twice as many.
        most_users: no rung has more.
        seconds: how long each rung is measured.
        settle_s: how long its users settle before.
        least_growth: a rung counts as growth when its throughput exceeds the best before by this share.
        flat_rungs: the search ends after so many rungs without growth, since one may be flat by chance.
        most_failed: a rung of which a larger share of runs fails is not sustained, and ends the search.
        deadline_s: a run that takes longer is given up and counts as failed.
    """

    first_users: int = 1
    most_users: int = 1024
    seconds: float = 5.0
    settle_s: float = 1.0
    least_growth: float = 0.05
    flat_rungs: int = 2
    most_failed: float = 0.01
    deadline_s: float = DEFAULT_DEADLINE_S

    def __post_init__(self) -> None:
        require_positive(first_users=self.first_users, seconds=self.seconds, settle_s=self.settle_s)
        require_positive(flat_rungs=self.flat_rungs, least_growth=self.least_growth)
        if self.most_users < self.first_users:
            raise ConfigurationError(
                f"{self.most_users} users are fewer than the first {self.first_users}",
                remedy="raise most_users, or lower first_users",
            )
        if not 0 <= self.most_failed < 1:
            raise ConfigurationError(f"most_failed must be a share from 0 to below 1, not {self.most_failed}")


@dataclass(frozen=True)
class Capacity:
    """What the search found.

    Attributes:
        rungs: every rung that was measured, by ascending users.
        ending: why the search ended, in words.
        rules: by which it went.
    """

    rungs: tuple[ClosedResult, ...]
    ending: str
    rules: CapacityRules = field(repr=False)

    @property
    def best(self) -> ClosedResult | None:
        """The sustained rung with the highest throughput; of equal ones, that with the fewest users."""
        sustained = [rung for rung in self.rungs if is_sustained(rung, self.rules)]
        return max(sustained, key=lambda rung: rung.runs_per_s, default=None)

    @property
    def runs_per_s(self) -> float:
        """The highest sustained throughput, in successful runs per second; 0 when no rung was sustained."""
        return self.best.runs_per_s if self.best else 0.0

    @property
    def users(self) -> int:
        """With how many users it was reached; 0 when no rung was sustained."""
        return self.best.users if self.best else 0

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the search is INVALID, in words; none when its figure is the service's."""
        nothing = () if self.best else (f"no throughput was sustained: {self.ending}",)
        return (*nothing, *problems_of(self.rungs))


async def find_capacity(
    sender: Sender,
    journey: Journey | Mix,
    rules: CapacityRules | None = None,
    *,
    cpu_clock: Callable[[], float] = time.process_time,
    show: Callable[[ClosedResult], None] = lambda _rung: None,
) -> Capacity:
    """Double the users until the throughput no longer grows.

    Args:
        sender: what carries the requests; it must allow as many at once as the rules have users.
        journey: what runs do; or a mix.
        rules: how the search goes.
        cpu_clock: seconds of CPU that this process has used.
        show: receives each rung when it is measured.
    """
    rules = rules or CapacityRules()
    rungs: list[ClosedResult] = []
    users = rules.first_users
    ending = ""
    while not ending:
        loop = ClosedLoop(sender, journey, users, deadline_s=rules.deadline_s, cpu_clock=cpu_clock)
        rungs.append(await loop.run(rules.seconds, settle_s=rules.settle_s))
        show(rungs[-1])
        ending = why_to_end(rungs, rules)
        users = min(2 * users, rules.most_users)
    return Capacity(tuple(rungs), ending, rules)


def why_to_end(rungs: list[ClosedResult], rules: CapacityRules) -> str:
    """Why no further rung is measured; empty when one is."""
    last = rungs[-1]
    if not last.succeeded:
        return f"no run of {last.users} users succeeded within {last.seconds:.3g} s"
    if any(problems_of([last])):
        return "the generator was the limit"
    if not is_sustained(last, rules):
        return f"{last.failed_share:.1%} of the runs of {last.users} users failed"
    if flat_rungs(rungs, rules) >= rules.flat_rungs:
        return f"the throughput no longer grew by {rules.least_growth:.0%}"
    if last.users >= rules.most_users:
        return f"{rules.most_users} users are the most that were allowed"
    return ""


def flat_rungs(rungs: list[ClosedResult], rules: CapacityRules) -> int:
    """How many of the last rungs brought no growth."""
    best, flat = 0.0, 0
    for rung in rungs:
        grew = rung.runs_per_s > best * (1 + rules.least_growth)
        flat = 0 if grew else flat + 1
        best = max(best, rung.runs_per_s)
    return flat


def is_sustained(rung: ClosedResult, rules: CapacityRules) -> bool:
    """Whether the service did what it was asked, but for the failures that are allowed."""
    return rung.succeeded > 0 and rung.failed_share <= rules.most_failed


def problems_of(rungs: Iterable[ClosedResult]) -> Iterator[str]:
    """Where the generator, not the service, was the limit."""
    for rung in rungs:
        # Runs that all fail at once keep a generator busy as well; that is not its limit.
        if rung.succeeded and rung.generator_cpu >= BUSY_SHARE:
            yield (
                f"the generator used {rung.generator_cpu:.0%} of a core with {rung.users} users: "
                "what was found is its own limit, and the service may do more"
            )
        if rung.dropped:
            yield f"the generator had no connection for {rung.dropped} runs of {rung.users} users"
