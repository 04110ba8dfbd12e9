"""A run records what it is compared with, so that its verdict can be derived again wherever its folder goes."""

import json
from pathlib import Path

from fakes.projects import make_project, policy_with

from gatewright.core.clock import SystemClock
from gatewright.core.verdict import ExitCode, State, Verdict
from gatewright.execution.gate import run_gate
from gatewright.execution.judge import judge_now, verify_run
from gatewright.execution.project import Project, Settings
from gatewright.gate.baseline import BASELINE
from gatewright.gate.decision import VerdictDocument

LIMIT = 'limits.p95 = { max_increase = 0.5, runs = 3, min_runs = 2, first_runs = "warn" }'


class Silence:
    """A progress that nobody follows."""

    def begin(self, check: str) -> None: ...

    def tick(self) -> None: ...

    def end(self, verdict: object) -> None: ...


def gate(root: Path, p95: float, *, limit: str = LIMIT, profile: str = "quick") -> VerdictDocument:
    code = f"report(metrics={{'p95': {p95}}})"
    project = make_project(root, policy_with(code, results=("report.json",), more=limit))
    return run_gate(project, Settings(profile=profile), SystemClock(), Silence())


def states(root: Path, *values: float, **how: str) -> list[State]:
    return [gate(root, value, **how).checks[0].state for value in values]


def test_a_gate_warns_in_its_first_runs_and_then_holds_a_metric_to_their_median(tmp_path: Path) -> None:
    assert states(tmp_path, 10, 14, 12, 18, 19.5, 30) == [
        State.WARN,
        State.WARN,
        State.PASS,
        State.PASS,
        State.PASS,  # 10, 14, 12, 18: the latest three have a median of 14, and 21 is allowed
        State.FAIL,  # the median is 18, and 27 is allowed
    ]


def test_runs_that_fail_move_no_baseline(tmp_path: Path) -> None:
    assert states(tmp_path, 10, 10, 16, 16, 16, 16)[2:] == [State.FAIL] * 4


def test_another_profile_has_a_history_of_its_own(tmp_path: Path) -> None:
    states(tmp_path, 10, 10)
    assert states(tmp_path, 100, profile="full") == [State.WARN]


def test_a_gate_in_doubt_never_learns_and_says_what_to_do(tmp_path: Path) -> None:
    strict = LIMIT.replace('"warn"', '"inconclusive"')
    assert states(tmp_path, 10, 10, 10, limit=strict) == [State.INCONCLUSIVE] * 3
    document = gate(tmp_path, 10, limit=strict)
    assert document.verdict is Verdict.INCONCLUSIVE
    assert "first_runs" in document.reasons[0].command


def test_what_was_compared_with_lies_in_the_run_folder_and_is_verified(tmp_path: Path) -> None:
    for value in (10, 12):
        gate(tmp_path, value)
    document = gate(tmp_path, 11)
    folder = Project(tmp_path).runs / document.run_id
    recorded = json.loads((folder / BASELINE).read_bytes())
    assert [sample["value"] for sample in recorded["checks"]["unit"]["metrics"]["p95"]] == [10, 12]
    Project(tmp_path).history.unlink()
    assert verify_run(None, folder).exit_code is ExitCode.PASS
    assert judge_now(Project(tmp_path), folder, SystemClock()).verdict is Verdict.PASS
    (folder / BASELINE).write_text(
        (folder / BASELINE).read_text().replace("10.0", "1.0").replace("12.0", "2.0")
    )
    problems = {problem.message for problem in verify_run(None, folder).problems}
    assert "was altered after the run" in problems
    assert "does not follow from the evidence at /verdict" in problems


def test_a_baseline_that_was_altered_later_lets_nothing_pass(tmp_path: Path) -> None:
    """No manifest binds it to the run, and judging again reads it."""
    for value in (10, 10):
        gate(tmp_path, value)
    document = gate(tmp_path, 50)
    assert document.verdict is Verdict.FAIL
    project = Project(tmp_path)
    path = project.runs / document.run_id / BASELINE
    path.write_text(path.read_text().replace("10.0", "100.0"))
    again = judge_now(project, None, SystemClock())
    assert again.verdict is Verdict.FAIL
    assert again.checks[0].state is State.TAMPERED
    assert "baseline.json" in again.checks[0].reasons[-1].message


def test_a_check_can_not_move_its_own_baseline(tmp_path: Path) -> None:
    """The gate compares with what it read when it opened the run, and whoever writes over that is seen."""
    for value in (10, 10):
        gate(tmp_path, value)
    code = (
        "report(metrics={'p95': 99}); path = os.path.join(os.path.dirname(folder), 'baseline.json');"
        " text = open(path).read(); open(path, 'w').write(text.replace('10.0', '100.0'))"
    )
    project = make_project(tmp_path, policy_with(code, results=("report.json",), more=LIMIT))
    document = run_gate(project, Settings(), SystemClock(), Silence())
    assert document.checks[0].state is State.FAIL
    assert verify_run(project, None).exit_code is ExitCode.INTEGRITY


def test_a_history_that_was_altered_is_doubt_and_no_first_run(tmp_path: Path) -> None:
    from gatewright.execution.run import record_baseline  # noqa: PLC0415 - the one place that needs it
    from gatewright.gate.policy import load_policy  # noqa: PLC0415

    for value in (10, 10):
        gate(tmp_path, value)
    project = Project(tmp_path)
    project.history.write_text(project.history.read_text().replace("10.0", "90.0"), encoding="utf-8")
    folder = tmp_path / "run"
    folder.mkdir()
    baseline = record_baseline(project, folder, load_policy(project.policy).policy, "quick")
    assert baseline is not None
    assert "does not follow" in baseline.problem


def test_a_policy_that_compares_with_nothing_records_nothing(tmp_path: Path) -> None:
    document = gate(tmp_path, 10, limit="limits.p95 = { max = 20 }")
    assert not (Project(tmp_path).runs / document.run_id / BASELINE).exists()
