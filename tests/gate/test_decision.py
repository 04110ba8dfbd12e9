"""From judged checks to one word."""

from datetime import UTC, datetime

import pytest
from fakes.sealed import ENVIRONMENT

from gatewright.core.verdict import ExitCode, State, Verdict
from gatewright.evidence.report import Counts, Reason
from gatewright.gate.aggregate import CheckVerdict
from gatewright.gate.decision import (
    NOTE,
    PolicyReference,
    RunSubject,
    VerdictDocument,
    decide,
    exit_code,
    headline,
    incident,
    is_waived,
    note,
    own_reasons,
    tree_changed,
    with_incident,
)

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
INTERRUPTED = incident("interrupted", "stopped", expected="", observed="", command="")


def check(state: State, *, name: str = "unit", required: bool = True) -> CheckVerdict:
    reasons = () if state is State.PASS else (Reason(rule="r", message=f"{name} is {state}"),)
    return CheckVerdict(
        check=name,
        state=state,
        required=required,
        isolated=True,
        counts=Counts(collected=1),
        metrics={},
        duration_s=1,
        started_at=MOMENT,
        finished_at=MOMENT,
        manifest="m",
        manifest_sha256=None,
        reasons=reasons,
    )


def document(verdict: Verdict, *checks: CheckVerdict) -> VerdictDocument:
    return VerdictDocument(
        run_id="r",
        verdict=verdict,
        reasons=(),
        subject=RunSubject(commit="c", tree="t", dirty=None, lock="l"),
        policy=PolicyReference(path="gate.toml", sha256="0" * 64),
        checks=checks,
        environment=ENVIRONMENT,
        started_at=MOMENT,
        finished_at=MOMENT,
    )


def test_a_run_without_checks_is_inconclusive() -> None:
    assert decide((), ())[0] is Verdict.INCONCLUSIVE


def test_an_advisory_check_has_no_say() -> None:
    checks = (check(State.PASS), check(State.FAIL, name="extra", required=False))
    assert decide(checks, ()) == (Verdict.PASS, ())


@pytest.mark.parametrize("state", [State.TAMPERED, State.MISMATCH])
def test_broken_evidence_counts_also_in_an_advisory_check(state: State) -> None:
    checks = (check(State.PASS), check(state, name="extra", required=False))
    verdict, reasons = decide(checks, ())
    assert verdict is Verdict.FAIL
    assert len(reasons) == 1
    assert exit_code(document(verdict, *checks)) is ExitCode.INTEGRITY


@pytest.mark.parametrize("state", State)
def test_an_incident_never_makes_a_verdict_better(state: State) -> None:
    """An interrupted run, or one whose tree changed, proves nothing good; a failure stays one."""
    checks = (check(state),)
    without, _ = decide(checks, ())
    verdict, reasons = decide(checks, (INTERRUPTED,))
    assert verdict is (Verdict.INCONCLUSIVE if without is Verdict.PASS else without)
    assert reasons[0] is INTERRUPTED


def test_the_exit_code_follows_the_verdict_and_integrity_outranks_it() -> None:
    for verdict in Verdict:
        assert exit_code(document(verdict, check(State.PASS))) is verdict.exit_code
    assert exit_code(document(Verdict.FAIL, check(State.FAIL), check(State.TAMPERED))) is ExitCode.INTEGRITY


@pytest.mark.parametrize(("count", "told"), [(1, ""), (10, ""), (11, " and 1 more"), (12, " and 2 more")])
def test_changed_files_are_named_and_not_too_many(count: int, told: str) -> None:
    files = [f"file{number}" for number in range(count)]
    assert tree_changed(files) == Reason(
        rule="run-tree-unchanged",
        message=f"files changed while the run went on: {', '.join(files[:10])}{told}",
        artifact="latest.json",
        pointer="/subject/changed",
        expected="the same work tree at the end as at the beginning",
        observed=f"{count} changed",
        command="git status",
    )


def test_a_run_says_what_went_wrong_with_itself_and_what_to_do() -> None:
    facts = {"expected": "an end", "observed": "a signal", "command": "gatewright gate"}
    assert incident("x", "stopped", **facts) == Reason(rule="run-x", message="stopped", **facts)
    assert note("x", "unsigned", **facts) == Reason(rule=f"{NOTE}x", message="unsigned", **facts)


def test_a_run_about_one_check_says_so_in_its_policy() -> None:
    assert PolicyReference.of("gate.toml", "0" * 64, None).only is None
    assert PolicyReference.of("gate.toml", "0" * 64, "unit").only == "unit"


def test_a_waived_check_counts_as_settled_and_the_word_says_how_many() -> None:
    """Its reasons stay with the check: they no longer speak against the run."""
    waived = check(State.FAIL, name="a").model_copy(update={"waived": "known"})
    more = check(State.FLAKY, name="b").model_copy(update={"waived": "x, y"})
    advisory = check(State.FAIL, name="c", required=False).model_copy(update={"waived": "known"})
    assert decide((waived,), ()) == (Verdict.PASS, ())
    assert decide((waived, check(State.FAIL, name="b")), ())[0] is Verdict.FAIL
    assert headline(document(Verdict.PASS, check(State.PASS))) == "PASS"
    assert headline(document(Verdict.PASS, waived)) == "PASS, 1 waived"
    assert headline(document(Verdict.PASS, waived, more, advisory)) == "PASS, 2 waived"
    assert headline(document(Verdict.FAIL, waived, check(State.FAIL))) == "FAIL, 1 waived"


@pytest.mark.parametrize("state", State)
def test_a_waiver_over_what_nobody_can_answer_for_is_not_believed(state: State) -> None:
    """Whoever wrote it there: integrity above all."""
    judged = check(state).model_copy(update={"waived": "known"})
    verdict, reasons = decide((judged,), ())
    believed = state in {
        State.PASS,
        State.WARN,
        State.FAIL,
        State.FLAKY,
        State.SKIPPED,
    }
    assert (verdict is Verdict.PASS) == believed
    assert is_waived(judged) == (believed and state is not State.PASS)
    if state.breaks_integrity:
        assert exit_code(document(Verdict.PASS, judged)) is ExitCode.INTEGRITY
        assert reasons


def test_no_waiver_is_laid_over_an_incident() -> None:
    waived = check(State.FAIL).model_copy(update={"waived": "known"})
    assert decide((waived,), (INTERRUPTED,)) == (Verdict.INCONCLUSIVE, (INTERRUPTED,))


def test_a_warning_blocks_only_where_the_policy_says_so() -> None:
    warned = check(State.WARN)
    assert decide((warned,), ())[0] is Verdict.PASS
    assert decide((warned,), (), warn_blocks=True)[0] is Verdict.INCONCLUSIVE
    assert decide((warned, check(State.FAIL)), (), warn_blocks=True)[0] is Verdict.FAIL
    advisory = check(State.WARN, required=False)
    assert decide((check(State.PASS), advisory), (), warn_blocks=True) == (Verdict.PASS, ())


def test_a_note_is_told_and_changes_nothing() -> None:
    """An incident beside it still does."""
    told = note("history", "not whole", expected="", observed="", command="")
    assert decide([check(State.PASS)], [told]) == (Verdict.PASS, (told,))
    assert decide([check(State.PASS)], [told, INTERRUPTED])[0] is Verdict.INCONCLUSIVE
    assert decide([check(State.FAIL)], [told])[0] is Verdict.FAIL


@pytest.mark.parametrize(
    ("before", "reason", "after"),
    [
        (Verdict.PASS, INTERRUPTED, Verdict.INCONCLUSIVE),
        (Verdict.FAIL, INTERRUPTED, Verdict.FAIL),
        (Verdict.INCONCLUSIVE, INTERRUPTED, Verdict.INCONCLUSIVE),
        (Verdict.PASS, note("n", "told", expected="", observed="", command=""), Verdict.PASS),
    ],
)
def test_what_comes_up_late_makes_no_verdict_better(before: Verdict, reason: Reason, after: Verdict) -> None:
    late = with_incident(document(before), reason)
    assert (late.verdict, late.reasons) == (after, (reason,))


def test_a_result_that_speaks_as_the_run_is_not_taken_for_it() -> None:
    """A suite may name its rules `run-...`; they have a place in the evidence, those of a run have none."""
    forged = Reason(rule="run-forged", message="from a suite", artifact="runs/r/unit/report.json")
    own = (INTERRUPTED, tree_changed(["a"]))
    mixed = document(Verdict.INCONCLUSIVE).model_copy(update={"reasons": (*own, forged)})
    assert own_reasons(mixed) == own
