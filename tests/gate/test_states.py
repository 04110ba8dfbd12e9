"""How exit codes and results make the state of a check."""

from datetime import UTC, datetime

import pytest

from gatewright.core.verdict import State
from gatewright.evidence.manifest import Step
from gatewright.gate.states import agree, rank, state_of_step, worst

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
SUITE = ("python", "scripts/stress.py")
PYTEST = ("/venv/bin/python", "-m", "pytest", "-q")


def step(argv: tuple[str, ...] = SUITE, **ending: object) -> Step:
    return Step(argv=argv, started_at=MOMENT, finished_at=MOMENT, duration_s=0, log="step-1.log", **ending)


@pytest.mark.parametrize(
    ("argv", "code", "state"),
    [
        (SUITE, 0, State.PASS),
        (SUITE, 1, State.FAIL),
        (SUITE, 2, State.ERROR),
        (SUITE, 3, State.INCONCLUSIVE),
        (SUITE, 4, State.ERROR),
        (SUITE, 5, State.ERROR),
        (SUITE, 127, State.ERROR),
        (SUITE, 255, State.ERROR),
        (PYTEST, 0, State.PASS),
        (PYTEST, 1, State.FAIL),
        (PYTEST, 2, State.ERROR),
        (PYTEST, 3, State.ERROR),
        (PYTEST, 4, State.ERROR),
        (PYTEST, 5, State.EMPTY),
        (("/venv/bin/pytest",), 5, State.EMPTY),
    ],
)
def test_an_exit_code_means_what_its_program_says(argv: tuple[str, ...], code: int, state: State) -> None:
    assert state_of_step(step(argv, exit_code=code)) is state


@pytest.mark.parametrize(
    ("ending", "state"),
    [
        ({"signal": "SIGKILL"}, State.ERROR),
        ({"error": "no such file"}, State.ERROR),
        ({}, State.ERROR),
        ({"timed_out": True, "exit_code": 0}, State.TIMEOUT),
        ({"timed_out": True, "signal": "SIGKILL"}, State.TIMEOUT),
    ],
)
def test_a_command_that_did_not_end_by_itself_never_passes(ending: dict[str, object], state: State) -> None:
    assert state_of_step(step(**ending)) is state


RESULTS = tuple(map(State, ("PASS", "FAIL", "INCONCLUSIVE", "EMPTY", "MISSING", "INVALID", "TAMPERED")))
TABLE = {
    "PASS": "PASS FAIL INCONCLUSIVE EMPTY MISSING INVALID TAMPERED",
    "FAIL": "ERROR FAIL ERROR ERROR ERROR ERROR TAMPERED",
    "INCONCLUSIVE": "ERROR FAIL INCONCLUSIVE ERROR ERROR ERROR TAMPERED",
    "EMPTY": "EMPTY FAIL EMPTY EMPTY EMPTY EMPTY TAMPERED",
    "ERROR": "ERROR FAIL ERROR ERROR ERROR ERROR TAMPERED",
    "TIMEOUT": "TIMEOUT FAIL TIMEOUT TIMEOUT TIMEOUT TIMEOUT TAMPERED",
}


@pytest.mark.parametrize("steps", TABLE)
def test_only_both_together_pass(steps: str) -> None:
    """Rows are what the exit codes say, columns what the results say."""
    assert [agree(State(steps), results) for results in RESULTS] == TABLE[steps].split()


@pytest.mark.parametrize("steps", State)
@pytest.mark.parametrize("results", State)
def test_nothing_but_pass_and_pass_passes(steps: State, results: State) -> None:
    assert (agree(steps, results) is State.PASS) == (steps is State.PASS and results is State.PASS)


def test_the_worst_of_none_is_missing() -> None:
    assert worst([]) is State.MISSING


def test_every_state_has_its_rank_and_pass_the_last() -> None:
    assert sorted(rank(state) for state in State) == list(range(len(State)))
    assert worst(State) is State.TAMPERED
    assert rank(State.PASS) == len(State) - 1
