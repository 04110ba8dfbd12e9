"""A format is told by content alone, strictly; text from a file is bounded whatever it is."""

import json
from pathlib import Path

import pytest
from fakes.results import read_document, read_text, sample

from gatewright.core.verdict import State
from gatewright.evidence.results import ADAPTERS, Format

JSON_FORMATS = ["suite", "ctrf", "pytest-json", "coverage-json", "sarif", "pip-audit", "nox"]


def test_every_format_has_an_adapter() -> None:
    assert set(ADAPTERS) == set(Format)


@pytest.mark.parametrize("document", [{}, [], None, 1, "x", {"passed": True}, {"results": []}])
def test_an_unknown_document_is_refused_with_the_formats_that_are_known(
    tmp_path: Path, document: object
) -> None:
    result = read_document(tmp_path, document)
    assert result.state is State.INVALID
    assert all(name in result.reasons[0].message for name in JSON_FORMATS)
    assert "\n" not in result.reasons[0].message


@pytest.mark.parametrize("text", ["<html/>", "<coverages/>", "<a xmlns='x'/>"])
def test_unknown_xml_is_refused_with_the_formats_that_are_known(tmp_path: Path, text: str) -> None:
    result = read_text(tmp_path, text, "result.xml")
    assert result.state is State.INVALID
    assert "junit, coverage-xml" in result.reasons[0].message


def test_a_document_in_two_formats_is_in_none(tmp_path: Path) -> None:
    """One that passes as an audit and fails as a test run would be read as whoever wrote it likes."""
    both = sample("pytest-failed.json") | sample("pip-audit-clean.json")
    result = read_document(tmp_path, both)
    assert result.state is State.INVALID
    assert "more than one format (pytest-json, pip-audit)" in result.reasons[0].message
    assert read_document(tmp_path, both, Format.PYTEST_JSON).state is State.FAIL


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("result.xml", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><testsuites/>'),
        ("result.xml", "<!DOCTYPE coverage SYSTEM 'file:///etc/passwd'><coverage/>"),
        ("result.xml", "{}"),
        ("result.xml", ""),
        ("result.xml", "<?xml version='1.0' encoding='utf-7'?><testsuites/>"),
        ("result.json", "<testsuites/>"),
        ("result.json", ""),
        ("result.json", "\ufeff{}"),
        ("result.json", '{"runs": [], "runs": [], "version": "2.1.0"}'),
        ("result.json", '{"version": "2.1.0", "runs": NaN}'),
        ("result.json", '{"version": "2.1.0", "runs": 1e999}'),
        ("result.json", '{"version": "2.1.0", "runs": ' + "9" * 5000 + "}"),
        ("result.json", '{"version": "2.1.0", "runs": ' + "[" * 50_000 + "]" * 50_000 + "}"),
        ("result.sarif", '{"version": "2.1.0", "runs": ' + "[" * 500 + "]" * 500 + "}"),
        ("result.sarif", "{"),
    ],
)
def test_hostile_files_cost_one_line(tmp_path: Path, name: str, text: str) -> None:
    result = read_text(tmp_path, text, name)
    assert result.state is State.INVALID
    [reason] = result.reasons
    assert reason.message.isprintable()
    assert len(reason.message) <= 500


HOSTILE = "\x1b[2J\u202e\n::error::" + "x" * 100_000


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("pytest-failed.json", ("tests", 1, "nodeid")),
        ("pytest-uncollectable.json", ("collectors", 1, "nodeid")),
        ("pytest-failed.ctrf.json", ("results", "tests", 1, "name")),
        ("bandit-findings.sarif", ("runs", 0, "results", 0, "ruleId")),
        ("bandit-findings.sarif", ("runs", 0, "tool", "driver", "name")),
        ("pip-audit-vulnerable.json", ("dependencies", 1, "name")),
        ("pip-audit-vulnerable.json", ("dependencies", 1, "vulns", 0, "id")),
        ("pip-audit-skipped.json", ("dependencies", 0, "skip_reason")),
        ("nox-failed.json", ("sessions", 1, "name")),
    ],
)
def test_text_from_a_file_is_bounded_and_printable(
    tmp_path: Path, name: str, place: tuple[str | int, ...]
) -> None:
    document = target = sample(name)
    for part in place[:-1]:
        target = target[part]
    target[place[-1]] = HOSTILE
    for reason in read_document(tmp_path, document).reasons:
        assert all(text.isprintable() for text in reason.model_dump().values())
        assert all(len(text) <= 2000 for text in reason.model_dump().values())


def test_a_key_of_a_file_does_not_flood_a_pointer(tmp_path: Path) -> None:
    document = sample("coverage.json")
    document["files"][HOSTILE] = {}
    [reason] = read_document(tmp_path, document).reasons
    assert reason.message.isprintable()
    assert len(reason.message) <= 500
    assert reason.pointer == ""


def test_the_reasons_of_a_suite_are_bounded_too(tmp_path: Path) -> None:
    report = {
        "schema_version": "demo/1",
        "suite": "demo",
        "verdict": "FAIL",
        "reasons": [{"rule": HOSTILE, "message": HOSTILE, "pointer": f"/{HOSTILE}", "command": HOSTILE}],
        "counts": {"collected": 1, "failed": 1},
        "started_at": "2026-01-01T00:00:00Z",
        "finished_at": "2026-01-01T00:00:00Z",
    }
    [reason] = read_text(tmp_path, json.dumps(report), "report.json").reasons
    assert all(text.isprintable() and len(text) <= 2000 for text in reason.model_dump().values())
