"""Hostile names do no harm where they are shown."""

import unicodedata
from xml.etree import ElementTree as ET

import pytest
from fakes.proofs import tried
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewright.core.escape import clipped, columns, html_text, markdown_text, printable, printable_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("größer", "größer"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("abc\u202edef", "abc\\u202edef"),
        ("\ud800", "\\ud800"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_what_is_not_seen_is_written_as_its_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


@settings(derandomize=True)
@given(st.text(st.characters()))
def test_nothing_moves_the_cursor(text: str) -> None:
    shown = printable(text)
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", "a\\|b"),
        ("<script>", "\\<script\\>"),
        ("[click](http://x)", "\\[click\\](http://x)"),
        ("&lt;", "&amp;lt;"),
        ("a\nb", "a\\\\nb"),
        ("# big", "\\# big"),
    ],
)
def test_markdown_is_shown_and_not_obeyed(text: str, shown: str) -> None:
    assert markdown_text(text) == shown


@settings(derandomize=True)
@given(st.text(st.characters()))
def test_whatever_is_said_is_text_in_xml(text: str) -> None:
    """Also where it is quoted: no element, no attribute, nothing that a parser refuses."""
    element = ET.fromstring(f'<a b="{html_text(text)}">{html_text(text)}</a>')
    assert list(element) == []
    assert set(element.attrib) == {"b"}
    assert ("<" in (element.text or "")) == ("<" in text)


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("", 0)])
def test_columns_of_wide_and_combining_characters(text: str, width: int) -> None:
    """A wide character takes two columns of a terminal, a combining one none."""
    assert columns(text) == width


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", ""), ("short", "short"), ("eleven char", "eleven ch…"), ("\n" * 50, "\\n\\n\\n\\n\\…")],
)
def test_what_is_too_long_is_clipped_and_printable(text: str, shown: str) -> None:
    assert clipped(text, 10) == shown


@given(st.text(max_size=200), st.integers(min_value=1, max_value=50))
@tried(200)
def test_clipped_text_fits_on_a_line(text: str, limit: int) -> None:
    assert len(clipped(text, limit)) <= limit
    assert printable(clipped(text, limit)) == clipped(text, limit)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("one", "one\n"),
        ("one\ntwo\n", "one\ntwo\n"),
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("\n\n", "\n\n"),
        ("a\x85b\u2028c\x0bd\x1ce\rf", "a\\x85b\\u2028c\\x0bd\\x1ce\\rf\n"),
    ],
)
def test_a_line_ends_where_a_terminal_ends_it(text: str, shown: str) -> None:
    """A name with another separator in it begins no line of its own."""
    assert printable_lines(text) == shown
