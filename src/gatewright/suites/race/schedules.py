"""The schedules of a scenario, dealt out to strategies by their number and never by the clock."""

from dataclasses import dataclass

from gatewright.race import (
    Fifo,
    PreemptionBounding,
    PriorityChanges,
    RandomWalk,
    Strategy,
)
from gatewright.suites.race.config import RaceSuiteConfig

__all__ = ["Portfolio", "portfolio_of"]


@dataclass(frozen=True)
class Portfolio:
    """Strategies one after the other, and how many schedules all of them may take."""

    strategies: tuple[Strategy, ...]
    schedules: int


def portfolio_of(config: RaceSuiteConfig, schedules: int) -> Portfolio:
    """Deal out so many schedules.

    Chance gets what the configuration says, but beside preemption bounding never more than half of all, in
    equal parts; bounding gets the rest: it begins with the fewest preemptions and knows when nothing is left.
    """
    names = config.strategies
    wanted = [("pct", depth, config.pct_schedules) for depth in config.pct_depths if "pct" in names]
    wanted += [("random", 0, config.random_schedules)] if "random" in names else []
    most = schedules // (2 * len(wanted)) if wanted and "icb" in names else schedules
    chance: list[Strategy] = []
    left = schedules - ("fifo" in names)
    for name, depth, count in wanted:
        runs = min(count, most, left)
        left -= runs
        if runs and name == "random":
            chance.append(RandomWalk(config.seed, runs, share=config.shard))
        elif runs > 1:
            chance.append(PriorityChanges(depth, config.seed, runs - 1, share=config.shard))  # and its probe
    first: list[Strategy] = [Fifo()] if "fifo" in names else []
    if "icb" in names:
        first.append(bounding(config, max(1, left)))
    return Portfolio((*first, *chance), schedules)


def bounding(config: RaceSuiteConfig, schedules: int) -> PreemptionBounding:
    """Preemption bounding with this shard's part of so many schedules; each shard runs the first one."""
    shard = config.shard
    most = 1 + len(shard.numbers(schedules - 1))
    return PreemptionBounding(config.bound, most=most, reduction=config.reduction, share=shard)
