"""The launcher's exit code is that of the verdict of its own run, and of nothing else."""

import json
from pathlib import Path

import pytest
from bootstrap.outcome import (
    NOTE_VARIABLE,
    exit_code_of_run,
    new_run_id,
    note_exit_code,
    noted_exit_code,
)

RUN = "20261121T213554Z-0a1b2c3d"


def verdict(word: str, *states: str, **changed: object) -> dict[str, object]:
    checks = [{"state": state} for state in states]
    return {"run_id": RUN, "verdict": word, "checks": checks, "finished_at": "2026-11-21T21:36:00Z"} | changed


def written(evidence: Path, content: str) -> Path:
    folder = evidence / "runs" / RUN
    folder.mkdir(parents=True)
    (folder / "verdict.json").write_text(content)
    return evidence


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (verdict("PASS", "PASS"), 0),
        (verdict("FAIL", "PASS", "FAIL"), 1),
        (verdict("INCONCLUSIVE", "EMPTY"), 3),
        (verdict("FAIL", "TAMPERED"), 4),
        (verdict("PASS", "MISMATCH"), 4),
    ],
)
def test_each_verdict_has_its_exit_code(tmp_path: Path, document: dict[str, object], code: int):
    """Broken evidence outranks every word."""
    assert exit_code_of_run(written(tmp_path, json.dumps(document)), RUN) == code


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        json.dumps(verdict("PASSED", "PASS")),
        json.dumps(verdict("PASS", "PASS", run_id="another")),
        json.dumps(verdict("PASS", "PASS", finished_at=None)),
        json.dumps(verdict("PASS", "PASS", checks=None)),
        json.dumps(verdict("PASS", "PASS", checks=[{"state": ["PASS"]}])),
    ],
)
def test_what_is_no_finished_verdict_of_this_run_has_no_code(tmp_path: Path, content: str):
    """Torn, foreign, unfinished: the caller calls it INCONCLUSIVE."""
    assert exit_code_of_run(written(tmp_path, content), RUN) is None


def test_a_run_that_left_nothing_has_no_code(tmp_path: Path):
    """Neither does the verdict of the run before count."""
    written(tmp_path, json.dumps(verdict("PASS", "PASS")))
    assert exit_code_of_run(tmp_path, "20261121T213555Z-ffffffff") is None


def test_a_task_notes_its_exit_code_for_the_launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Nox in between makes 1 of everything."""
    note = tmp_path / "note"
    monkeypatch.setenv(NOTE_VARIABLE, str(note))
    assert noted_exit_code(note, 1) == 1
    note_exit_code(2)
    assert noted_exit_code(note, 1) == 2


def test_run_ids_are_never_the_same():
    """Two launchers in the same second don't read each other's verdict."""
    assert len({new_run_id() for _ in range(100)}) == 100
