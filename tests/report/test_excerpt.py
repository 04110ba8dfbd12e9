"""A place in the evidence is shown as it is, and harmless."""

import json
from pathlib import Path

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.report.excerpt import EvidenceUnreadableError, render_excerpt


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "report.json").write_text(json.dumps({"a/b": [{"~": "found"}, 2], "long": list(range(500))}))
    (tmp_path / "step.log").write_text("".join(f"line {number}\x1b[2J\n" for number in range(100)))
    (tmp_path / "broken.json").write_text('{"a": NaN}')
    return tmp_path


def test_a_pointer_leads_to_its_value(folder: Path) -> None:
    """Escapes of RFC 6901 included."""
    assert render_excerpt(folder, "report.json#/a~1b/0/~0") == '"found"\n'
    assert render_excerpt(folder, "report.json#/a~1b/1") == "2\n"


def test_a_long_value_is_cut_and_says_so(folder: Path) -> None:
    lines = render_excerpt(folder, "report.json").splitlines()
    assert lines[-1] == "... and 310 more lines"
    assert len(lines) == 201


def test_a_text_is_shown_from_its_end_without_control_characters(folder: Path) -> None:
    text = render_excerpt(folder, "step.log")
    assert text.startswith("... 40 lines before\nline 40\\x1b[2J\n")
    assert text.endswith("line 99\\x1b[2J\n")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("report.json#/nothing", "has nothing at /nothing"),
        ("report.json#/a~1b/2", "has nothing at /a~1b/2"),
        ("report.json#/a~1b/x", "has nothing at /a~1b/x"),
        ("report.json#/long/0/0", "has nothing at /long/0/0"),
        ("missing.json", "there is no missing.json"),
        ("broken.json", "not a number"),
    ],
)
def test_what_can_not_be_shown_is_said_in_one_line(folder: Path, place: str, words: str) -> None:
    with pytest.raises(EvidenceUnreadableError, match=words):
        render_excerpt(folder, place)


@pytest.mark.parametrize("place", ["", "#/a", "/etc/passwd", "../secret", "runs/../../secret"])
def test_no_place_outside_of_the_evidence_is_shown(folder: Path, place: str) -> None:
    with pytest.raises(ConfigurationError, match="no place in the evidence"):
        render_excerpt(folder, place)
