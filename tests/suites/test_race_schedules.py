"""How many schedules each strategy gets."""

from dataclasses import replace

import pytest

from gatewright.suites.race import RaceSuiteConfig
from gatewright.suites.race.schedules import portfolio_of

CONFIG = RaceSuiteConfig(pct_schedules=40, random_schedules=40)


def names(config: RaceSuiteConfig, schedules: int) -> list[str]:
    return [strategy.name for strategy in portfolio_of(config, schedules).strategies]


def test_strategies_come_in_the_order_of_what_they_prove() -> None:
    """Baseline, bounding, priorities of depth 2 and 3, chance."""
    assert names(CONFIG, 400) == ["fifo", "icb", "pct-2", "pct-3", "random"]


@pytest.mark.parametrize("schedules", [1, 2, 3, 7, 20, 400])
def test_few_schedules_go_to_bounding_first(schedules: int) -> None:
    """Chance never takes more than half."""
    assert "icb" in names(CONFIG, schedules)
    assert ("random" in names(CONFIG, schedules)) == (schedules >= 6)


def test_what_was_not_asked_for_is_left_out() -> None:
    """And nothing stands in for it."""
    assert names(replace(CONFIG, strategies=("random",)), 400) == ["random"]
    assert names(replace(CONFIG, strategies=("pct",), pct_depths=(4,)), 400) == ["pct-4"]
    assert names(replace(CONFIG, strategies=("icb", "pct"), pct_schedules=0), 400) == ["icb"]
