"""What is seen while a measurement runs."""

import io
from math import nan

import pytest
from fakes.terminal import FakeTerminal

from gatewright.core.verdict import Verdict
from gatewright.slo import Decision, Evidence, LatencyObjective, SuccessObjective, ThroughputObjective
from gatewright.suites.slo.progress import Progress
from gatewright.suites.slo.watch import Glance


def decision(objective, verdict=Verdict.INCONCLUSIVE, exceeded=2) -> Decision:
    return Decision(
        objective=objective,
        verdict=verdict,
        rule="rule",
        samples=1000,
        exceeded=exceeded,
        evidence=Evidence(0.5, 0.5),
        lower=39.2,
        upper=40.1,
        missing="",
    )


GLANCE = Glance(
    seconds=15.0,
    warming_up=False,
    runs=1000,
    rate=39.81,
    p50_s=0.009,
    p95_s=0.018,
    p99_s=0.027,
    decisions=(
        decision(LatencyObjective(0.95, 0.3), Verdict.PASS),
        decision(SuccessObjective(0.99), Verdict.FAIL, exceeded=31),
        decision(ThroughputObjective(20)),
    ),
)
WARMING_UP = Glance(0.5, warming_up=True, runs=0, rate=0.0, p50_s=nan, p95_s=nan, p99_s=nan, decisions=())


@pytest.fixture(autouse=True)
def _usual_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def shown(terminal: FakeTerminal, *glances: Glance, name: str = "load") -> Progress:
    progress = Progress(name, 30.0, terminal, rate=40.0, size=terminal.size)
    for glance in glances:
        progress(glance)
    return progress


def test_a_terminal_shows_rates_latencies_and_every_objective():
    """Time against the budget, rate offered and achieved, exceedances against the allowed number, the decision."""
    terminal = FakeTerminal()
    shown(terminal, GLANCE)
    assert terminal.screen == [
        "load  ████████████░░░░░░░░░░░░ 15 of at most 30 s",
        "  1,000 runs judged, 40/s offered, 39.8/s achieved",
        "  p50 9, p95 18, p99 27 ms",
        "  ✓ latency p95         2 exceed, 50.0 may  kept",
        "  ✗ success ratio       31 exceed, 10.0 may  broken",
        "  … throughput, runs/s  39.2 to 40.1/s, at least 20  not decided",
    ]


def test_the_warm_up_has_no_figures():
    terminal = FakeTerminal()
    shown(terminal, WARMING_UP)
    assert terminal.screen == [
        "load  ░░░░░░░░░░░░░░░░░░░░░░░░ 0 of at most 30 s",
        "  warming up, 40/s offered",
    ]


def test_glances_are_drawn_in_place_and_leave_nothing_behind():
    """A window that is begun anew shrinks the block, and then it grows again."""
    terminal = FakeTerminal()
    terminal.write("$ slo\n")
    progress = shown(terminal, WARMING_UP, GLANCE, WARMING_UP, GLANCE)
    assert len(terminal.screen) == 7
    progress.close()
    assert terminal.screen == ["$ slo"]
    assert terminal.cursor_shown


@pytest.mark.parametrize("columns", [120, 40, 12])
def test_no_line_is_wider_than_the_terminal(columns):
    terminal = FakeTerminal(columns)
    shown(terminal, GLANCE, GLANCE, name="日本" * 50 + "\n\x1b[2J")
    assert not terminal.wrapped
    assert len(terminal.screen) == 6


def test_ctrl_c_gives_the_terminal_back():
    """The cursor is shown again, and the block is gone."""
    terminal = FakeTerminal()

    def measure():
        with Progress("load", 30.0, terminal, size=terminal.size) as progress:
            progress(GLANCE)
            assert not terminal.cursor_shown
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure()
    assert terminal.cursor_shown
    assert terminal.screen == []


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("NO_COLOR", "")])
def test_colours_can_be_refused(monkeypatch, variable, value):
    """By a NO_COLOR that is not empty (https://no-color.org); the signs tell all the same."""
    monkeypatch.setenv(variable, value)
    terminal = FakeTerminal()
    shown(terminal, GLANCE)
    assert terminal.coloured is not bool(value)
    assert any("✗" in line and "broken" in line for line in terminal.screen)


def test_a_terminal_without_such_characters_gets_plain_ones():
    """An error of encoding must not end a measurement."""
    terminal = FakeTerminal(encoding="ascii")
    shown(terminal, GLANCE)
    assert all(line.isascii() for line in terminal.screen)
    assert "############------------" in terminal.screen[0]
    assert terminal.screen[4].startswith("  x success ratio")


@pytest.mark.parametrize("stream", [io.StringIO(), "dumb"])
def test_elsewhere_a_plain_line_comes_every_five_seconds(monkeypatch, stream):
    """Without control characters: in a log, and on a dumb terminal."""
    if stream == "dumb":
        monkeypatch.setenv("TERM", "dumb")
        stream = FakeTerminal()
    with Progress("load", 30.0, stream, rate=40.0) as progress:
        for tick in range(25):
            progress(Glance(**{**vars(GLANCE), "seconds": tick / 2}))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert (
        lines[0]
        == "load    0/30 s  1000 runs at 39.8/s  p50/p95/p99 9/18/27 ms  p95 2/50 ok  success 31/10 FAIL  throughput ..."
    )
    assert "\x1b" not in stream.getvalue()
