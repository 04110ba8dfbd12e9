"""The clean run that every case spoils."""

from pathlib import Path

import pytest
from fakes.projects import make_project

import gatewright
from gatewright.core.clock import SystemClock
from gatewright.execution.gate import run_gate
from gatewright.execution.project import Project, Settings
from gatewright.gate.decision import exit_code


class Silence:
    """A gate's progress that nobody follows."""

    def begin(self, check: str) -> None: ...

    def tick(self) -> None: ...

    def end(self, verdict: object) -> None: ...


@pytest.fixture(scope="session")
def clean_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose gate has just passed; not to be changed, only copied."""
    project = make_project(tmp_path_factory.mktemp("clean") / "project")
    with pytest.MonkeyPatch.context() as patch:
        # The gate starts the toolkit anew for each check, and finds it where this process did.
        patch.setenv("PYTHONPATH", str(Path(gatewright.__file__).parents[1]))
        document = run_gate(project, Settings(run_id="clean"), SystemClock(), Silence())
    assert exit_code(document) == 0
    return project
