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
        (b"<testsuites>" + b"<testsuite>" * 100 + b"</testsuite>" * 100 + b"</testsuites>", "too deeply"),
        (document("", attributes="tests='2'"), "says 2 tests and holds 1"),
        (document("", attributes="tests='1' failures='1'"), "says 1 failures and holds 0"),
        (document("", attributes="errors='1'"), "says 1 failures and holds 0"),
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
