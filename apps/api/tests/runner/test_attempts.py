"""What a runner takes on: each attempt once, of each task the latest, no more than there is room for."""

from dataclasses import replace

import pytest

from multyagents_api.runner.attempts import Attempts, ComeAgain, NeverHere, Why

pytestmark = pytest.mark.anyio


@pytest.fixture
def attempts(local_settings) -> Attempts:
    return Attempts(local_settings)


def test_an_attempt_is_taken_once(attempts, submitted):
    """Submitted again, it changes nothing: while it waits, while it is done, and afterwards."""
    for _ in range(3):
        attempts.take(submitted())
    [held] = attempts.held
    assert attempts.queue.qsize() == 1
    attempts.forget(held)
    attempts.take(submitted())
    assert attempts.held == []
    assert attempts.none_held.is_set()


def test_a_later_attempt_ends_an_older_one(attempts, submitted):
    """The older one is lost, and is not taken on any more."""
    attempts.take(submitted(attempt=1))
    [older] = attempts.held
    attempts.take(submitted(attempt=3))
    assert older.why is Why.LOST
    assert [held.work.attempt for held in attempts.held] == [3]
    with pytest.raises(NeverHere, match="attempt 2 of task 7 is over; this runner took attempt 3 on"):
        attempts.take(submitted(attempt=2))
    attempts.forget(older)
    assert [held.work.attempt for held in attempts.held] == [3]


def test_a_full_queue_says_to_come_again(attempts, submitted):
    """And takes what was refused when there is room."""
    for task_id in ("1", "2"):
        attempts.take(submitted(task_id=task_id))
    with pytest.raises(ComeAgain, match="full"):
        attempts.take(submitted(task_id="3"))
    attempts.queue.get_nowait()
    attempts.take(submitted(task_id="3"))


def test_a_runner_that_stops_takes_nothing_on(attempts, submitted):
    """But knows what it has taken."""
    attempts.take(submitted())
    attempts.stopping = True
    attempts.take(submitted())
    with pytest.raises(ComeAgain, match="stopping"):
        attempts.take(submitted(task_id="8"))


@pytest.mark.parametrize(
    ("wishes", "reason"),
    [
        ({"command": None}, "the step has no command, and this runner has no agent command"),
        ({"workspace": {"mode": "docker-sandbox"}}, "this runner does not execute docker-sandbox, only"),
        ({"workspace": {"mode": "isolated-worktree"}}, "this runner does not execute isolated-worktree"),
        ({"project_root": "/"}, "the project root / lies outside of the roots of this runner"),
        ({"project_root": "root"}, "lies outside"),
        ({"project_root": "/a\x00b"}, "lies outside"),
    ],
)
def test_what_it_can_never_execute_is_refused(attempts, submitted, wishes, reason):
    """With a reason for people; nothing is held, and the attempt is not remembered."""
    for _ in range(2):
        with pytest.raises(NeverHere, match=reason):
            attempts.take(submitted(**wishes))
    assert attempts.held == []


def test_a_project_behind_a_symlink_counts_where_it_lies(attempts, submitted, root, tmp_path):
    """Inside is taken, outside is refused; an agent command does what names none."""
    (root / "in").mkdir()
    (tmp_path / "link").symlink_to(root / "in")
    (root / "out").symlink_to(tmp_path)
    attempts.take(submitted(project_root=str(tmp_path / "link")))
    with pytest.raises(NeverHere):
        attempts.take(submitted(task_id="8", project_root=str(root / "out")))


def test_an_agent_does_what_has_no_command(local_settings, submitted):
    """Where the operator named one."""
    Attempts(replace(local_settings, agent_command=("agent",))).take(submitted(command=None))


def test_a_cancel_reaches_its_attempt_only(attempts, submitted):
    """The first reason to end counts, but what is lost is lost; what was never here is told apart."""
    attempts.take(submitted(attempt=2))
    [held] = attempts.held
    assert attempts.cancel("7", 1)
    assert held.why is None
    assert not attempts.cancel("7", 3)
    assert not attempts.cancel("8", 1)
    assert attempts.cancel("7", 2)
    assert held.stop.is_set()
    for why, then in ((Why.RUNNER_STOPPING, Why.CANCELED), (Why.LOST, Why.LOST), (Why.CANCELED, Why.LOST)):
        held.end(why)
        assert held.why is then
