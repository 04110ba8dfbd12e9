"""The interleaving as text."""

from gatewright.race.swimlane import swim_lanes

STEPS = [("alice", "SELECT status FROM task"), ("bob", "SELECT status FROM task"), ("alice", "COMMIT")]


def test_each_actor_has_a_column_and_each_step_a_line() -> None:
    """Read from top to bottom, nothing behind the last word of a line."""
    assert swim_lanes(STEPS, width=56) == [
        "   alice                      bob",
        "   -------------------------  -------------------------",
        "1  SELECT status FROM task",
        "2                             SELECT status FROM task",
        "3  COMMIT",
    ]


def test_long_labels_are_shortened_and_strange_ones_made_harmless() -> None:
    """A label fits its column and moves no cursor."""
    lines = swim_lanes([("a", "x" * 300), ("b", "\x1b[2Jgone\n")], width=60)
    assert all(len(line) <= 60 for line in lines)
    assert "…" in lines[2]
    assert lines[3].endswith("?[2Jgone?")


def test_nothing_to_show_is_nothing() -> None:
    """No steps, no lines."""
    assert swim_lanes([]) == []
