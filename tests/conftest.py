"""Tests belong to no run: what a gate or a workflow around them has set is taken away before they start."""

import gc
import os

import pytest

pytest_plugins = ["pytester"]

OF_OTHERS = ("GATEWRIGHT_", "GITHUB_", "MULTYAGENTS_", "MUTANT_UNDER_TEST", "TASK_076_")

for variable in [name for name in os.environ if name.startswith(OF_OTHERS)]:
    del os.environ[variable]


def pytest_collection_finish(session: pytest.Session) -> None:
    """What all tests were read into lasts to the end: collectors of garbage need not look at it again and again."""
    gc.collect()
    gc.freeze()
