"""The interleaving as rows, and as text for a terminal."""

import re

import pytest

from gatewright.race import History, Operation, Response
from gatewright.race.interleaving import RowKind, TakenStep, interleaving
from gatewright.race.swimlane import swim_lanes

STEPS = [
    TakenStep("alice", "SELECT status FROM task"),
    TakenStep("bob", "BEGIN IMMEDIATE", waited=True, preempts="alice"),
    TakenStep("alice", "COMMIT"),
]
ASKED = [
    Operation("alice", "POST", "/dispatch", None, Response(200, {"n": 1}), 0, 3),
    Operation("bob", "GET", "/task", None, Response(0), 1, 3),
]


def test_each_actor_has_a_column_and_each_step_a_line() -> None:
    """Read from top to bottom, nothing behind the last word of a line."""
    assert swim_lanes(interleaving(STEPS), width=56) == [
        "   alice                      bob",
        "   -------------------------  -------------------------",
        "1  SELECT status FROM task",
        "2                             BEGIN IMMEDIATE [waits]",
        "3  COMMIT",
    ]


def test_requests_answers_and_what_broke_stand_where_they_happened() -> None:
    """A call before its first step, an answer after its last; a broken invariant after the step that broke it."""
    picture = interleaving(
        STEPS,
        operations=History(ASKED),
        violations={"single": ("dispatched 2 times",), "whole": ()},
        broken_at={"single": 2},
    )
    assert swim_lanes(picture, width=60) == [
        "   alice                        bob",
        "   ---------------------------  ---------------------------",
        "   → POST /dispatch",
        "1  SELECT status FROM task",
        "                                → GET /task",
        "2                               BEGIN IMMEDIATE [waits]",
        "!  single is broken: dispatched 2 times",
        "3  COMMIT",
        '   ← 200 {"n": 1}',
        "                                ← no answer",
        "!  whole is broken at the end: it does not hold",
    ]


def test_a_request_without_steps_stands_between_two() -> None:
    """Its call right before its answer."""
    instant = Operation("bob", "GET", "/health", None, Response(200), 1, 1)
    kinds = [row.kind for row in interleaving(STEPS[:2], operations=[instant]).rows]
    assert kinds == [RowKind.STEP, RowKind.CALL, RowKind.ANSWER, RowKind.STEP]


@pytest.mark.parametrize("width", [30, 40, 52, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Labels are shortened; where lanes would be too narrow, they become one."""
    picture = interleaving(
        [
            TakenStep("a" * 30, "x" * 300, waited=True),
            TakenStep("b", "数据" * 90),
            TakenStep("c", "y" * 10_000),
        ],
        violations={"broken": ("z" * 500,)},
    )
    lines = swim_lanes(picture, width=width)
    for line in lines:
        wide = sum(character in "数据" for character in line)
        assert len(line) + wide <= width
    assert any("…" in line for line in lines)
    assert any(line.endswith("[waits]") for line in lines)


def test_strange_labels_are_made_harmless() -> None:
    """They move no cursor, hide nothing and turn no direction."""
    (_, _, line) = swim_lanes(interleaving([TakenStep("a", "\x1b[2Jgone\n\u202eback")]), width=60)
    assert line == r"1  \x1b[2Jgone\n\u202eback"


def test_colours_are_only_what_they_are_asked_for() -> None:
    """The same text with and without; what broke is red, who waits is yellow."""
    picture = interleaving(STEPS, violations={"single": ("dispatched 2 times",)})
    plain, coloured = swim_lanes(picture), swim_lanes(picture, colour=True)
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in coloured] == plain
    assert coloured[-1].startswith("\x1b[31;1m!")
    assert "\x1b[33mBEGIN IMMEDIATE [waits]" in coloured[3]
    assert not any("\x1b" in line for line in plain)


def test_endless_schedules_are_abridged() -> None:
    """A livelock shows its beginning and its end, and says what it leaves out."""
    rows = interleaving([TakenStep("alice", f"ask {number}") for number in range(20_000)]).rows
    assert len(rows) == 601
    assert rows[300].text == "19400 rows are left out"
    assert rows[-1].text == "ask 19999"


def test_nothing_to_show_is_nothing() -> None:
    """No steps, no lines."""
    assert swim_lanes(interleaving([])) == []
