"""Which session environments are up to date, and which were left half made."""

from pathlib import Path

import pytest
from bootstrap.places import Places, python_in
from bootstrap.sessions import (
    installed_python,
    mark_installed,
    mark_unfinished,
    remove_unfinished,
    sessions_of_policy,
)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A checkout with one lock."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "race-stress.txt").write_text("a==1\n")
    return Places(tmp_path, tmp_path / ".gate")


def environment(places: Places, name: str) -> Path:
    folder = places.sessions / name
    folder.mkdir(parents=True)
    return folder


def lock(places: Places) -> Path:
    return places.requirements / "race-stress.txt"


def test_a_finished_environment_is_found_under_any_name(places: Places):
    """Nox gives environments under a long path a short name."""
    folder = environment(places, "0a1b2c3d")
    mark_installed(folder, "race_stress", lock(places))
    assert installed_python(places, "race_stress") == python_in(folder)


def test_an_environment_of_an_older_lock_is_not_up_to_date(places: Places):
    """Otherwise a changed dependency would never arrive."""
    mark_installed(environment(places, "race_stress"), "race_stress", lock(places))
    lock(places).write_text("a==2\n")
    assert installed_python(places, "race_stress") is None


def test_an_environment_being_changed_is_not_finished(places: Places):
    """A kill in the midst of an installation must not leave it looking complete."""
    folder = environment(places, "race_stress")
    mark_installed(folder, "race_stress", lock(places))
    mark_unfinished(folder)
    assert installed_python(places, "race_stress") is None


def test_the_environment_of_another_session_is_not_taken(places: Places):
    """Two sessions with equal locks still have environments of their own."""
    mark_installed(environment(places, "tests"), "tests", lock(places))
    assert installed_python(places, "race_stress") is None


def test_only_half_made_environments_are_removed(places: Places):
    """Finished ones and Nox's own cache stay."""
    done, half, cache = (environment(places, name) for name in ("done", "half", ".cache"))
    mark_installed(done, "race_stress", lock(places))
    remove_unfinished(places.sessions)
    assert (done.exists(), half.exists(), cache.exists()) == (True, False, True)


@pytest.mark.parametrize(
    ("policy", "sessions"),
    [
        ('[checks.a]\nsession = "tests"\n[checks.b]\nsession = "lint"\n[checks.c]\n', ["lint", "tests"]),
        ("checks = 3", []),
        ("not toml", []),
    ],
)
def test_the_gates_sessions_are_read_from_the_policy(tmp_path: Path, policy: str, sessions: list[str]):
    """They are set up beforehand; what is wrong with a policy is the gate's to say."""
    (tmp_path / "gate.toml").write_text(policy)
    assert sessions_of_policy(tmp_path) == sessions
