"""The failed tests of a JUnit report, and where in the code they failed."""

import pytest

from gatewright.core.verdict import State
from gatewright.evidence.failures import MAXIMUM_TESTS, CodePlace, FailedTest, failed_tests
from gatewright.evidence.strict import EvidenceError

TRACEBACK = """\
    def test_b(self):
&gt;       helper(2)

tests/test_a.py:6:
_ _ _ _ _ _ _ _ _ _ _ _

    def helper(x):
&gt;       assert x == 1
E       assert 2 == 1

src/shop/helper.py:3: AssertionError"""


def report(inner: str, suite: str = "x") -> bytes:
    return f"<testsuites><testsuite name='{suite}'>{inner}</testsuite></testsuites>".encode()


def places(text: str, attributes: str = "", suite: str = "x") -> list[CodePlace | None]:
    case = f"<testcase classname='c' name='t' {attributes}><failure>{text}</failure></testcase>"
    return [test.place for test in failed_tests(report(case, suite), name="junit.xml")]


def test_failures_and_errors_are_told_and_nothing_else() -> None:
    data = report(
        "<testcase classname='a.b' name='passes'><system-out>x.py:1: no</system-out></testcase>"
        "<testcase name='is skipped'><skipped/></testcase>"
        "<testcase classname='a.b' name='fails'><failure message='first&#10;second'/></testcase>"
        "<testcase classname='a.b' name='breaks'><error>\n  says so\n</error><failure/></testcase>"
    )
    assert failed_tests(data, name="junit.xml") == (
        FailedTest("a.b::fails", "first", None),
        FailedTest("a.b::breaks", "says so", None),
    )


def test_the_innermost_frame_in_the_project_is_the_place() -> None:
    assert places(TRACEBACK) == [CodePlace("src/shop/helper.py", 3)]
    outside = TRACEBACK + "\n\n/usr/lib/python3/asyncio/runners.py:44: RuntimeError"
    assert places(outside) == [CodePlace("src/shop/helper.py", 3)]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("    shop_test.go:12: want 3", CodePlace("shop_test.go", 12)),
        ("tests\\win.py:5: E", CodePlace("tests/win.py", 5)),
        ("../outside.py:5: E", None),
        ("/etc/passwd.py:5: E", None),
        ("C:\\x\\y.py:5: E", None),
        ("tests/a\u202eb.py:5: E", None),
        ("at 10:30:15: no", None),
        ("http://host.py:80: no", None),
        ("nothing", None),
    ],
)
def test_a_place_is_a_path_that_stays_in_the_project(text: str, place: CodePlace | None) -> None:
    assert places(text) == [place]


def test_attributes_tell_where_a_traceback_does_not() -> None:
    """Pytest counts these lines from 0, others from 1."""
    attributes = "file='tests/test_a.py' line='41'"
    assert places("", attributes) == [CodePlace("tests/test_a.py", 41)]
    assert places("", attributes, suite="pytest") == [CodePlace("tests/test_a.py", 42)]
    assert places("", "file='tests/test_a.py'") == [CodePlace("tests/test_a.py")]
    assert places("", "file='tests/test_a.py' line='x'") == [CodePlace("tests/test_a.py")]
    assert places("", "file='../a.py' line='1'") == [None]


def test_no_more_are_told_than_anybody_reads() -> None:
    case = "<testcase name='t'><failure/></testcase>"
    assert len(failed_tests(report(case * (MAXIMUM_TESTS + 50)), name="junit.xml")) == MAXIMUM_TESTS


def test_a_flood_of_text_costs_no_more_than_its_length() -> None:
    """Neither a long line without end nor a million of short ones."""
    assert places("x" * 2_000_000) == [None]
    assert places("\n" * 2_000_000) == [None]
    assert places("a.b" * 500_000) == [None]


@pytest.mark.parametrize(
    "data", [b"", b"<html/>", b"<!DOCTYPE x [<!ENTITY a 'b'>]><testsuites/>", b"<testsuites>"]
)
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises(EvidenceError) as caught:
        failed_tests(data, name="junit.xml")
    assert caught.value.state is State.INVALID
