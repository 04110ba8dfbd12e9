"""pip-audit: a vulnerability fails, what was not audited leaves the check open."""

from pathlib import Path

import pytest
from fakes.results import GONE, SAMPLES, changed, read_document, sample

from gatewright.core.verdict import State
from gatewright.evidence.results import read_result

CLEAN = sample("pip-audit-clean.json")
VULNERABILITY = {"id": "PYSEC-1", "fix_versions": []}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ([("dependencies", [])], State.EMPTY),
        ([("dependencies", GONE)], State.INVALID),
        ([("dependencies", None)], State.INVALID),
        ([("dependencies/0/vulns/-", VULNERABILITY)], State.FAIL),
        ([("dependencies/0/vulns/-", VULNERABILITY), ("dependencies/0/skip_reason", "x")], State.FAIL),
        ([("dependencies/0/vulns/-", {})], State.INVALID),
        ([("dependencies/0/vulns", GONE)], State.INVALID),
        ([("dependencies/0/vulns", None)], State.INVALID),
        ([("dependencies/0/vulns", {})], State.INVALID),
        ([("dependencies/0/version", GONE)], State.INVALID),
        ([("dependencies/0/name", GONE)], State.INVALID),
        ([("dependencies/0", {"name": "local", "skip_reason": "not on PyPI"})], State.INCONCLUSIVE),
        ([("dependencies/0", {"name": "local", "skip_reason": ""})], State.INCONCLUSIVE),
        ([("dependencies/0/skip_reason", "half audited")], State.INCONCLUSIVE),
    ],
)
def test_no_lie_passes(tmp_path: Path, changes: list[tuple[str, object]], state: State) -> None:
    result = read_document(tmp_path, changed(CLEAN, *changes))
    assert result.state is state, result.reasons
    assert result.reasons


def test_a_vulnerable_package_is_named_with_what_it_has() -> None:
    result = read_result(SAMPLES, "pip-audit-vulnerable.json")
    [reason] = result.reasons
    assert "jinja2 2.4.1 (PYSEC-2014-8)" in reason.message
    assert reason.pointer == "/dependencies/1"
    assert result.metrics == {"audit.packages": 2, "audit.skipped": 0, "vulnerabilities": 1}


def test_a_package_counts_once(tmp_path: Path) -> None:
    """The same package a hundred times would meet any minimum."""
    document = changed(CLEAN, ("dependencies", [CLEAN["dependencies"][0]] * 100))
    assert read_document(tmp_path, document).counts.collected == 1


def test_packages_that_were_left_out_are_not_counted(tmp_path: Path) -> None:
    document = changed(CLEAN, ("dependencies/-", {"name": "local", "skip_reason": "editable"}))
    result = read_document(tmp_path, document)
    assert result.counts.collected == 2
    assert result.metrics["audit.skipped"] == 1


def test_a_reason_that_many_share_is_told_once(tmp_path):
    """As where the service could not be reached at all."""
    skipped = [{"name": f"p{number}", "skip_reason": "nobody answered"} for number in range(9)]
    result = read_document(tmp_path, {"dependencies": skipped, "fixes": []})
    [reason] = result.reasons
    assert reason.message.count("nobody answered") == 1
    assert reason.message.startswith("9 packages")
