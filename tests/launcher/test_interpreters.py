"""Ready interpreters are used when they have what a check needs, and refused with a reason when not."""

import sys
from pathlib import Path

import pytest
from bootstrap.interpreters import INTERPRETER_VARIABLE, missing_here, ready_interpreter, requirements_of
from bootstrap.places import SetupError, python_in

GROUPS = """
[dependency-groups]
bootstrap = ["nox"]
base = ["pytest>=9"]
plenty = [{ include-group = "base" }, "no-such-package[extra]>=1; sys_platform != 'nowhere'", "nox"]
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with three groups, and nobody's interpreter in the environment."""
    monkeypatch.delenv(INTERPRETER_VARIABLE, raising=False)
    (tmp_path / "pyproject.toml").write_text(GROUPS)
    return tmp_path


def test_groups_are_resolved_to_names(root: Path):
    """Included groups count; versions, extras and markers are left off."""
    assert requirements_of("plenty", root) == ["no-such-package", "nox", "pytest"]


def test_nothing_named_means_environments_of_our_own(root: Path):
    """The usual case."""
    assert ready_interpreter("base", root) is None


def test_a_named_interpreter_is_used_as_it_is(root: Path, monkeypatch: pytest.MonkeyPatch):
    """Nox and Invoke are not asked of it: the check runs in it directly."""
    monkeypatch.setenv(INTERPRETER_VARIABLE, sys.executable)
    assert ready_interpreter("base", root) == Path(sys.executable)


@pytest.mark.parametrize(
    ("named", "group", "complaint"),
    [
        (sys.executable, "plenty", "lacks no-such-package"),
        ("/nowhere/python", "base", "can't be started"),
        ("true", "base", "is no working Python"),
    ],
)
def test_a_named_interpreter_that_will_not_do_is_a_usage_error(
    root: Path, monkeypatch: pytest.MonkeyPatch, named: str, group: str, complaint: str
):
    """Falling back silently would measure something else than the user asked for."""
    monkeypatch.setenv(INTERPRETER_VARIABLE, named)
    with pytest.raises(SetupError, match=complaint) as raised:
        ready_interpreter(group, root)
    assert raised.value.exit_code == 2


def test_a_local_environment_is_used_only_if_it_has_what_is_needed(
    root: Path, capsys: pytest.CaptureFixture[str]
):
    """One that lacks something is named, and left alone."""
    local = python_in(root / ".venv")
    local.parent.mkdir(parents=True)
    # A link to a virtual environment's interpreter loses that environment, so the packages are not found behind it.
    local.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    local.chmod(0o755)
    assert ready_interpreter("base", root) == local
    assert ready_interpreter("plenty", root) is None
    assert ".venv lacks no-such-package" in capsys.readouterr().err


def test_missing_packages_of_this_interpreter_are_named(root: Path):
    """The one line that a task prints before it runs itself through its session."""
    assert "no-such-package" in missing_here("plenty", root)
    assert missing_here("base", root) == []
