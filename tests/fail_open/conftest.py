"""Our own gate, asked without starting its command line for each question."""

import runpy
import shutil
from pathlib import Path

import pytest
from fail_open.corpus import FOLDER, Case
from fail_open.gates import Gate, read_gate
from fail_open.situation import DESCRIPTION, write_project
from fail_open.trial import CLEAN

import gatewright
from gatewright.core.clock import SystemClock
from gatewright.execution.gate import run_gate
from gatewright.execution.project import Project, Settings
from gatewright.gate.decision import VerdictDocument, exit_code

ADAPTER = FOLDER / "gates" / "gatewright"


class Silence:
    """A gate's progress that nobody follows."""

    def begin(self, check: str) -> None: ...

    def tick(self) -> None: ...

    def end(self, verdict: object) -> None: ...


class Own:
    """Our gate and the projects that are put to it."""

    def __init__(self) -> None:
        self.gate: Gate = read_gate(ADAPTER / "adapter.toml")
        self.prepare = runpy.run_path(str(ADAPTER / "prepare.py"))["write_policy"]

    def write(self, root: Path, case: Case, *, first: bool = False) -> Project:
        """Write the project of a case, with our policy."""
        write_project(root, case, first=first)
        return self.prepared(root)

    def prepared(self, root: Path) -> Project:
        """Write the policy anew."""
        self.prepare(root / DESCRIPTION)
        return Project(root)

    def run(self, project: Project, run: str) -> VerdictDocument:
        """Run the gate."""
        return run_gate(project, Settings(run_id=run), SystemClock(), Silence())


@pytest.fixture(scope="session")
def own() -> Own:
    return Own()


@pytest.fixture(scope="session", autouse=True)
def toolkit_on_path():
    """The gate starts the toolkit anew for each check, and finds it where this process did."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(gatewright.__file__).parents[1]))
        yield


@pytest.fixture(scope="session")
def clean_project(tmp_path_factory: pytest.TempPathFactory, own: Own, toolkit_on_path: None) -> Path:
    """A project whose gate has just passed twice; not to be changed, only copied."""
    root = tmp_path_factory.mktemp("clean") / "project"
    for run in ("earlier", "clean"):
        assert exit_code(own.run(own.write(root, CLEAN), run)) == 0
    return root


@pytest.fixture
def copied(clean_project: Path, tmp_path: Path) -> Path:
    """A copy of it that may be spoiled."""
    root = tmp_path / "project"
    shutil.copytree(clean_project, root, symlinks=True)
    return root
