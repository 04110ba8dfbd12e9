"""What a waiver is laid over, until when, and what it never touches."""

import time
from collections.abc import Iterator
from datetime import date, timedelta, timezone

import pytest
from gate.judged import MOMENT, finding, judged

from gatewright.core.verdict import State, Verdict
from gatewright.evidence.report import Counts
from gatewright.gate.aggregate import JudgedCheck
from gatewright.gate.decision import decide
from gatewright.gate.finding import Finding
from gatewright.gate.settlement import settle
from gatewright.gate.waivers import BrokenWaiver, Waiver, WaiverStatus, read_waivers

TODAY = date(2026, 3, 1)
APPLIED, REFUSED, UNMATCHED = WaiverStatus.APPLIED, WaiverStatus.REFUSED, WaiverStatus.UNMATCHED
FAILED = finding(State.FAIL)


def waiver(id_: str = "w", **changes: object) -> Waiver:
    settings = {"id": id_, "check": "unit", "reason": "known", "owner": "ada", "expires": TODAY}
    return Waiver(**(settings | changes))


def outcome(
    check: JudgedCheck, *waivers: Waiver | BrokenWaiver, **how: bool
) -> tuple[str, list[str], Verdict]:
    """The waivers laid over a check, what became of each, and the verdict."""
    checks, uses = settle([check], waivers, MOMENT, **how)
    assert checks[0].state is check.verdict.state, "a waiver never replaces a state"
    return checks[0].waived, [use.status for use in uses], decide(checks, (), **how)[0]


@pytest.mark.parametrize(
    ("days", "status"),
    [
        (-10_000, WaiverStatus.EXPIRED),
        (-1, WaiverStatus.EXPIRED),
        (0, APPLIED),
        (1, APPLIED),
        (29, APPLIED),
        (30, APPLIED),
        (31, REFUSED),
        (10_000, REFUSED),
    ],
)
def test_a_waiver_holds_to_the_end_of_its_day_and_for_thirty_days(days: int, status: WaiverStatus) -> None:
    given = waiver(expires=TODAY + timedelta(days=days))
    waived, statuses, verdict = outcome(judged(FAILED), given)
    assert statuses == [status]
    assert (waived, verdict) == (("w", Verdict.PASS) if status is APPLIED else ("", Verdict.FAIL))


def test_the_message_tells_when_a_waiver_ended_and_when_it_would_end() -> None:
    _, uses = settle(
        [judged(FAILED)],
        [waiver("a", expires=date(2026, 2, 28)), waiver("b", expires=date(2026, 4, 1))],
        MOMENT,
    )
    assert [use.message for use in uses] == [
        "it ended on 2026-02-28",
        "it ends in 31 days, and 30 are allowed",
    ]
    assert [use.expires for use in uses] == [date(2026, 2, 28), date(2026, 4, 1)]


@pytest.fixture(params=["UTC0", "AHEAD-14", "BEHIND11"])
def machine_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local time of the machine (POSIX TZ strings)."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("machine_zone")
def test_the_day_of_judging_is_that_of_universal_time() -> None:
    """Wherever the gate runs: an hour later in Berlin it is still the first of March in UTC."""
    berlin = MOMENT.astimezone(timezone(timedelta(hours=1)))
    assert berlin.date() == date(2026, 3, 2)
    _, [use] = settle([judged(FAILED)], [waiver()], berlin)
    assert use.status is APPLIED
    _, [use] = settle([judged(FAILED)], [waiver()], MOMENT + timedelta(seconds=1))
    assert use.status is WaiverStatus.EXPIRED


STATES = {
    State.PASS: UNMATCHED,
    State.WARN: UNMATCHED,
    State.FAIL: APPLIED,
    State.INCONCLUSIVE: REFUSED,
    State.FLAKY: APPLIED,
    State.SKIPPED: REFUSED,
    State.ERROR: REFUSED,
    State.TIMEOUT: REFUSED,
    State.MISSING: REFUSED,
    State.EMPTY: REFUSED,
    State.STALE: REFUSED,
    State.INVALID: REFUSED,
    State.MISMATCH: REFUSED,
    State.TAMPERED: REFUSED,
}


@pytest.mark.parametrize("state", State)
def test_which_states_can_be_waived(state: State) -> None:
    """What was found can be answered for; what was never seen, or can't be believed, can't."""
    waived, statuses, verdict = outcome(judged(finding(state)), waiver())
    assert statuses == [STATES[state]]
    assert bool(waived) == (STATES[state] is APPLIED)
    assert (verdict is Verdict.PASS) == (state.settles or STATES[state] is APPLIED)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (finding(State.SKIPPED, "max-skipped"), APPLIED),
        (finding(State.SKIPPED, "tests-pass"), REFUSED),
        (finding(State.INCONCLUSIVE, "min-samples"), REFUSED),
        (finding(State.INCONCLUSIVE, "limit-measured"), REFUSED),
        (finding(State.INCONCLUSIVE, "tests-pass"), REFUSED),
        (finding(State.FAIL, "limit"), APPLIED),
    ],
)
def test_nobody_answers_for_what_was_not_seen(found: Finding, status: WaiverStatus) -> None:
    assert outcome(judged(found), waiver())[1] == [status]


@pytest.mark.parametrize(
    ("counts", "measured"),
    [
        (Counts(), False),
        (Counts(collected=9), False),
        (Counts(collected=9, skipped=9), False),
        (Counts(flaky=1), False),
        (Counts(passed=1), True),
        (Counts(failed=1), True),
        (Counts(xfailed=1), True),
        (Counts(schedules=1), True),
        (Counts(samples=1), True),
    ],
)
def test_a_check_that_measured_nothing_is_not_waived(counts: Counts, *, measured: bool) -> None:
    """Nothing measured never passes, whoever answers for it."""
    waived, statuses, verdict = outcome(judged(FAILED, counts=counts), waiver())
    assert statuses == [APPLIED if measured else REFUSED]
    assert (bool(waived), verdict is Verdict.PASS) == (measured, measured)


LIMIT = finding(State.FAIL, "limit", file="manifest.json", pointer="/counts")
DEEP = finding(State.FAIL, "invariant", file="report.json", pointer="/scenarios/1/failures/0")


@pytest.mark.parametrize(
    ("findings", "narrowing", "status"),
    [
        ([FAILED], {"rule": "tests-pass"}, APPLIED),
        ([FAILED, FAILED], {"rule": "tests-pass"}, APPLIED),
        ([FAILED], {"rule": "tests-pas"}, UNMATCHED),
        ([FAILED], {"rule": "tests"}, UNMATCHED),
        ([FAILED], {"rule": "TESTS-PASS"}, UNMATCHED),
        ([FAILED, LIMIT], {"rule": "tests-pass"}, REFUSED),
        ([FAILED, LIMIT], {}, APPLIED),
        ([FAILED, finding(State.WARN, "limit")], {"rule": "tests-pass"}, APPLIED),
        ([FAILED, finding(State.EMPTY, "min-samples")], {"rule": "tests-pass"}, REFUSED),
        ([FAILED, finding(State.EMPTY, "min-samples")], {}, REFUSED),
        ([FAILED, finding(State.TIMEOUT, "steps-succeed")], {}, REFUSED),
        ([FAILED], {"scope": "junit.xml"}, APPLIED),
        ([FAILED], {"scope": "junit"}, UNMATCHED),
        ([FAILED], {"scope": "junit.xml#/x"}, UNMATCHED),
        ([FAILED, DEEP], {"scope": "junit.xml"}, REFUSED),
        ([DEEP], {"scope": "report.json"}, APPLIED),
        ([DEEP], {"scope": "report.json#/scenarios/1"}, APPLIED),
        ([DEEP], {"scope": "report.json#/scenarios/1/"}, APPLIED),
        ([DEEP], {"scope": "report.json#/scenarios/1/failures/0"}, APPLIED),
        ([DEEP], {"scope": "report.json#/scenarios/1/failures/0/x"}, UNMATCHED),
        ([DEEP], {"scope": "report.json#/scenarios/10"}, UNMATCHED),
        ([DEEP], {"scope": "report.json#/scenarios"}, APPLIED),
        ([DEEP], {"scope": "report.json#/scenario"}, UNMATCHED),
        ([DEEP], {"scope": "report.json", "rule": "tests-pass"}, UNMATCHED),
        ([DEEP], {"scope": "report.json", "rule": "invariant"}, APPLIED),
        ([finding(State.FAIL, file="shard/junit.xml")], {"scope": "shard/junit.xml"}, APPLIED),
        ([finding(State.FAIL, file="shard/junit.xml")], {"scope": "junit.xml"}, UNMATCHED),
    ],
)
def test_a_waiver_covers_its_rule_and_place_and_nothing_beside(
    findings: list[Finding], narrowing: dict[str, str], status: WaiverStatus
) -> None:
    """A check with other reasons stays as it is."""
    waived, statuses, verdict = outcome(judged(*findings), waiver(**narrowing))
    assert statuses == [status]
    assert (bool(waived), verdict is Verdict.PASS) == (status is APPLIED, status is APPLIED)


def test_reasons_beyond_those_that_are_shown_count_too() -> None:
    """The verdict shows ten reasons of a check; the eleventh is not waived with them."""
    check = judged(*[FAILED] * 10, LIMIT)
    shown = JudgedCheck(
        check.verdict.model_copy(update={"reasons": check.verdict.reasons[:10]}), check.findings
    )
    assert outcome(shown, waiver(rule="tests-pass"))[:2] == ("", [REFUSED])


def test_waivers_of_one_check_may_cover_its_reasons_together() -> None:
    parts = (waiver("a", rule="tests-pass"), waiver("b", rule="limit"))
    assert outcome(judged(FAILED, LIMIT), *parts) == ("a, b", [APPLIED, APPLIED], Verdict.PASS)
    assert outcome(judged(FAILED, LIMIT, DEEP), *parts) == ("", [REFUSED, REFUSED], Verdict.FAIL)


def test_a_waiver_that_has_expired_covers_nothing_together_with_others() -> None:
    parts = (waiver("a", rule="tests-pass"), waiver("b", rule="limit", expires=date(2026, 2, 28)))
    assert outcome(judged(FAILED, LIMIT), *parts) == (
        "",
        [REFUSED, WaiverStatus.EXPIRED],
        Verdict.FAIL,
    )


def test_messages_name_the_state_the_rules_and_who_answers() -> None:
    _, uses = settle(
        [judged(FAILED, LIMIT)],
        [waiver("a"), waiver("b", check="other"), waiver("c", rule="x")],
        MOMENT,
    )
    assert [use.message for use in uses] == [
        "unit is FAIL (limit, tests-pass), for which ada answers until 2026-03-01",
        "the policy has no check other",
        "unit is FAIL for other reasons",
    ]
    _, uses = settle([judged(FAILED, LIMIT)], [waiver(rule="limit")], MOMENT)
    assert uses[0].message == "unit is FAIL and stays so, for it has other reasons too: tests-pass"
    _, uses = settle([judged()], [waiver()], MOMENT)
    assert uses[0].message == "unit is PASS, so there is nothing to waive"
    _, uses = settle([judged(finding(State.STALE, "evidence-age"))], [waiver()], MOMENT)
    assert uses[0].message == "STALE (evidence-age) can't be waived"
    _, uses = settle([judged(FAILED, counts=Counts())], [waiver()], MOMENT)
    assert uses[0].message == "unit measured nothing, and that can't be waived"


def test_a_malformed_waiver_is_reported_and_does_nothing() -> None:
    [broken] = read_waivers([{"id": "w", "check": "unit"}])
    assert outcome(judged(FAILED), broken) == ("", [WaiverStatus.MALFORMED], Verdict.FAIL)


def test_a_waiver_does_nothing_for_another_check() -> None:
    checks, _ = settle([judged(FAILED), judged(FAILED, name="other")], [waiver()], MOMENT)
    assert [check.waived for check in checks] == ["w", ""]
    assert decide(checks, ())[0] is Verdict.FAIL


def test_a_warning_needs_a_waiver_only_where_it_blocks() -> None:
    warned = judged(finding(State.WARN, "limit-warning"))
    assert outcome(warned, waiver()) == ("", [UNMATCHED], Verdict.PASS)
    assert outcome(warned, warn_blocks=True) == ("", [], Verdict.INCONCLUSIVE)
    assert outcome(warned, waiver(), warn_blocks=True) == ("w", [APPLIED], Verdict.PASS)
    mixed = judged(FAILED, finding(State.WARN, "limit-warning"))
    assert outcome(mixed, waiver(rule="tests-pass"), warn_blocks=True)[:2] == ("", [REFUSED])


def test_an_advisory_check_may_be_waived_and_has_no_say_either_way() -> None:
    checks, [use] = settle([judged(name="a"), judged(FAILED, required=False)], [waiver()], MOMENT)
    assert use.status is APPLIED
    assert decide(checks, ()) == (Verdict.PASS, ())


def test_the_same_waivers_at_the_same_moment_do_the_same() -> None:
    waivers = (waiver("a"), waiver("b", expires=date(2026, 4, 1)), waiver("c", check="x"))
    assert settle([judged(FAILED)], waivers, MOMENT) == settle([judged(FAILED)], waivers, MOMENT)
