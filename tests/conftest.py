"""Tests belong to no run: what a gate or a workflow around them has set is taken away before they start."""

import gc
import os

import pytest
from hypothesis import settings

pytest_plugins = ["pytester"]

OF_OTHERS = ("GATEWRIGHT_", "GITHUB_", "MULTYAGENTS_", "MUTANT_UNDER_TEST", "TASK_076_")

for variable in [name for name in os.environ if name.startswith(OF_OTHERS)]:
    del os.environ[variable]

settings.register_profile("quick", max_examples=20)
settings.register_profile("thorough", max_examples=1000)

LONG = ("end_to_end", "fuzz")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with tests that take long go first, so that no worker begins them when the others are done."""
    long = {item.path for item in items if any(item.get_closest_marker(name) for name in LONG)}
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What all tests were read into lasts to the end: collectors of garbage need not look at it again and again."""
    gc.collect()
    gc.freeze()
