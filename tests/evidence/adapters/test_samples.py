"""Real output of real tools ends as it should, and its format is told by its content."""

import pytest
from fakes.results import SAMPLES, read_text

from gatewright.core.verdict import State
from gatewright.evidence.report import Counts
from gatewright.evidence.results import Format, read_result
from gatewright.evidence.strict import parse_json, value_at

GOOD = Counts(collected=5, passed=3, skipped=1, xfailed=1)
BAD = Counts(collected=6, passed=2, failed=4)
FLAKY = Counts(collected=1, passed=1, flaky=1)

CASES = {
    "pytest-passed.json": (State.PASS, GOOD),
    "pytest-passed.xml": (State.PASS, GOOD),
    # CTRF has no word for a failure that is expected.
    "pytest-passed.ctrf.json": (State.PASS, Counts(collected=5, passed=3, skipped=2)),
    "pytest-failed.json": (State.FAIL, BAD),
    "pytest-failed.xml": (State.FAIL, BAD),
    "pytest-failed.ctrf.json": (State.FAIL, BAD),
    "pytest-flaky.json": (State.PASS, FLAKY),
    "pytest-flaky.xml": (State.PASS, FLAKY),
    "pytest-flaky.ctrf.json": (State.PASS, FLAKY),
    "pytest-empty.json": (State.EMPTY, Counts()),
    "pytest-empty.xml": (State.EMPTY, Counts()),
    "pytest-empty.ctrf.json": (State.EMPTY, Counts()),
    "pytest-uncollectable.json": (State.FAIL, Counts(collected=1, failed=1)),
    "pytest-uncollectable.xml": (State.FAIL, Counts(collected=1, failed=1)),
    "pytest-uncollectable.ctrf.json": (State.EMPTY, Counts()),
    "pytest-failunder.json": (State.ERROR, GOOD),
    "pytest-subtests.json": (State.PASS, Counts(collected=1, passed=1)),
    # pytest counts subtests in `tests` and writes no case for them: not to be told from cases that were lost.
    "pytest-subtests.xml": (State.INVALID, Counts()),
    "coverage.json": (State.PASS, Counts()),
    "coverage.xml": (State.PASS, Counts()),
    "gcovr.xml": (State.PASS, Counts()),
    "istanbul.xml": (State.PASS, Counts()),
    "coverage-nothing-ran.json": (State.EMPTY, Counts()),
    "coverage-nothing-ran.xml": (State.EMPTY, Counts()),
    "ruff-findings.sarif": (State.FAIL, Counts(collected=3, failed=3)),
    "ruff-findings.xml": (State.FAIL, Counts(collected=2, failed=2)),
    "ruff-clean.sarif": (State.EMPTY, Counts()),
    "ruff-clean.xml": (State.EMPTY, Counts()),
    "bandit-findings.sarif": (State.WARN, Counts(collected=2, passed=2)),
    "bandit-clean.sarif": (State.PASS, Counts(collected=1, passed=1)),
    # Semgrep lists its rules, whether it had anything to look at or not.
    "semgrep-clean.sarif": (State.EMPTY, Counts(collected=1, passed=1)),
    "semgrep-nothing.sarif": (State.EMPTY, Counts(collected=1, passed=1)),
    "semgrep-findings.sarif": (State.FAIL, Counts(collected=1, failed=1)),
    "pip-audit-clean.json": (State.PASS, Counts(collected=2, passed=2)),
    "pip-audit-vulnerable.json": (State.FAIL, Counts(collected=2, passed=1, failed=1)),
    "pip-audit-skipped.json": (State.INCONCLUSIVE, Counts()),
    "nox-success.json": (State.INCONCLUSIVE, Counts()),
    "nox-skipped.json": (State.SKIPPED, Counts()),
    "nox-failed.json": (State.FAIL, Counts()),
}
UNPROVEN = {
    "ruff-clean.sarif",
    "ruff-clean.xml",
    "nox-success.json",
    "semgrep-clean.sarif",
    "semgrep-nothing.sarif",
}
FORMATS = {
    "pytest-passed.json": Format.PYTEST_JSON,
    "pytest-passed.xml": Format.JUNIT,
    "pytest-passed.ctrf.json": Format.CTRF,
    "coverage.json": Format.COVERAGE_JSON,
    "coverage.xml": Format.COVERAGE_XML,
    "bandit-clean.sarif": Format.SARIF,
    "pip-audit-clean.json": Format.PIP_AUDIT,
    "nox-success.json": Format.NOX,
}


@pytest.mark.parametrize("name", CASES)
def test_a_real_report_ends_as_it_should(name: str) -> None:
    result = read_result(SAMPLES, name)
    assert (result.state, result.counts) == CASES[name], result.reasons
    assert bool(result.reasons) == (result.state is not State.PASS)
    assert result.unproven == (name in UNPROVEN)


def test_every_sample_is_tried() -> None:
    assert {path.name for path in SAMPLES.iterdir()} - {"README.md"} == set(CASES)


def test_every_format_has_a_sample() -> None:
    """The report of a suite of ours is tried where suites are."""
    assert set(FORMATS.values()) == set(Format) - {Format.SUITE}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_that_is_named_reads_the_same(name: str) -> None:
    assert read_result(SAMPLES, name, FORMATS[name]) == read_result(SAMPLES, name)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("format", Format)
def test_a_wrong_name_is_refused(name: str, format: Format) -> None:  # noqa: A002
    """A format that the policy names is held against the content as strictly as one that is found."""
    result = read_result(SAMPLES, name, format)
    assert (result.state is State.INVALID) == (FORMATS[name] is not format)


@pytest.mark.parametrize("name", CASES)
def test_half_of_a_report_never_passes(name: str, tmp_path) -> None:
    text = (SAMPLES / name).read_text(encoding="utf-8")
    result = read_text(tmp_path, text[: len(text) // 2], name)
    assert result.state is State.INVALID
    assert "\n" not in result.reasons[0].message


@pytest.mark.parametrize("name", CASES)
def test_what_a_pointer_leads_to_is_there(name: str) -> None:
    """Every reason about JSON says where in it."""
    if name.endswith(".xml"):
        return
    document = parse_json((SAMPLES / name).read_bytes(), name=name)
    for reason in read_result(SAMPLES, name).reasons:
        assert reason.artifact == name
        value_at(document, reason.pointer)
