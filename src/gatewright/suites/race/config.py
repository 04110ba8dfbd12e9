"""How much a race suite does, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gatewright.core.errors import ConfigurationError
from gatewright.race import WHOLE, Share

__all__ = ["MODES", "SELF_CHECK", "STRATEGIES", "Mode", "RaceSuiteConfig"]

Mode = Literal["explore", "stress", "self-check"]
MODES: tuple[Mode, ...] = ("explore", "stress")
SELF_CHECK: tuple[Mode, ...] = ("self-check",)
"""The self-check alone; exploring includes it."""
STRATEGIES = ("icb", "pct", "random", "fifo")
MOST = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class RaceSuiteConfig:
    """How much is raced, and how.

    Attributes:
        modes: controlled schedules, real parallelism, or both; or the self-check alone.
        scenarios: names; empty for all.
        iterations: by scenario, the most schedules in mode explore and the number of releases in mode stress,
            instead of `schedules` and `releases`; the name "" stands for all scenarios.
        schedules: the most schedules of a scenario.
        pct_schedules: how many of them are under random priorities, for each depth in `pct_depths`.
        pct_depths: of the bugs that random priorities look for.
        random_schedules: how many of them are random, at the end.
        releases: how often the barrier is released for a core scenario, on each database.
        brief_releases: how often for each of the others.
        kills: so many more releases of a core scenario, with a server killed in the midst of each.
        databases: names of those that are put under stress; empty for all.
        bound: the most preemptions.
        reduction: whether schedules that differ only in the order of unrelated statements are run once.
        shard: which part of all schedules, releases and planted faults is this run's.
        strategies: names from `STRATEGIES`.
        seed: of random schedules, identifiers and chance.
        clients: how many race in mode stress.
        keep: so many passing iterations are kept whole in the report; None for all.
        wall_clock_s: the longest time for a scenario in a mode; reaching it forbids a PASS.
        profile: the name of this amount of work, for the report.
        output: the folder of the evidence.
    """

    modes: tuple[Mode, ...] = MODES
    scenarios: tuple[str, ...] = ()
    iterations: Mapping[str, int] = field(default_factory=dict)
    schedules: int = 500
    pct_schedules: int = 40
    pct_depths: tuple[int, ...] = (2, 3)
    random_schedules: int = 40
    releases: int = 20
    brief_releases: int = 2
    kills: int = 1
    databases: tuple[str, ...] = ()
    bound: int = 2
    reduction: bool = True
    shard: Share = WHOLE
    strategies: tuple[str, ...] = ("fifo", "icb", "pct", "random")
    seed: int = 1
    clients: int = 8
    keep: int | None = 3
    wall_clock_s: float = 60.0
    profile: str = "quick"
    output: Path = Path("docs/evidence/race")

    def __post_init__(self) -> None:
        for name in ("schedules", "releases", "brief_releases", "clients"):
            check_range(name, getattr(self, name), 1)
        for name, value in self.iterations.items():
            check_range(f"iterations of {name}" if name else "iterations", value, 1)
        check_range("bound", self.bound, 0)
        check_range("random schedules", self.random_schedules, 0)
        check_range("schedules of each depth", self.pct_schedules, 0)
        for depth in self.pct_depths:
            check_range("depth", depth, 1)
        check_range("kills", self.kills, 0)
        check_range("seed", self.seed, 0)
        if not self.modes or not set(self.modes) <= {*MODES, *SELF_CHECK}:
            known, given = ", ".join((*MODES, *SELF_CHECK)), ", ".join(self.modes) or "none"
            raise ConfigurationError(f"modes are {known}, not {given}")
        if not self.strategies or not set(self.strategies) <= set(STRATEGIES):
            given = ", ".join(self.strategies) or "none"
            raise ConfigurationError(f"strategies are {', '.join(STRATEGIES)}, not {given}")

    def schedules_of(self, scenario: str) -> int:
        """The most schedules of a scenario."""
        return self.iterations.get(scenario, self.iterations.get("", self.schedules))

    def releases_of(self, scenario: str, *, is_core: bool = True) -> int:
        """How often the barrier is released for a scenario."""
        usual = self.releases if is_core else self.brief_releases
        return self.iterations.get(scenario, self.iterations.get("", usual))


def check_range(name: str, value: int, least: int) -> None:
    """Refuse a number that would measure nothing, or never end.

    Raises:
        ConfigurationError: it is out of range.
    """
    if not least <= value <= MOST:
        raise ConfigurationError(f"{name} is {value}, but must be from {least} to {MOST}")
