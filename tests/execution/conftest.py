"""Toolkit processes that tests start find the toolkit where the tests did."""

from pathlib import Path

import pytest

import gatewright


@pytest.fixture(autouse=True)
def toolkit_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(gatewright.__file__).parents[1]))
    for name in ("GATEWRIGHT_RUN_ID", "GATEWRIGHT_RUN_FOLDER", "GATEWRIGHT_PYTHON", "GATEWRIGHT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
