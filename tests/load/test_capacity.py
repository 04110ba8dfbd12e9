"""The search of capacity finds where throughput ends, and says when that was the generator's own end."""

import heapq

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.load import CapacityRules, find_capacity

WORK_S = 0.01


class Queue:
    """A service of so many workers, each of which takes 10 ms for a request; others wait.

    During `slow` they take twice as long. `status` tells the answer by the number of requests that wait or are worked on. Each request costs the
    generator `cost_s` of CPU.
    """

    def __init__(self, loop, workers, *, slow=(0.0, 0.0), status=lambda load: 200, cost_s=0.0):
        self.loop = loop
        self.slow = slow
        self.status = status
        self.cost_s = cost_s
        self.cpu_s = 0.0
        self.load = 0
        self.free = [0.0] * workers

    def send(self, request, receiver):
        self.cpu_s += self.cost_s
        self.load += 1
        begin = max(self.loop.time(), heapq.heappop(self.free))
        done = begin + (2 * WORK_S if self.slow[0] <= begin < self.slow[1] else WORK_S)
        heapq.heappush(self.free, done)
        sending = Sending()
        self.loop.call_at(done, self.answer, receiver, sending)
        return sending

    def answer(self, receiver, sending):
        status = self.status(self.load)
        self.load -= 1
        if not sending.aborted:
            receiver.answered(status, b"")


class Sending:
    aborted = False

    def abort(self):
        self.aborted = True


@pytest.fixture
def search(virtual_loop, one_step):
    """Searches the capacity of a queue in virtual time."""

    def run(*service, rules=None, **options):
        queue = Queue(virtual_loop, *service, **options)
        return virtual_loop.run_until_complete(
            find_capacity(queue, one_step, rules, cpu_clock=lambda: queue.cpu_s)
        )

    return run


def test_the_throughput_of_all_workers_is_found(search):
    """Eight workers of 10 ms make 800 runs/s; eight users are enough for it."""
    found = search(8)
    assert found.runs_per_s == pytest.approx(800, rel=0.01)
    assert found.users in {8, 16, 32}
    assert [rung.users for rung in found.rungs] == [1, 2, 4, 8, 16, 32]
    assert [rung.runs_per_s for rung in found.rungs[:4]] == pytest.approx([100, 200, 400, 800], rel=0.02)
    assert found.ending == "the throughput no longer grew by 5%"
    assert found.problems == ()


def test_one_flat_rung_may_be_chance(search, virtual_loop):
    """A service that is slow while the second rung is measured is asked once more, and its capacity found."""
    begun = virtual_loop.time()
    second = (begun + 6, begun + 12)
    found = search(4, slow=second)
    assert [rung.runs_per_s for rung in found.rungs[:4]] == pytest.approx([100, 100, 400, 400], rel=0.02)
    assert found.runs_per_s == pytest.approx(400, rel=0.02)
    hasty = search(
        4, slow=(virtual_loop.time() + 6, virtual_loop.time() + 12), rules=CapacityRules(flat_rungs=1)
    )
    assert hasty.runs_per_s == pytest.approx(100, rel=0.02)


def test_every_rung_is_shown_when_it_is_measured(virtual_loop, one_step):
    """Whoever waits can watch."""
    shown = []
    queue = Queue(virtual_loop, 1)
    found = virtual_loop.run_until_complete(
        find_capacity(queue, one_step, cpu_clock=lambda: 0.0, show=shown.append)
    )
    assert tuple(shown) == found.rungs


def test_a_rung_whose_runs_fail_is_not_sustained(search):
    """A service that turns away whoever would wait sustains what it does without failures."""
    found = search(4, status=lambda load: 503 if load > 6 else 200)
    assert found.users == 4
    assert found.runs_per_s == pytest.approx(400, rel=0.02)
    assert found.rungs[-1].users == 8
    assert found.ending.endswith("% of the runs of 8 users failed")
    assert found.problems == ()


def test_the_most_users_end_the_search(search):
    """A service that still grows is told as such."""
    found = search(64, rules=CapacityRules(first_users=3, most_users=10))
    assert [rung.users for rung in found.rungs] == [3, 6, 10]
    assert found.users == 10
    assert found.ending == "10 users are the most that were allowed"


def test_a_generator_at_its_limit_is_told(search):
    """At 95% of a core what was found is no figure of the service: INVALID, in words, and no further rung."""
    found = search(64, cost_s=0.0006)
    assert found.rungs[-1].users == 16
    assert found.ending == "the generator was the limit"
    assert found.problems == (
        (
            "the generator used 96% of a core with 16 users: what was found is its own limit, "
            "and the service may do more"
        ),
    )


def test_nothing_found_is_a_problem(search):
    """A service that fails all runs has no capacity, and the search no figure."""
    found = search(4, status=lambda load: 500)
    assert (found.best, found.runs_per_s, found.users) == (None, 0, 0)
    assert found.problems == ("no throughput was sustained: no run of 1 users succeeded within 5 s",)


@pytest.mark.parametrize(
    "change",
    [
        {"first_users": 0},
        {"seconds": 0},
        {"settle_s": float("nan")},
        {"flat_rungs": 0},
        {"least_growth": -1},
        {"most_users": 0},
        {"most_failed": 1},
        {"most_failed": -0.1},
    ],
)
def test_rules_that_can_not_be_followed_are_refused(change):
    """One line names the field."""
    with pytest.raises(ConfigurationError, match=r"must be|fewer than"):
        CapacityRules(**change)
