"""A proven failure hides no command that broke for another reason."""

import pytest
from fakes.sealed import START, CheckMade, junit, open_run_folder, report, step

from gatewright.core.verdict import State
from gatewright.evidence.report import Counts
from gatewright.evidence.results import Result
from gatewright.gate.aggregate import judge_check
from gatewright.gate.binding import Expected
from gatewright.gate.finding import Place
from gatewright.gate.measure import shown, total

FAILED = {"exit_code": 1}
POLICY = """\
schema_version = 1
[checks.unit]
steps = [["tool"], ["tool"], ["tool"]]
results = ["junit.xml", "report.json"]
"""
FILES = {"junit.xml": junit("passed", "failed"), "report.json": report()}


def rules(tmp_path, endings: list[dict], files: dict | None = None) -> list[tuple[str, str, str]]:
    """The reasons of a check with three commands: rule, pointer and message."""
    steps = tuple(step(ending, log=f"step-{number}.log") for number, ending in enumerate(endings, start=1))
    run = open_run_folder(tmp_path, POLICY, {"unit": CheckMade(files or FILES, manifest={"steps": steps})})
    expected = Expected(run.run_id, run.policy.digest, run.subject, START)
    judged = judge_check(run.folder, "unit", run.policy.policy.checks["unit"], expected)
    assert judged.verdict.state is State.FAIL
    return [
        (each.rule, each.pointer, each.message)
        for each in judged.verdict.reasons
        if each.rule == "steps-succeed"
    ]


def test_one_failed_command_is_explained_by_one_failed_result(tmp_path) -> None:
    assert rules(tmp_path, [FAILED, {"exit_code": 0}, {"exit_code": 0}]) == []


def test_two_failed_commands_are_not(tmp_path) -> None:
    """Which of the two the result is about, nobody knows: both are named."""
    told = "ended badly (exit code 1) while the results say FAIL"
    assert rules(tmp_path, [FAILED, {"exit_code": 0}, FAILED]) == [
        ("steps-succeed", "/steps/0", f"unit: step 1 {told}"),
        ("steps-succeed", "/steps/2", f"unit: step 3 {told}"),
    ]


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        ({"exit_code": 9}, "exit code 9"),
        ({"signal": "SIGKILL"}, "killed by SIGKILL"),
        ({"exit_code": 3}, "exit code 3"),
        ({"exit_code": 0, "timed_out": True}, "ended by the gate when its time was over"),
    ],
)
def test_a_command_that_broke_is_named_beside_the_failure(ending: dict, told: str, tmp_path) -> None:
    assert rules(tmp_path, [FAILED, ending, {"exit_code": 0}]) == [
        ("steps-succeed", "/steps/1", f"unit: step 2 ended badly ({told}) while the results say FAIL")
    ]


def test_a_doubtful_result_explains_a_doubtful_command(tmp_path) -> None:
    files = FILES | {"report.json": report("INCONCLUSIVE")}
    assert rules(tmp_path, [FAILED, {"exit_code": 3}, {"exit_code": 0}], files) == []


def test_the_state_of_a_broken_command_is_what_broke_it(tmp_path) -> None:
    """Kept among the findings, from which waivers are judged: a time-out is not a failure that may be waived."""
    for number, (ending, state) in enumerate(
        [
            ({"signal": "SIGKILL"}, State.ERROR),
            ({"timed_out": True}, State.TIMEOUT),
            ({"exit_code": 3}, State.ERROR),
        ]
    ):
        steps = (step(FAILED), step(ending), step({"exit_code": 0}))
        run = open_run_folder(
            tmp_path / str(number), POLICY, {"unit": CheckMade(FILES, manifest={"steps": steps})}
        )
        expected = Expected(run.run_id, run.policy.digest, run.subject, START)
        judged = judge_check(run.folder, "unit", run.policy.policy.checks["unit"], expected)
        assert [each.state for each in judged.findings if each.reason.rule == "steps-succeed"] == [state]


def test_counts_are_told_without_zeros() -> None:
    assert shown(Counts()) == "nothing"
    assert shown(Counts(collected=3, skipped=1)) == "3 collected, 1 skipped"
    assert Place("r", "unit").artifact("a") == "runs/r/unit/a"


def test_all_results_of_a_check_count_together() -> None:
    results = (
        Result("a.xml", State.PASS, Counts(collected=2, passed=2)),
        Result("b.json", State.PASS, Counts(samples=5)),
    )
    assert total(results) == Counts(collected=2, passed=2, samples=5)
    assert total(results[:1] * 2) == Counts(collected=4, passed=4)
