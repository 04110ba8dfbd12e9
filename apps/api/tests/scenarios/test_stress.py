"""What the stress suite looks at, without any process."""

from dataclasses import replace

from multyagents_api.scenarios.oracles.run_state import Event, RunState, Task
from multyagents_api.scenarios.stress.clients import Journey
from multyagents_api.scenarios.stress.drills import acknowledged_once, dispatched, stuck

TASK = Task("1", "build", (), requires_approval=False, approval_id=None, status="success", attempt=1)
EVENTS = (
    Event("1", 1, "workflow_run.created", None, None, {}),
    Event("2", 2, "task.dispatched", "1", 1, {}),
)
STATE = RunState("success", 0, (TASK,), EVENTS, {}, 0)


def test_a_dispatch_is_acknowledged_to_one_of_those_who_asked():
    """Neither to none nor to both."""
    assert list(acknowledged_once(Journey("1", "7", dispatches=[("1", 1)]), STATE)) == []
    (told,) = acknowledged_once(Journey("1", "7"), STATE)
    assert told == "run 7: the dispatch of task 1 attempt 1 was acknowledged 0 times"
    assert list(acknowledged_once(Journey("1", "7", dispatches=[("1", 1)] * 2), STATE))


def test_attempts_are_named_as_commands_name_themselves():
    """Each once, however often it was dispatched."""
    assert dispatched(replace(STATE, events=(*EVENTS, EVENTS[1]))) == ["task 1 attempt 1"]


def test_a_run_that_did_not_succeed_is_told():
    """With where it stood, where anybody saw it."""
    assert stuck(Journey("1", "7", "success")) == []
    assert stuck(Journey("1", "7", "running", "run 7 is running: build queued (attempt 1)")) == [
        "run 7 did not succeed: run 7 is running: build queued (attempt 1)"
    ]
    assert stuck(Journey("1")) == ["run (not created) did not succeed: nobody saw it"]
