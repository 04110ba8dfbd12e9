"""Tasks run from an interpreter that has Invoke and nothing of what they need."""

import subprocess

import pytest
from bootstrap.places import python_in

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def bare_python(checkout):
    """The interpreter of the launcher's own tools: Nox and Invoke, no FastAPI, no pydantic."""
    checkout.run("race-stress")
    return python_in(next((checkout.root / ".gate").glob("tools-*")))


def invoke(checkout, python, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", "invoke", *arguments]
    environ = checkout.environment(**variables)
    return subprocess.run(
        command, cwd=checkout.root, env=environ, text=True, capture_output=True, check=False
    )


@pytest.mark.parametrize(("behaviour", "code"), [("pass", 0), ("fail", 1), ("empty", 3)])
def test_a_task_without_its_packages_runs_its_session(checkout, bare_python, behaviour: str, code: int):
    """It says so in one line, and the verdict's exit code comes through Nox."""
    result = invoke(checkout, bare_python, "race-stress", CHECK_BEHAVIOUR=behaviour)
    assert result.returncode == code, result.stdout + result.stderr
    assert "running Nox session race_stress instead" in result.stderr


def test_a_second_redirect_is_refused(checkout, bare_python):
    """A lock that does not fit its group would send a task round in circles."""
    result = invoke(checkout, bare_python, "race-stress", MULTYAGENTS_REDIRECTED="1")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1


def test_a_plain_nox_sets_up_by_itself(checkout, bare_python):
    """Who has Nox needs no launcher; environments then lie in Nox's usual place."""
    command = [str(bare_python), "-m", "nox", "-s", "race_stress"]
    result = subprocess.run(
        command, cwd=checkout.root, env=checkout.environment(), text=True, capture_output=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert (checkout.root / ".nox" / "race_stress").is_dir()
