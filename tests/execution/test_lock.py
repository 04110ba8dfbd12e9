"""One gate at a time."""

from pathlib import Path

import pytest
from fakes.clock import FakeClock

from gatewright.core.verdict import ExitCode
from gatewright.execution.lock import GateBusyError, hold_gate


def test_a_second_gate_is_told_who_holds_the_first(tmp_path: Path) -> None:
    with (
        hold_gate(tmp_path, "first", FakeClock()),
        pytest.raises(GateBusyError, match=r"run first, process \d+, since 2026-11-21T12:00:00") as caught,
        hold_gate(tmp_path, "second", FakeClock()),
    ):
        pass
    assert caught.value.exit_code is ExitCode.INCONCLUSIVE


def test_the_gate_is_free_again_afterwards_also_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="planned"), hold_gate(tmp_path, "first", FakeClock()):
        raise ValueError("planned")
    with hold_gate(tmp_path, "second", FakeClock()):
        pass


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"run": "x"}', '{"run": "\\u001b[2J", "process": 1, "since": 2}']
)
def test_whatever_the_holder_wrote_the_line_is_harmless(tmp_path: Path, text: str) -> None:
    with hold_gate(tmp_path, "first", FakeClock()):
        (tmp_path / ".gate-holder").write_text(text, encoding="utf-8")
        with pytest.raises(GateBusyError) as caught, hold_gate(tmp_path, "second", FakeClock()):
            pass
    assert str(caught.value).isprintable()
