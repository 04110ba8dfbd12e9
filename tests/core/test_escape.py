"""Hostile names do no harm where they are shown."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewright.core.escape import markdown_text, printable


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
