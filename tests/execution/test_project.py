"""Where the project lies, and what the environment asks for."""

import sys
from pathlib import Path

import pytest
from fakes.projects import make_project

from gatewright.core.errors import ConfigurationError
from gatewright.execution.project import Settings, find_project


def test_the_project_is_found_from_any_folder_of_it(tmp_path: Path) -> None:
    project = make_project(tmp_path / "a project")
    (project.root / "sub" / "sub").mkdir(parents=True)
    assert find_project(project.root / "sub" / "sub") == project


def test_outside_of_a_project_one_line_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no gate"):
        find_project(tmp_path)


def test_an_empty_environment_asks_for_nothing() -> None:
    settings = Settings.read({})
    assert (settings.run_id, settings.run_folder, settings.profile) == (None, None, "quick")
    assert settings.interpreter == sys.executable
    assert not settings.isolated


def test_a_nox_session_is_isolated_when_this_interpreter_is_its_own() -> None:
    session = {"NOX_CURRENT_SESSION": "tests", "VIRTUAL_ENV": sys.prefix}
    assert Settings.read(session).isolated
    assert not Settings.read({"NOX_CURRENT_SESSION": "tests"}).isolated
    assert not Settings.read({"VIRTUAL_ENV": sys.prefix}).isolated
    assert not Settings.read(session | {"GATEWRIGHT_PYTHON": sys.executable}).isolated


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWRIGHT_RUN_ID", "../escape"),
        ("GATEWRIGHT_RUN_ID", "two words"),
        ("GATEWRIGHT_RUN_ID", ".hidden"),
        ("GATEWRIGHT_RUN_ID", "x" * 100),
        ("GATEWRIGHT_RUN_FOLDER", "/no/such/folder"),
        ("GATEWRIGHT_PROFILE", "slow"),
        ("GATEWRIGHT_PYTHON", "/no/such/python"),
    ],
)
def test_a_variable_that_can_not_be_used_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Settings.read({name: value})
