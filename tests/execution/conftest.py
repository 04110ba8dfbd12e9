"""Toolkit processes that tests start find the toolkit where the tests did; runs that are sealed."""

import shutil
from pathlib import Path

import pytest
from execution.seals import RELEASE, run_signed
from fakes.projects import CLEAN_POLICY, make_project

import gatewright
from gatewright.core.verdict import Verdict
from gatewright.execution.project import Project


@pytest.fixture(autouse=True)
def toolkit_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(gatewright.__file__).parents[1]))
    for name in ("GATEWRIGHT_RUN_ID", "GATEWRIGHT_RUN_FOLDER", "GATEWRIGHT_PYTHON", "GATEWRIGHT_PROFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def sealed_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with two runs that are sealed by the same key and one that nobody sealed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(gatewright.__file__).parents[1]))
        project = make_project(tmp_path_factory.mktemp("signed"), CLEAN_POLICY)
        for run_id, signer in {"one": RELEASE, "two": RELEASE, "bare": None}.items():
            assert run_signed(project, run_id, signer).verdict is Verdict.PASS
    return project


@pytest.fixture
def sealed_folder(sealed_project: Project, tmp_path: Path) -> Path:
    """A copy of the first run, as another machine would have it."""
    return shutil.copytree(sealed_project.runs / "one", tmp_path / "downloaded")
