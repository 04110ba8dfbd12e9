"""JUnit reports are counted by their cases; claims are held against them."""

import pytest

from gatewright.core.verdict import State
from gatewright.evidence.adapters.junit import parse_junit
from gatewright.evidence.report import Counts
from gatewright.evidence.strict import EvidenceError

CASE = "<testcase classname='c' name='{name}'>{inner}</testcase>"


def document(*inner: str, attributes: str = "") -> bytes:
    cases = "".join(CASE.format(name=number, inner=text) for number, text in enumerate(inner))
    return f"<testsuites><testsuite {attributes}>{cases}</testsuite></testsuites>".encode()


@pytest.mark.parametrize(
    ("inner", "counts"),
    [
        ((), Counts()),
        (("", ""), Counts(collected=2, passed=2)),
        (("", "<failure/>"), Counts(collected=2, passed=1, failed=1)),
        (("<error/>",), Counts(collected=1, failed=1)),
        (("<failure/><error/>",), Counts(collected=1, failed=1)),
        (("<skipped/>",), Counts(collected=1, skipped=1)),
        (("<skipped/><failure/>",), Counts(collected=1, failed=1)),
        (("<skipped type='pytest.xfail'/>",), Counts(collected=1, xfailed=1)),
        (("<flakyFailure/>",), Counts(collected=1, passed=1, flaky=1)),
        (("<rerunFailure/><failure/>",), Counts(collected=1, failed=1, flaky=1)),
        (("<system-out>said &lt;failure/&gt;</system-out>",), Counts(collected=1, passed=1)),
        (("<properties><failure/></properties>",), Counts(collected=1, passed=1)),
    ],
)
def test_cases_are_counted_by_their_worst_outcome(inner: tuple[str, ...], counts: Counts) -> None:
    assert parse_junit(document(*inner), name="junit.xml").counts == counts


def test_a_single_suite_may_be_the_root_and_suites_may_nest() -> None:
    data = b"<testsuite><testcase name='a'/><testsuite><testcase name='b'/></testsuite></testsuite>"
    assert parse_junit(data, name="junit.xml").counts.collected == 2


def test_failures_are_named() -> None:
    results = parse_junit(document("", "<failure/>", *["<error/>"] * 50), name="junit.xml")
    assert results.failed[0] == "c::1"
    assert len(results.failed) == 20


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not XML"),
        (b"<testsuites>", "not XML"),
        (b"{}", "not XML"),
        (b"<html/>", "begins with <html>"),
        (b"<testsuites><testcase/></testsuites>", "outside of a test suite"),
        (b"<!DOCTYPE x><testsuites/>", "document type"),
        (b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><testsuites/>", "document type"),
        (b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'><testsuites/>", "document type"),
        (b"<?xml version='1.0' encoding='no-such'?><testsuites/>", "not XML"),
        (b"<testsuite><testcase><failure xmlns='x'/></testcase></testsuite>", "<failure> in a namespace"),
        (b"<testsuite xmlns:x='x'><x:testcase/></testsuite>", "<testcase> in a namespace"),
        (b"<testsuites>" + b"<testsuite>" * 100 + b"</testsuite>" * 100 + b"</testsuites>", "too deeply"),
        (document("", attributes="tests='2'"), "says 2 tests and holds 1"),
        (document("", attributes="tests='1' failures='1'"), "says 1 failures and holds 0"),
        (document("", attributes="errors='1'"), "says 1 failures and holds 0"),
        (document("", attributes="skipped='1'"), "says 1 skipped and holds 0"),
        (
            b"<testsuites tests='2'><testsuite><testcase/></testsuite></testsuites>",
            "says 2 tests and holds 1",
        ),
        (
            b"<testsuites errors='1'><testsuite><testcase/></testsuite></testsuites>",
            "says 1 failures and holds 0",
        ),
        (
            b"<testsuite><testsuite tests='1' errors='1'><testcase/></testsuite></testsuite>",
            "says 1 failures and holds 0",
        ),
        (
            b"<testsuite><testsuite tests='2'><testcase/></testsuite><testcase/></testsuite>",
            "says 2 tests and holds 1",
        ),
        (
            b"<testsuites tests='2'><testsuites/><testsuite><testcase/></testsuite></testsuites>",
            "says 2 tests and holds 1",
        ),
        (b"<testsuite name='pytest' tests='2'><testcase/></testsuite>", "holds 1; .* pytest-json-report"),
        (b"<testsuites tests='x'/>", "not a count"),
        (document("", attributes="tests='many'"), "not a count"),
        (document("", attributes="tests='-1'"), "not a count"),
        (document("", attributes="tests='99999999999999999999'"), "not a count"),
    ],
)
def test_what_is_no_report_or_contradicts_itself_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(EvidenceError, match=message) as caught:
        parse_junit(data, name="junit.xml")
    assert caught.value.state is State.INVALID
    assert "\n" not in caught.value.message


def test_attributes_that_claim_less_change_nothing() -> None:
    """Only the cases count; a report that calls itself clean is not."""
    data = document("<failure/>", attributes="tests='1' failures='0'")
    assert parse_junit(data, name="junit.xml").counts.failed == 1


RETRIED = "<testcase classname='c' name='n'/><testcase classname='c' name='n'>{last}</testcase>"


@pytest.mark.parametrize(
    ("claims", "last", "counts"),
    [
        ("tests='1'", "", Counts(collected=1, passed=1, flaky=1)),
        ("tests='1'", "<failure/>", Counts(collected=1, failed=1, flaky=1)),
        ("tests='2'", "", Counts(collected=2, passed=2)),
        ("", "", Counts(collected=2, passed=2)),
    ],
)
def test_a_hidden_retry_is_flaky(claims: str, last: str, counts: Counts) -> None:
    """pytest-rerunfailures writes a failed first try as a case that passed, and counts one test."""
    data = f"<testsuites><testsuite {claims}>{RETRIED.format(last=last)}</testsuite></testsuites>"
    assert parse_junit(data.encode(), name="junit.xml").counts == counts


def test_a_case_that_stands_for_none_is_not_counted() -> None:
    """Ruff writes one where it found nothing, also where it looked at nothing."""
    text = "<testsuite tests='1'><testcase classname='ruff' name='No errors found'>{}</testcase></testsuite>"
    results = parse_junit(text.format("").encode(), name="ruff.xml")
    assert (results.counts, results.stand_ins) == (Counts(), 1)
    assert parse_junit(text.format("<failure/>").encode(), name="ruff.xml").counts.failed == 1


@pytest.mark.parametrize(
    ("stamps", "year"),
    [
        (["2026-01-01T00:00:00+00:00"], 2026),
        (["2026-01-01T00:00:00+00:00", "2025-06-01T00:00:00Z"], 2025),
        (["2026-01-01T00:00:00"], None),
        (["soon", ""], None),
    ],
)
def test_measuring_began_with_the_first_suite(stamps: list[str], year: int | None) -> None:
    """A time without a zone could be any of a day's."""
    suites = "".join(f"<testsuite timestamp='{stamp}'/>" for stamp in stamps)
    started = parse_junit(f"<testsuites>{suites}</testsuites>".encode(), name="junit.xml").started_at
    assert (started.year if started else None) == year


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        ("run", Counts(collected=1, passed=1)),
        ("passed", Counts(collected=1, passed=1)),
        ("notrun", Counts(collected=1, skipped=1)),
        ("untested", Counts(collected=1, skipped=1)),
        ("FAILED", Counts(collected=1, failed=1)),
        ("fail", Counts(collected=1, failed=1)),
        ("timeout", Counts(collected=1, failed=1)),
    ],
)
def test_some_tools_tell_the_outcome_in_an_attribute(status: str, counts: Counts) -> None:
    """GoogleTest writes a disabled test as a case without a child, like one that passed."""
    data = f"<testsuite><testcase name='a' status='{status}'/></testsuite>"
    assert parse_junit(data.encode(), name="junit.xml").counts == counts


def test_an_error_of_a_suite_is_a_failure() -> None:
    """Some tools write what broke before the first case there, and no case for it."""
    data = b"<testsuites><testsuite name='a'><error/><testcase name='b'/></testsuite></testsuites>"
    results = parse_junit(data, name="junit.xml")
    assert (results.counts, results.failed) == (Counts(collected=2, passed=1, failed=1), ("a",))


@pytest.mark.parametrize(
    "text",
    [
        "<testsuites timestamp='2025-06-01T00:00:00Z'><testsuite {0}><testcase {0}/></testsuite></testsuites>",
        "<testsuites><testsuite {0}><testcase timestamp='2025-06-01T00:00:00Z'/></testsuite></testsuites>",
    ],
)
def test_runs_and_cases_may_tell_when_they_began(text: str) -> None:
    """As those of cargo-nextest do."""
    data = text.format("timestamp='2026-01-01T00:00:00Z'").encode()
    started = parse_junit(data, name="junit.xml").started_at
    assert started is not None
    assert started.year == 2025
