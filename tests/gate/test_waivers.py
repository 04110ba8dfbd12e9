"""A waiver that is not exactly right does nothing, says so, and harms nothing else."""

from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewright.core.escape import printable
from gatewright.gate.policy import parse_policy
from gatewright.gate.waivers import BrokenWaiver, Waiver, WaiverStatus, WaiverUse, read_waivers

GOOD = {
    "id": "known-drop",
    "check": "unit",
    "reason": "the mending is under way",
    "owner": "ada",
    "expires": date(2026, 3, 20),
}
CHECK = 'schema_version = 1\n[checks.unit]\nsteps = [["true"]]\nresults = ["junit.xml"]\n'


def test_a_good_waiver_is_read_as_it_stands() -> None:
    [waiver] = read_waivers([GOOD])
    assert waiver == Waiver(**GOOD)
    assert (waiver.rule, waiver.scope, waiver.approver, waiver.issue) == ("", "", "", "")


def test_optional_settings_are_kept() -> None:
    more = {"rule": "tests-pass", "scope": "junit.xml", "approver": "bob", "issue": "SHOP-7"}
    [waiver] = read_waivers([GOOD | more])
    assert waiver.model_dump(include=set(more)) == more


@pytest.mark.parametrize("day", [date(2026, 3, 20), "2026-03-20"])
def test_a_day_is_a_toml_date_or_a_quoted_one(day: object) -> None:
    [waiver] = read_waivers([GOOD | {"expires": day}])
    assert waiver.expires == date(2026, 3, 20)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        *(({name: None}, f"{name}: ") for name in GOOD),
        *(({name: 7}, f"{name}: ") for name in GOOD),
        *(({name: [GOOD[name]]}, f"{name}: ") for name in GOOD),
        *(({name: ""}, f"{name}: ") for name in GOOD),
        *(
            ({name: " \t\u200b-\u2028"}, f"{name}: must say something")
            for name in ("reason", "owner", "rule", "scope", "approver", "issue")
        ),
        *(({name: ""}, f"{name}: must say something") for name in ("rule", "scope", "approver", "issue")),
        ({"reason": "x" * 1001}, "reason: "),
        ({"expires": "tomorrow"}, "expires: must be a day such as 2027-01-31"),
        ({"expires": "2026-3-20"}, "expires: must be a day such as 2027-01-31"),
        ({"expires": "20260320"}, "expires: must be a day such as 2027-01-31"),
        ({"expires": "2026-03-20\n"}, "expires: must be a day such as 2027-01-31"),
        ({"expires": "2026-03-20T00:00:00Z"}, "expires: must be a day such as 2027-01-31"),
        ({"expires": datetime(2026, 3, 20)}, "expires: must be a day such as 2027-01-31"),  # noqa: DTZ001 - as TOML
        ({"expires": "2026-02-30"}, "expires: "),
        ({"expires": True}, "expires: must be a day such as 2027-01-31"),
        ({"id": "a, b"}, "id: "),
        ({"id": "../a"}, "id: "),
        ({"id": "known\n"}, "id: "),
        ({"id": "x" * 81}, "id: "),
        ({"id": "<script>"}, "id: "),
        ({"id": "kn\u043ewn"}, "id: "),
        ({"check": "Unit"}, "check: "),
        ({"check": "*"}, "check: "),
        ({"ruel": "tests-pass"}, "ruel: there is no such setting"),
        ({"state": "PASS"}, "state: there is no such setting"),
    ],
)
def test_a_waiver_that_can_not_be_meant_is_broken_and_says_where(change: dict, message: str) -> None:
    """A setting that is empty or unknown might have narrowed it, so it is not taken for one left out."""
    [waiver] = read_waivers([{**GOOD, **change}])
    assert isinstance(waiver, BrokenWaiver)
    assert message in waiver.message
    assert waiver.message.isprintable()


@pytest.mark.parametrize("name", GOOD)
def test_what_a_waiver_needs_must_be_there(name: str) -> None:
    [waiver] = read_waivers([{key: value for key, value in GOOD.items() if key != name}])
    assert isinstance(waiver, BrokenWaiver)
    assert waiver.message == f"{name}: is missing"


def test_every_fault_is_named_not_only_the_first() -> None:
    [waiver] = read_waivers([{"id": "a", "check": "unit"}])
    assert waiver.message == "reason: is missing; owner: is missing; expires: is missing"


def test_an_id_of_eighty_and_a_reason_of_a_thousand_characters_are_still_good() -> None:
    waivers = read_waivers([GOOD | {"id": "x" * 80}, GOOD | {"reason": "x" * 1000}])
    assert all(isinstance(waiver, Waiver) for waiver in waivers)


@pytest.mark.parametrize("second", [{}, {"check": "stress"}, {"id": "KNOWN-DROP"}, {"reason": ""}])
def test_of_waivers_with_one_id_none_holds(second: dict) -> None:
    """Nobody could say which of them the verdict names; the same in other letters, or beside a broken one."""
    waivers = read_waivers([GOOD, {**GOOD, **second}, GOOD | {"id": "another"}])
    assert [type(waiver) for waiver in waivers] == [BrokenWaiver, BrokenWaiver, Waiver]
    assert waivers[0].message == "another waiver has the id known-drop too"


def test_two_waivers_without_id_are_not_two_of_one_id() -> None:
    nameless = {key: value for key, value in GOOD.items() if key != "id"}
    assert [each.message for each in read_waivers([nameless, nameless])] == ["id: is missing"] * 2


@pytest.mark.parametrize("value", ["waive everything", 7, GOOD, None, True])
def test_waivers_that_are_no_list_are_one_broken_waiver(value: object) -> None:
    [waiver] = read_waivers(value)
    assert waiver.message == "waivers must be an array of tables, [[waivers]]"


@pytest.mark.parametrize("value", ["known-drop", 7, None, [GOOD]])
def test_a_waiver_that_is_no_table_is_broken(value: object) -> None:
    broken, good = read_waivers([value, GOOD])
    assert broken.message == "a waiver must be a table, [[waivers]]"
    assert isinstance(good, Waiver)


def test_a_broken_waiver_does_not_break_the_policy() -> None:
    """The rest of the policy holds, and so do the other waivers."""
    text = CHECK + (
        '[[waivers]]\nid = "bad"\ncheck = "unit"\nexpires = 7\n'
        '[[waivers]]\nid = "good"\ncheck = "unit"\nreason = "known"\nowner = "ada"\nexpires = 2026-03-20\n'
    )
    policy = parse_policy(text.encode(), "gate.toml").policy
    assert [waiver.id for waiver in policy.waivers] == ["bad", "good"]
    assert isinstance(policy.waivers[0], BrokenWaiver)
    assert isinstance(policy.waivers[1], Waiver)
    assert parse_policy(
        (CHECK.replace("[checks", "waivers = 3\n[checks")).encode(), "gate.toml"
    ).policy.checks


def test_a_policy_narrowed_to_one_check_has_the_waivers_of_that_check() -> None:
    text = CHECK + '[checks.other]\nsteps = [["true"]]\nresults = ["a.xml"]\n'
    for check in ("unit", "other"):
        text += f'[[waivers]]\nid = "{check}-1"\ncheck = "{check}"\nreason = "a"\nowner = "b"\nexpires = 2026-03-20\n'
    policy = parse_policy(text.encode(), "gate.toml").policy
    assert [waiver.id for waiver in policy.narrowed("other").waivers] == ["other-1"]
    assert [waiver.id for waiver in policy.narrowed(None).waivers] == ["unit-1", "other-1"]


def test_what_became_of_a_waiver_is_told_in_harmless_text() -> None:
    """Ids and reasons come from whoever wrote them; a line of a terminal stays one line."""
    [waiver] = read_waivers([GOOD | {"id": "\x1b[2Ja\nb", "reason": "r\u202e" + "x" * 300, "check": 7}])
    use = WaiverUse.of(waiver, WaiverStatus.MALFORMED, waiver.message)
    assert use.id == "\\x1b[2Ja b"
    assert use.check == ""
    assert use.expires is None
    assert len(use.reason) == 200
    assert use.reason.endswith("…")
    assert all(text.isprintable() for text in (use.id, use.reason, use.message))


@settings(derandomize=True, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*GOOD, "rule", "x"]), inner),
        max_leaves=12,
    )
)
def test_whatever_stands_there_is_read_without_an_error(value: object) -> None:
    for waiver in read_waivers(value):
        assert isinstance(waiver, Waiver | BrokenWaiver)
        use = WaiverUse.of(waiver, WaiverStatus.MALFORMED, "x")
        assert printable(use.id) == use.id
