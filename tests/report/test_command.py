"""Remedies name a command that works where they are read."""

import pytest

from gatewright.report.command import as_typed


@pytest.mark.parametrize(
    ("command", "program", "typed"),
    [
        ("gatewright run tests", "./scripts/multyagents", "./scripts/multyagents run tests"),
        (
            "python -m gatewright replay t.json",
            "./scripts/multyagents",
            "./scripts/multyagents replay t.json",
        ),
        ("gatewright gate", "", "gatewright gate"),
        ("git status", "./scripts/multyagents", "git status"),
        ("gatewrighter", "./scripts/multyagents", "gatewrighter"),
        ("", "./scripts/multyagents", ""),
    ],
)
def test_a_command_of_the_toolkit_goes_through_the_launcher(command: str, program: str, typed: str):
    """Where a launcher set its name; everything else stays as it was recorded."""
    assert as_typed(command, {"GATEWRIGHT_PROGRAM": program}) == typed
