"""The file in which a command tells its result: taken as far as it is plain, small and known."""

import json
import os

import pytest

from multyagents_api.runner.results import InvalidResult, read_result


def test_no_file_says_nothing(tmp_path):
    """A command need not tell more than its exit code."""
    assert read_result(tmp_path / "result.json") == {}


def test_known_fields_are_taken(tmp_path):
    """As they are: the API judges them."""
    file = tmp_path / "result.json"
    said = {"message": "well", "handoff": {"summary": "ü"}, "quality_gates": {"lint": "passed"}}
    file.write_text(json.dumps(said))
    assert read_result(file) == said


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"message": "\\ud800"}', "no JSON"),
        ('{"message": NaN}', "no JSON"),
        ("[]", "no JSON object"),
        ('{"status": "success"}', "unknown field 'status'"),
        ('{"message": "' + "x" * 300_000 + '"}', "larger than"),
    ],
)
def test_what_can_not_be_used_says_why(tmp_path, content, problem):
    """Without quoting what was written."""
    file = tmp_path / "result.json"
    file.write_text(content)
    with pytest.raises(InvalidResult, match=problem):
        read_result(file)


def test_only_a_plain_file_is_read(tmp_path):
    """A symlink would let a command have the runner read for it; a FIFO would let it wait."""
    file = tmp_path / "result.json"
    (tmp_path / "secret").write_text("{}")
    file.symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidResult, match="can't be read"):
        read_result(file)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(InvalidResult, match="no plain file"):
        read_result(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(InvalidResult, match="no plain file"):
        read_result(file)
