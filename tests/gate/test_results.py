"""A policy names results of any format; only those that prove something make a check pass."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile

import pytest
from fakes.projects import make_project, policy_with
from fakes.results import SAMPLES

from gatewright.core.clock import SystemClock
from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import State
from gatewright.evidence.results import Format
from gatewright.execution.gate import run_alone
from gatewright.execution.project import Settings
from gatewright.gate.aggregate import CheckVerdict
from gatewright.gate.policy import Check, ResultFile, parse_policy

GUIDE = Path(__file__).parents[2] / "docs" / "guide-results.md"


def check_with(results: str) -> Check:
    text = f'schema_version = 1\n[checks.unit]\nsteps = [["true"]]\nresults = {results}\n'
    return parse_policy(text.encode(), "gate.toml").policy.checks["unit"]


def test_a_result_is_a_path_or_a_path_with_its_format() -> None:
    check = check_with('["a.xml", { path = "b/c.json", format = "ctrf" }, { path = "d.sarif" }]')
    assert check.results == (
        ResultFile(path="a.xml"),
        ResultFile(path="b/c.json", format=Format.CTRF),
        ResultFile(path="d.sarif"),
    )


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ('["a.txt"]', "checks.unit.results.0"),
        ('[{ path = "a.txt" }]', "checks.unit.results.0.path"),
        ('[{ path = "../a.xml" }]', "relative path"),
        ('[{ path = "a.xml", format = "xunit" }]', "'junit', 'ctrf'"),
        ('[{ path = "a.xml", from = "junit" }]', "checks.unit.results.0.from"),
        ('[{ path = "a.xml", fromat = "junit" }]', "did you mean format?"),
        ('[{ format = "junit" }]', "checks.unit.results.0.path"),
        ("[3]", "checks.unit.results.0"),
        ('["a.xml", { path = "a.xml" }]', "names a result twice"),
    ],
)
def test_a_result_that_can_not_be_meant_is_refused(results: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_with(results)
    assert message in str(caught.value)


def test_the_policies_of_the_guide_are_good() -> None:
    """Every example of the guide is a policy, and its table knows every format."""
    text = GUIDE.read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    checks = [check for example in examples for check in parse_policy(example.encode(), "x").policy.checks]
    assert {"tests", "lint", "code-security", "dependencies", "browser"} <= set(checks)
    assert set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)) == set(Format)


def judged(
    folder: Path, *samples: str, steps: tuple[str, ...] = (), more: str = "", ended: str = ""
) -> CheckVerdict:
    """Run a check whose command leaves some samples in its folder; SARIF says that it ended then, or now."""
    ended = ended or datetime.now(UTC).isoformat()
    copies = [f"write('{name}', open('{name}').read())" for name in samples]
    results = (*samples, *(["junit.xml"] if any("junit" in step for step in steps) else []))
    project = make_project(
        folder / "project", policy_with("; ".join(copies), *steps, results=results, more=more)
    )
    for name in samples:
        text = (SAMPLES / name).read_text(encoding="utf-8")
        text = re.sub(r'("endTimeUtc": )"[^"]*"', rf'\1"{ended}"', text)
        (project.root / name).write_text(text, encoding="utf-8")
    [check] = run_alone(project, Settings(), "unit", clock=SystemClock(), echo=lambda _: None).checks
    return check


@pytest.mark.parametrize(
    ("sample", "more", "state"),
    [
        ("pip-audit-clean.json", "min_collected = 2", State.PASS),
        ("pip-audit-clean.json", "min_collected = 3", State.INCONCLUSIVE),
        ("pip-audit-vulnerable.json", "", State.FAIL),
        ("bandit-clean.sarif", "min_collected = 1", State.PASS),
        ("bandit-findings.sarif", "", State.WARN),
        ("bandit-findings.sarif", 'limits = { "findings.warning" = { max = 0 } }', State.FAIL),
        ("ruff-findings.sarif", "", State.FAIL),
        ("coverage.json", "", State.PASS),
        ("coverage.json", 'limits = { "coverage.line_rate" = { min = 0.5 } }', State.PASS),
        ("coverage.json", 'limits = { "coverage.line_rate" = { min = 0.6 } }', State.FAIL),
        ("coverage.json", 'limits = { "coverage.lines" = { min = 1 } }', State.INCONCLUSIVE),
        ("coverage.json", "min_collected = 1", State.EMPTY),
        ("ruff-clean.sarif", "", State.EMPTY),
        ("nox-success.json", "", State.INCONCLUSIVE),
        ("semgrep-clean.sarif", "", State.EMPTY),
        ("semgrep-clean.sarif", "min_collected = 1", State.EMPTY),
        ("semgrep-clean.sarif", 'limits = { "analysis.rules" = { max = 9 } }', State.EMPTY),
        ("semgrep-clean.sarif", 'limits = { "analysis.rules" = { min = 0 } }', State.EMPTY),
        ("semgrep-clean.sarif", 'limits = { "analysis.rules" = { min = 1 } }', State.PASS),
        ("semgrep-clean.sarif", 'limits = { "analysis.rules" = { min = 2 } }', State.FAIL),
        ("ruff-clean.sarif", 'limits = { "analysis.rules" = { min = 1 } }', State.FAIL),
    ],
)
def test_results_of_any_command_are_judged(tmp_path: Path, sample: str, more: str, state: State) -> None:
    check = judged(tmp_path, sample, more=more)
    assert check.state is state, check.reasons


@pytest.mark.parametrize("sample", ["pytest-passed.xml", "pytest-passed.json", "pytest-passed.ctrf.json"])
def test_a_report_that_lay_there_before_is_stale(tmp_path: Path, sample: str) -> None:
    """A command that copies yesterday's report has measured nothing today."""
    assert judged(tmp_path, sample, more="max_skipped = 2").state is State.STALE


def test_a_stale_coverage_report_is_told_by_when_it_was_written(tmp_path: Path) -> None:
    assert judged(tmp_path, "coverage.xml").state is State.STALE


def test_a_stale_log_is_told_by_when_it_ended(tmp_path: Path) -> None:
    """Bandit does not tell when it began."""
    assert judged(tmp_path, "bandit-clean.sarif", ended="2026-01-01T00:00:00Z").state is State.STALE


@pytest.mark.parametrize("way", ["shutil.copy2('old.json', folder)", "shutil.move('old.json', folder)"])
def test_a_file_that_is_older_than_its_check_is_stale(tmp_path: Path, way: str) -> None:
    """pip-audit does not tell when it looked; a copy that keeps its times, or a file that was moved, does."""
    project = make_project(tmp_path, policy_with(f"import shutil; {way}", results=("old.json",)))
    old = project.root / "old.json"
    copyfile(SAMPLES / "pip-audit-clean.json", old)
    os.utime(old, (old.stat().st_mtime - 60,) * 2)
    [check] = run_alone(project, Settings(), "unit", clock=SystemClock(), echo=lambda _: None).checks
    assert check.state is State.STALE
    assert "lay there before" in check.reasons[0].message


def test_a_result_from_after_its_check_is_refused(tmp_path: Path) -> None:
    """A time to come would keep a copied report fresh for ever."""
    step = "report(started_at='2999-01-01T00:00:00Z', finished_at='2999-01-01T00:00:00Z')"
    project = make_project(tmp_path, policy_with(step, results=("report.json",)))
    [check] = run_alone(project, Settings(), "unit", clock=SystemClock(), echo=lambda _: None).checks
    assert check.state is State.INVALID
    assert "began after" in check.reasons[0].message


@pytest.mark.parametrize("unproven", ["nox-success.json", "ruff-clean.sarif", "ruff-clean.xml"])
@pytest.mark.parametrize(
    ("step", "state"),
    [("junit()", State.PASS), ("junit(failed=1)", State.FAIL), ("junit(passed=0)", State.EMPTY)],
)
def test_what_proves_nothing_does_no_good_and_no_harm(
    tmp_path: Path, unproven: str, step: str, state: State
) -> None:
    """Beside a result of the same check, that result decides."""
    assert judged(tmp_path, unproven, steps=(step,)).state is state


@pytest.mark.parametrize(
    ("sample", "state"), [("nox-failed.json", State.FAIL), ("nox-skipped.json", State.SKIPPED)]
)
def test_a_report_of_nox_makes_things_worse(tmp_path: Path, sample: str, state: State) -> None:
    assert judged(tmp_path, sample, steps=("junit()",)).state is state


def test_two_that_prove_nothing_prove_nothing_together(tmp_path: Path) -> None:
    assert judged(tmp_path, "nox-success.json", "ruff-clean.sarif").state is State.EMPTY


@pytest.mark.parametrize("order", [1, -1])
def test_a_good_metric_hides_no_bad_one(tmp_path: Path, order: int) -> None:
    """Whichever of two results comes last, both must keep the limit."""
    samples = ["bandit-clean.sarif", "bandit-findings.sarif"][::order]
    check = judged(tmp_path, *samples, more='limits = { "findings.warning" = { max = 0 } }')
    assert check.state is State.FAIL
