"""Lines that are redrawn in place on a terminal."""

import io
import os

import pytest
from fakes.terminal import FakeTerminal

from gatewright.report.living import LivingBlock, Span, is_living, terminal_size


def lines(*texts: str) -> list[list[Span]]:
    return [[Span(text)] for text in texts]


def test_later_lines_take_the_place_of_earlier_ones():
    """Whether there are more or fewer of them; what stood above stays."""
    terminal = FakeTerminal()
    terminal.write("$ gatewright\n")
    block = LivingBlock(terminal, terminal.size, colour=False)
    for shown in (["one", "two longer", "three"], ["one", "two"], ["a", "b", "c", "d"], ["z"]):
        block.show(lines(*shown))
        assert terminal.screen == ["$ gatewright", *shown]
    block.close()
    assert terminal.screen == ["$ gatewright"]


def test_the_cursor_is_hidden_while_the_block_lives():
    """And given back exactly once, however often it is closed."""
    terminal = FakeTerminal()
    block = LivingBlock(terminal, terminal.size, colour=False)
    block.show(lines("one"))
    assert not terminal.cursor_shown
    block.close()
    block.close()
    assert terminal.cursor_shown
    assert terminal.getvalue().count("\x1b[?25h") == 1


def test_a_block_that_was_never_shown_writes_nothing():
    terminal = FakeTerminal()
    LivingBlock(terminal, terminal.size, colour=True).close()
    assert terminal.getvalue() == ""


@pytest.mark.parametrize(("columns", "height"), [(80, 24), (20, 5), (7, 2), (1, 1)])
def test_no_line_wraps_and_no_block_is_higher_than_the_terminal(columns, height):
    """Wide characters count twice; a terminal that shrinks is asked anew."""
    terminal = FakeTerminal(200, 50)
    block = LivingBlock(terminal, terminal.size, colour=True)
    block.show(lines("x" * 100))
    terminal.width, terminal.height = columns, height
    terminal.wrapped = False
    block.show([[Span("日本" * 30, "1"), Span("tail")], *lines(*["y" * 300] * 30)])
    assert not terminal.wrapped
    assert len(terminal.screen) <= max(1, height - 1)
    assert all(len(line) < max(2, columns) for line in terminal.screen)


def test_hostile_texts_stay_text():
    """They neither move the cursor nor colour anything."""
    terminal = FakeTerminal()
    LivingBlock(terminal, terminal.size, colour=False).show(lines("\x1b[2J\x1b[31mred\nnext\r"))
    assert terminal.screen == ["\\x1b[2J\\x1b[31mred\\nnext\\r"]
    assert not terminal.coloured


def test_styles_are_written_only_where_colours_are_wanted():
    for colour in (True, False):
        terminal = FakeTerminal()
        LivingBlock(terminal, terminal.size, colour=colour).show([[Span("green", "1;32"), Span(" plain")]])
        assert terminal.coloured is colour
        assert terminal.screen == ["green plain"]


def test_a_dumb_terminal_redraws_nothing(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert not is_living(FakeTerminal())
    monkeypatch.setenv("TERM", "xterm")
    assert is_living(FakeTerminal())
    assert not is_living(io.StringIO())


def test_a_stream_without_a_size_has_that_of_the_environment(monkeypatch):
    """Also a pseudo-terminal that says 0 by 0."""
    monkeypatch.setenv("COLUMNS", "91")
    monkeypatch.setenv("LINES", "17")
    assert terminal_size(io.StringIO()) == os.terminal_size((91, 17))
    parent, child = os.openpty()
    with os.fdopen(child, "w") as stream:
        assert terminal_size(stream) == os.terminal_size((91, 17))
    os.close(parent)
