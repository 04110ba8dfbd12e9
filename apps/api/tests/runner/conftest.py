"""What the tests of the local runner share: its settings, submissions, and a directory to work in."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from multyagents_api.runner.local_settings import LocalSettings
from multyagents_api.runner.submitted import Submitted


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The directory that commands may work in."""
    made = tmp_path / "root"
    made.mkdir()
    return made


@pytest.fixture
def local_settings(tmp_path: Path, root: Path) -> LocalSettings:
    state = tmp_path / "state"
    state.mkdir()
    return LocalSettings("http://service", (root,), state, slots=1, queue=2, timeout_s=30, grace_s=1)


@pytest.fixture
def submitted() -> Callable[..., Submitted]:
    """Makes submissions of a step that does nothing."""

    def make(**wishes: object) -> Submitted:
        usual = {
            "run_id": "1",
            "task_id": "7",
            "attempt": 1,
            "step_id": "build",
            "prompt": "",
            "command": ["true"],
        }
        return Submitted.model_validate({**usual, **wishes})

    return make


@pytest.fixture
def directory(root: Path) -> Iterator[int]:
    """The same directory, opened."""
    opened = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    yield opened
    os.close(opened)
