"""A verdict that is not the one that was asked for: in what, in which words, and at which moment."""

from datetime import timedelta

import pytest
from fakes.verdicts import MOMENT, make_check, make_document

from gatewright.core.errors import ConfigurationError
from gatewright.core.escape import printable
from gatewright.gate.problem import Problem
from gatewright.gate.wanted import Wanted, find_unwanted, parse_age

DOCUMENT = make_document(make_check("unit"))
ENDED = MOMENT + timedelta(seconds=5)
COMMIT = "c0ffee1234"


def found(**wanted: object) -> list[Problem]:
    return list(find_unwanted(DOCUMENT, "verdict.json", Wanted(**({"now": ENDED} | wanted))))


def about(commit: str, *, dirty: bool | None) -> list[Problem]:
    subject = DOCUMENT.subject.model_copy(update={"commit": COMMIT, "dirty": dirty})
    document = DOCUMENT.model_copy(update={"subject": subject})
    return list(find_unwanted(document, "v", Wanted(ENDED, commit=commit)))


def test_whatever_is_not_asked_for_may_be_anything() -> None:
    assert found() == []
    assert found(run_id="r", max_age_s=1) == []


def test_another_run_is_told_from_the_one_that_was_asked_for() -> None:
    assert found(run_id="s") == [Problem("verdict.json", "is run r, not s", "wanted-run")]


@pytest.mark.parametrize("asked", [COMMIT, COMMIT[:7]])
def test_a_commit_is_known_by_its_first_digits(asked: str) -> None:
    assert about(asked, dirty=False) == []
    expected = Problem("v", f"is about uncommitted changes on top of {asked}", "wanted-commit")
    assert about(asked, dirty=True) == [expected]
    assert about(asked, dirty=None) == [expected]


def test_another_commit_is_told() -> None:
    expected = Problem("v", f"is about commit {COMMIT}, not abcdef0", "wanted-commit")
    assert about("abcdef0", dirty=True) == [expected]


@pytest.mark.parametrize("commit", ["c0ffee", "C0FFEE1", "HEAD", "g123456", "", "a" * 65])
def test_what_is_no_commit_is_refused_with_a_remedy(commit: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Wanted(ENDED, commit=commit)
    assert str(caught.value) == f"{commit!r} is no commit; give at least 7 of its digits"


@pytest.mark.parametrize(
    ("later_s", "message"),
    [
        (100, None),
        (100.6, "ended 101 s ago, more than 100 s"),
        (-60, None),
        (-61, "ended at 2026-01-01T00:00:05+00:00, which has not been yet"),
    ],
)
def test_a_verdict_may_be_as_old_as_was_asked_and_no_older(later_s: float, message: str | None) -> None:
    """Nor may it come from a time that has not been, but for a minute between two clocks."""
    problems = found(now=ENDED + timedelta(seconds=later_s), max_age_s=100)
    assert problems == ([Problem("verdict.json", message, "wanted-age")] if message else [])


def test_a_run_that_has_not_ended_has_no_age() -> None:
    document = DOCUMENT.model_copy(update={"finished_at": None})
    assert list(find_unwanted(document, "v", Wanted(ENDED + timedelta(days=9), max_age_s=1))) == []


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1), ("15m", 900), ("2h", 7200), ("7d", 604_800)])
def test_an_age_has_a_unit(text: str, seconds: int) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize("text", ["0s", "15", "m", "1.5h", "-1d", "1w", "1 d", "1234567890s", "1s\n"])
def test_what_is_no_age_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_age(text)
    assert (caught.value.message, caught.value.remedy) == (
        printable(f"{text!r} is no age"),
        "write 90s, 15m, 2h or 7d",
    )
