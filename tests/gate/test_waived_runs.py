"""Waivers over real evidence: what is written, shown, verified and judged again."""

from datetime import timedelta
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.projects import make_project, policy_with

from gatewright.core.clock import SystemClock
from gatewright.core.verdict import ExitCode, State, Verdict
from gatewright.execution.gate import run_alone
from gatewright.execution.judge import judge_now, verify_run
from gatewright.execution.project import Project, Settings
from gatewright.gate.decision import VerdictDocument, exit_code
from gatewright.gate.waivers import WaiverStatus
from gatewright.report.markdown import render_verdict
from gatewright.report.text import render_explanation, render_verdict_text

REPORT = ("junit.xml", "report.json")


def waiver(id_: str = "known", days: int = 7, **more: str) -> str:
    settings = {"id": id_, "check": "unit", "reason": "being mended", "owner": "ada"} | more
    day = (SystemClock().now() + timedelta(days=days)).date()
    lines = [f'{name} = "{value}"' for name, value in settings.items()]
    return "\n".join(["[[waivers]]", *lines, f"expires = {day}\n"])


def run(root: Path, *steps: str, waivers: str, results: tuple[str, ...] = ("junit.xml",)) -> VerdictDocument:
    project = make_project(root, policy_with(*steps, results=results, more=waivers))
    return run_alone(project, Settings(), "unit", clock=SystemClock(), echo=lambda _: None)


def test_a_known_failure_passes_as_waived_and_says_so_everywhere(tmp_path: Path) -> None:
    document = run(tmp_path, "junit(failed=1); sys.exit(1)", waivers=waiver())
    assert (document.verdict, exit_code(document)) == (Verdict.PASS, ExitCode.PASS)
    [check] = document.checks
    assert (check.state, check.waived) == (State.FAIL, "known")
    assert check.reasons
    assert document.reasons == ()
    [use] = document.waivers
    assert (use.status, use.owner, use.reason) == (WaiverStatus.APPLIED, "ada", "being mended")
    text = render_verdict_text(document, colour=False)
    assert "\nPASS, 1 waived\n" in text
    assert "FAIL (waived)" in text
    assert "waiver known applied: unit is FAIL (tests-pass), for which ada answers until" in text
    assert "being mended" in text
    explanation = render_explanation(document, "unit")
    assert "unit is FAIL (waived)\n  waiver   known\n" in explanation
    assert "1 of 4 tests failed" in explanation
    markdown = render_verdict(document)
    assert markdown.startswith("# PASS, 1 waived\n")
    assert "## Waivers" in markdown
    assert "FAIL (waived)" in markdown
    folder = Project(tmp_path).runs / document.run_id
    assert verify_run(None, folder).is_intact


def test_a_waiver_that_has_ended_is_still_the_one_of_its_run(tmp_path: Path) -> None:
    """Verified a year later, the verdict is what it was; judged by then, it no longer passes."""
    document = run(tmp_path, "junit(failed=1); sys.exit(1)", waivers=waiver(days=0))
    project = Project(tmp_path)
    folder = project.runs / document.run_id
    assert verify_run(None, folder).exit_code is ExitCode.PASS
    tomorrow = FakeClock(SystemClock().now() + timedelta(days=1))
    again = judge_now(project, folder, tomorrow, only="unit")
    assert again.verdict is Verdict.FAIL
    assert [use.status for use in again.waivers] == [WaiverStatus.EXPIRED]
    assert "waiver known expired" in render_verdict_text(again, colour=False)


@pytest.mark.parametrize(
    ("written", "forged"),
    [
        ('"waived": "known"', '"waived": ""'),
        ('"status": "applied"', '"status": "unmatched"'),
        ('"owner": "ada"', '"owner": "bob"'),
    ],
)
def test_what_the_verdict_says_of_waivers_can_not_be_changed(
    tmp_path: Path, written: str, forged: str
) -> None:
    document = run(tmp_path, "junit(failed=1); sys.exit(1)", waivers=waiver())
    folder = Project(tmp_path).runs / document.run_id
    path = folder / "verdict.json"
    text = path.read_text(encoding="utf-8")
    assert written in text
    path.write_text(text.replace(written, forged), encoding="utf-8")
    problems = {problem.message for problem in verify_run(None, folder).problems}
    assert problems & {
        "does not follow from the evidence at /waivers",
        "does not follow from the evidence at /checks/0/waived",
    }


@pytest.mark.parametrize(
    ("steps", "results", "state"),
    [
        (("junit(failed=1); sys.exit(1)", "sys.exit(7)"), ("junit.xml",), State.FAIL),
        (("junit(failed=1); sys.exit(1)", "os.abort()"), ("junit.xml",), State.FAIL),
        (("junit(failed=1); sys.exit(1)", "sys.exit(3)"), ("junit.xml",), State.FAIL),
        (("junit(failed=1); sys.exit(1)", "report(); sys.exit(1)"), REPORT, State.FAIL),
        (("junit(failed=1); sys.exit(1)", "pass"), REPORT, State.FAIL),
        (("junit(failed=1); sys.exit(1)", "write('report.json', '{')"), REPORT, State.FAIL),
        (("junit(failed=1); sys.exit(1)", "report(counts={})"), REPORT, State.FAIL),
    ],
)
def test_a_known_failure_hides_nothing_that_was_not_measured(
    tmp_path: Path, steps: tuple[str, ...], results: tuple[str, ...], state: State
) -> None:
    """A step that broke, a result that is missing, torn or empty stands behind the failure, and isn't waived."""
    document = run(tmp_path, *steps, waivers=waiver(), results=results)
    [check] = document.checks
    assert (check.state, check.waived) == (state, "")
    assert document.verdict is Verdict.FAIL
    assert len(check.reasons) > 1
    assert [use.status for use in document.waivers] == [WaiverStatus.REFUSED]


def test_a_known_failure_hides_no_test_whose_end_is_not_known(tmp_path: Path) -> None:
    """One result may hold both; each reason has a state of its own."""
    tests = [{"name": name, "status": name, "duration": 1} for name in ("failed", "other", "passed")]
    summary = {"tests": 3, "passed": 1, "failed": 1, "skipped": 0, "pending": 0, "other": 1}
    document = {
        "reportFormat": "CTRF",
        "specVersion": "0.0.0",
        "results": {"tool": {"name": "t"}, "summary": summary | {"start": 0, "stop": 1}, "tests": tests},
    }
    code = f"write('report.json', json.dumps({document!r})); sys.exit(1)"
    judged = run(tmp_path, code, waivers=waiver(), results=("report.json",))
    [check] = judged.checks
    assert check.state is State.FAIL, check.reasons
    assert len(check.reasons) == 2
    assert [use.message for use in judged.waivers] == ["INCONCLUSIVE (tests-pass) can't be waived"]


def test_a_known_failure_hides_no_complaint_of_a_command_whose_own_result_is_good(tmp_path: Path) -> None:
    """The failure comes from a tool that ends with 0 all the same, the exit code from another one."""
    steps = ("junit(failed=1)", "report(); 'report.json'; sys.exit(1)")
    document = run(tmp_path, *steps, waivers=waiver(), results=("junit.xml", "report.json"))
    assert document.verdict is not Verdict.PASS
    [check] = document.checks
    assert not check.waived
    assert [reason.rule for reason in check.reasons] == ["tests-pass", "steps-succeed"]


def test_two_results_that_fail_explain_two_steps_that_complain(tmp_path: Path) -> None:
    steps = ("junit(failed=1); sys.exit(1)", "report(verdict='FAIL'); sys.exit(1)")
    document = run(tmp_path, *steps, waivers=waiver(), results=REPORT)
    assert (document.verdict, document.checks[0].waived) == (Verdict.PASS, "known")


def test_altered_evidence_is_not_waived(tmp_path: Path) -> None:
    document = run(tmp_path, "junit(); os.symlink('junit.xml', folder + '/link')", waivers=waiver())
    assert exit_code(document) is ExitCode.INTEGRITY
    assert [use.message for use in document.waivers] == ["TAMPERED (evidence-unaltered) can't be waived"]


def test_a_waiver_without_anything_to_waive_warns_and_does_no_harm(tmp_path: Path) -> None:
    document = run(tmp_path, "junit()", waivers=waiver() + '[[waivers]]\nid = "torn"\ncheck = "unit"\n')
    assert document.verdict is Verdict.PASS
    assert [use.status for use in document.waivers] == [WaiverStatus.UNMATCHED, WaiverStatus.MALFORMED]
    text = render_verdict_text(document, colour=False)
    assert "\nPASS\n" in text
    assert "waiver known unmatched: unit is PASS, so there is nothing to waive" in text
    assert "waiver torn malformed: reason: is missing" in text
    assert "unmatched" in render_verdict(document)
