"""Evidence is written whole or not at all."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatewright.core.verdict import Verdict
from gatewright.evidence.record import EVIDENCE_FOLDER_VARIABLE, publish, timestamp, write_atomic
from gatewright.evidence.report import Counts, SuiteReport

MOMENT = datetime(2026, 11, 21, 21, 35, 54, 123456, tzinfo=UTC)
REPORT = SuiteReport(
    schema_version="demo/1",
    suite="demo",
    verdict=Verdict.PASS,
    reasons=(),
    counts=Counts(samples=1),
    started_at=MOMENT,
    finished_at=MOMENT,
)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file"
    write_atomic(path, "one")
    write_atomic(path, b"two")
    assert path.read_text(encoding="utf-8") == "two"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomic(path, "old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_report_is_published_under_its_time_and_as_the_latest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(EVIDENCE_FOLDER_VARIABLE, raising=False)
    published = publish(tmp_path, REPORT, "# PASS\n")
    assert published.json.name == "20261121T213554123Z.json"
    assert published.latest_json.read_bytes() == published.json.read_bytes()
    assert published.latest_markdown.read_text(encoding="utf-8") == "# PASS\n"
    assert not published.latest_json.is_symlink()


def test_inside_a_run_the_report_is_added_to_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    monkeypatch.setenv(EVIDENCE_FOLDER_VARIABLE, str(run))
    publish(tmp_path / "suite", REPORT, "# PASS\n")
    assert json.loads((run / "report.json").read_bytes())["suite"] == "demo"
    assert (run / "report.md").exists()


def test_a_page_is_published_beside_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under its time, as the latest, and in the folder of the run; without one there are no such files."""
    run = tmp_path / "run"
    run.mkdir()
    monkeypatch.setenv(EVIDENCE_FOLDER_VARIABLE, str(run))
    publish(tmp_path, REPORT, "# PASS\n")
    assert not list(tmp_path.rglob("*.html"))
    publish(tmp_path, REPORT, "# PASS\n", "<p>PASS</p>")
    places = {place.relative_to(tmp_path).as_posix() for place in tmp_path.rglob("*.html")}
    assert places == {"20261121T213554123Z.html", "latest.html", "run/report.html"}


def test_times_sort_as_names() -> None:
    later = MOMENT.replace(microsecond=999999)
    assert timestamp(MOMENT) < timestamp(later)
