"""Laws of waivers: none makes a state better, hides broken evidence, or works when it should do nothing."""

from datetime import date, timedelta
from typing import Any

from fakes.proofs import tried
from gate.judged import MOMENT, finding, judged
from hypothesis import given
from hypothesis import strategies as st

from gatewright.core.verdict import ExitCode, State, Verdict, merge_states
from gatewright.gate.aggregate import JudgedCheck
from gatewright.gate.decision import decide, is_waived
from gatewright.gate.settlement import settle
from gatewright.gate.states import WAIVABLE
from gatewright.gate.waivers import LONGEST_DAYS, Waiver, WaiverStatus, read_waivers

PROVEN = tried(250)
NAMES = ("unit", "load", "lint")
RULES = ("tests-pass", "limit", "min-collected", "steps-succeed")
TODAY = MOMENT.date()
GOODNESS = {Verdict.FAIL: 0, Verdict.INCONCLUSIVE: 1, Verdict.PASS: 2}

DAYS = st.integers(-3, LONGEST_DAYS + 3).map(lambda days: TODAY + timedelta(days=days))
TABLES = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["a", "b", "A", "", "-x"]),
        "check": st.sampled_from([*NAMES, "other", "UNIT"]),
        "reason": st.sampled_from(["known", " ", "--"]),
        "owner": st.sampled_from(["ada", ""]),
        "expires": st.one_of(
            DAYS, st.sampled_from(["2026-03-05", "tomorrow", 3, None, "2026-03-05T00:00:00Z"])
        ),
    },
    optional={
        "rule": st.sampled_from(RULES),
        "scope": st.sampled_from(["junit.xml", "junit.xml#/a", "other.json"]),
        "zzz": st.just(1),
    },
)
WAIVERS = st.lists(st.one_of(TABLES, st.sampled_from([None, 3, [], "x"])), max_size=4)


@st.composite
def runs(draw: st.DrawFn) -> tuple[JudgedCheck, ...]:
    made = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1)):
        pairs = draw(st.lists(st.tuples(st.sampled_from(State), st.sampled_from(RULES)), max_size=3))
        findings = [finding(state, rule) for state, rule in pairs if state is not State.PASS]
        made.append(judged(*findings, name=name, required=draw(st.booleans())))
    return tuple(made)


def bare(run: tuple[JudgedCheck, ...]) -> tuple[Verdict, ExitCode]:
    """The verdict without any waiver."""
    states = [
        each.verdict.state for each in run if each.verdict.required or each.verdict.state.breaks_integrity
    ]
    return merge_states(states)


@PROVEN
@given(runs(), WAIVERS)
def test_a_waiver_changes_no_state_and_covers_nothing_that_can_not_be_waived(
    run: tuple[JudgedCheck, ...], tables: list[Any]
) -> None:
    checks, uses = settle(run, read_waivers(tables), MOMENT)
    assert len(uses) == len(tables)
    for before, after in zip(run, checks, strict=True):
        assert after.model_copy(update={"waived": ""}) == before.verdict
        if is_waived(after):
            assert after.state in WAIVABLE
            assert not after.state.breaks_integrity
    if any(each.verdict.state.breaks_integrity for each in run):
        assert decide(checks, ())[0] is Verdict.FAIL


@PROVEN
@given(runs(), WAIVERS)
def test_a_pass_is_settled_or_answered_for_in_every_required_check(
    run: tuple[JudgedCheck, ...], tables: list[Any]
) -> None:
    checks, uses = settle(run, read_waivers(tables), MOMENT)
    applied = {use.id for use in uses if use.status is WaiverStatus.APPLIED}
    if decide(checks, ())[0] is Verdict.PASS:
        for check in checks:
            if check.required and not check.state.settles:
                assert check.waived
                assert set(check.waived.split(", ")) <= applied


@PROVEN
@given(runs(), WAIVERS)
def test_waivers_that_were_not_applied_do_nothing(run: tuple[JudgedCheck, ...], tables: list[Any]) -> None:
    """Malformed, over, too long, of one id with another, or about something else: it is as if they were not there."""
    waivers = read_waivers(tables)
    checks, uses = settle(run, waivers, MOMENT)
    kept = [waiver for waiver, use in zip(waivers, uses, strict=True) if use.status is WaiverStatus.APPLIED]
    again, _ = settle(run, kept, MOMENT)
    assert again == checks
    if not kept:
        assert decide(checks, ())[0] is bare(run)[0]
    for waiver in kept:
        assert isinstance(waiver, Waiver)
        assert TODAY <= waiver.expires <= TODAY + timedelta(days=LONGEST_DAYS)
        assert any(check.check == waiver.check for check in checks)


@PROVEN
@given(runs(), WAIVERS, st.randoms(use_true_random=False))
def test_the_order_of_waivers_has_no_say_in_the_verdict(
    run: tuple[JudgedCheck, ...], tables: list[Any], random
) -> None:
    shuffled = random.sample(tables, len(tables))
    one, _ = settle(run, read_waivers(tables), MOMENT)
    other, _ = settle(run, read_waivers(shuffled), MOMENT)
    assert decide(one, ())[0] is decide(other, ())[0]
    assert [is_waived(check) for check in one] == [is_waived(check) for check in other]


@PROVEN
@given(runs(), WAIVERS, st.sampled_from(State), st.sampled_from(RULES))
def test_one_more_finding_never_makes_a_verdict_better(
    run: tuple[JudgedCheck, ...], tables: list[Any], state: State, rule: str
) -> None:
    """Whatever waivers there are: a check about which more is known to be wrong is no closer to a release."""
    waivers, first = read_waivers(tables), run[0]
    if state is State.PASS:
        return
    worse = judged(
        *first.findings, finding(state, rule), name=first.verdict.check, required=first.verdict.required
    )
    before, _ = settle(run, waivers, MOMENT)
    after, _ = settle((worse, *run[1:]), waivers, MOMENT)
    assert GOODNESS[decide(after, ())[0]] <= GOODNESS[decide(before, ())[0]]


def test_a_day_after_its_last_no_waiver_holds() -> None:
    """Whatever day it is: from its last day on, and for every waiver that held until then."""
    run = (judged(finding(State.FAIL)),)
    table = {"id": "a", "check": "unit", "reason": "known", "owner": "ada"}
    for offset in range(-5, LONGEST_DAYS + 5):
        expires: date = TODAY + timedelta(days=offset)
        checks, _ = settle(run, read_waivers([table | {"expires": expires}]), MOMENT)
        assert is_waived(checks[0]) == (0 <= offset <= LONGEST_DAYS)
