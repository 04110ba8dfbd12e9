"""Tapes: written and read back whole, and refused in one line when they are something else."""

import json
from pathlib import Path

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.race import ProcessModel, Tape, read_tape

TAPE = Tape(
    scenario="package.module:Scenario",
    name="a-race",
    strategy="icb",
    seed=3,
    process_model=ProcessModel.SEPARATE,
    preemptions=1,
    steps=(("alice", "SELECT “quoted” FROM t"), ("bob", "COMMIT")),
    failed={"single": ("it happened \n twice",)},
)


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "a.tape.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_tape_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """JSON, one step on a line."""
    path = written(tmp_path, TAPE.to_json())
    assert read_tape(path) == TAPE
    assert '    ["bob", "COMMIT"]\n' in path.read_text()


def changed(**fields: object) -> str:
    return json.dumps({**json.loads(TAPE.to_json()), **fields})


HOSTILE = {
    "empty": "",
    "no object": "[]",
    "truncated": TAPE.to_json()[:-20],
    "not text": b"\xff\xfe\x00",
    "twice the same key": TAPE.to_json().replace("{", '{"seed": 1,', 1),
    "not a number": changed().replace('"seed": 3', '"seed": NaN'),
    "deep": "[" * 100_000,
    "another version": changed(schema_version="gatewright.race-tape/9"),
    "unknown field": changed(extra=1),
    "missing field": json.dumps({"name": "a"}),
    "a path for a module": changed(scenario="../../etc/passwd:x"),
    "code for a module": changed(scenario="os:system('true')"),
    "wrong step": changed(steps=[["alice"]]),
    "endless label": changed(steps=[["alice", "x" * 5000]]),
    "unknown model": changed(process_model="telepathy"),
    "negative": changed(preemptions=-1),
    "huge number": changed(seed=10**400),
    "too large": b" " * (5 * 1024 * 1024),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_tape_is_refused_in_one_line(tmp_path: Path, content: str | bytes) -> None:
    """Never a traceback, never an import."""
    with pytest.raises(ConfigurationError) as refusal:
        read_tape(written(tmp_path, content))
    assert "\n" not in str(refusal.value)


def test_a_tape_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """With the reason that the system gave."""
    with pytest.raises(ConfigurationError, match="No such file"):
        read_tape(tmp_path / "none.tape.json")
