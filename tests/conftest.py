"""Tests belong to no run: what a gate or a workflow around them has set is taken away before they start."""

import os

pytest_plugins = ["pytester"]

for variable in [
    name for name in os.environ if name.startswith(("GATEWRIGHT_", "GITHUB_", "MULTYAGENTS_", "TASK_076_"))
]:
    del os.environ[variable]
