"""Nox's report: it can make things worse, and never well."""

from pathlib import Path

import pytest
from fakes.results import GONE, changed, read_document, sample

from gatewright.core.verdict import State

SUCCESS = sample("nox-success.json")


def test_success_alone_proves_nothing(tmp_path: Path) -> None:
    result = read_document(tmp_path, SUCCESS)
    assert (result.state, result.unproven) == (State.INCONCLUSIVE, True)
    assert "no measurement" in result.reasons[0].message


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ([("sessions/0/result", "failed"), ("sessions/0/result_code", 0)], State.FAIL),
        ([("sessions/0/result", "aborted"), ("sessions/0/result_code", -1)], State.ERROR),
        ([("sessions/0/result", "skipped"), ("sessions/0/result_code", 2)], State.SKIPPED),
        ([("sessions", [])], State.EMPTY),
        ([("sessions", GONE)], State.INVALID),
        ([("result", 0)], State.INVALID),
        ([("result", 2)], State.INVALID),
        ([("result", True)], State.INVALID),
        ([("sessions/0/result_code", 0)], State.INVALID),
        ([("sessions/0/result", "failed")], State.INVALID),
        ([("sessions/0/result", "SUCCESS")], State.INVALID),
        ([("sessions/0/result", GONE)], State.INVALID),
    ],
)
def test_everything_else_is_worse(tmp_path: Path, changes: list[tuple[str, object]], state: State) -> None:
    result = read_document(tmp_path, changed(SUCCESS, *changes))
    assert result.state is state, result.reasons
    assert result.reasons
    assert not result.unproven
