"""What each state of a check becomes in formats that have fewer words."""

import pytest
from fakes.verdicts import make_check, make_document, make_reason

from gatewright.core.verdict import State, Verdict, merge_verdicts
from gatewright.gate.decision import VerdictDocument, headline, incident
from gatewright.gate.waivers import WaiverStatus, WaiverUse
from gatewright.report.omissions import omissions
from gatewright.report.outcomes import Outcome, cases

INTERRUPTED = incident("interrupted", "stopped", expected="", observed="", command="")


def outcomes(document: VerdictDocument) -> list[Outcome]:
    return [case.outcome for case in cases(document)]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("required", [True, False])
def test_a_case_alone_says_what_the_verdict_says(state: State, *, required: bool) -> None:
    """Whatever the state, and whoever it is that has a say; an advisory check alone proves nothing."""
    document = make_document(make_check("unit", state, required=required))
    assert merge_verdicts(each.verdict for each in outcomes(document)) is document.verdict


@pytest.mark.parametrize("state", [State.TAMPERED, State.MISMATCH])
def test_no_waiver_is_believed_over_broken_evidence(state: State) -> None:
    document = make_document(make_check("unit", state, waived="W-1"), verdict=Verdict.FAIL)
    assert outcomes(document) == [Outcome.FAILED]


def test_each_of_several_waivers_says_who_answers() -> None:
    uses = [
        WaiverUse(id=name, check="unit", status=WaiverStatus.APPLIED, owner=owner, message="m")
        for name, owner in (("W-1", "ada"), ("W-2", "bob"))
    ]
    document = make_document(make_check("unit", State.FAIL, waived="W-1, W-2"))
    [case] = cases(document.model_copy(update={"waivers": tuple(uses)}))
    assert case.note == "waived by W-1 (ada); waived by W-2 (bob)"


def test_what_is_held_against_the_run_is_a_case_also_beside_checks_that_do_not_know() -> None:
    document = make_document(make_check("unit", State.TIMEOUT), incidents=[INTERRUPTED])
    assert [(case.name, case.outcome, case.message) for case in cases(document)] == [
        ("unit", Outcome.UNKNOWN, "unit: p95 is beyond its limit"),
        ("run", Outcome.UNKNOWN, "stopped"),
    ]


def test_a_verdict_that_no_check_explains_is_a_case_of_the_run() -> None:
    document = make_document(make_check("unit"), verdict=Verdict.FAIL, reasons=(make_reason("unit", "why"),))
    case = cases(document)[-1]
    assert (case.check, case.outcome, case.state, case.message) == (None, Outcome.FAILED, State.FAIL, "why")


def test_a_check_whose_session_is_not_known_is_not_said_to_have_shared_one() -> None:
    assert not list(omissions(make_document(make_check("unit", State.MISSING, isolated=None))))


def test_the_headline_counts_waivers() -> None:
    waived = [make_check(name, State.FAIL, waived=f"W-{name}") for name in ("a", "b")]
    assert headline(make_document(make_check("unit"), *waived)) == "PASS, 2 waived"
    assert headline(make_document(make_check("unit"))) == "PASS"
