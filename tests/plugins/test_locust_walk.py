"""A worker keeps to its users' beat, tells what it left out, and counts runs as the open loop does."""

from collections import Counter

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.load import Answer, Call, Mix, Weighted
from gatewright.plugins.locust.walk import Beat, NoAnswerError
from gatewright.plugins.locust.workload import JourneyEntry, Pace, Workload, make_mix
from gatewright.slo import LatencyObjective


class Pay:
    """Two steps; the second asks as often as it takes."""

    steps = ("list", "pay")

    def run(self):
        (yield Call(0, None)).expect(200)
        while (yield Call(1, None)).status == 202:
            pass


@pytest.fixture
def worker(make_worker, pace):
    return make_worker(pace(1, rate=10, seconds=10))


def test_a_beat_is_a_grid_that_no_delay_moves():
    """A user that is late by less than a period catches up."""
    beat = Beat(0.25, 1.0)
    assert beat.next(0.0) == (0.25, [])
    assert beat.next(1.9) == (1.25, [])
    assert beat.next(1.9) == (2.25, [])


def test_a_beat_tells_what_a_late_user_left_out():
    """Each of the runs that should have begun while it waited, but for the last one, which it makes."""
    beat = Beat(0.25, 1.0)
    beat.next(0.0)
    assert beat.next(4.3) == (4.25, [1.25, 2.25, 3.25])


def test_users_have_different_places_in_the_period(worker):
    """Else all of them would come at once."""
    places = [worker.walker.enter().next(0.0)[0] for _ in range(10)]
    assert len(set(places)) == 10
    assert all(0 <= place <= worker.walker.pace.period_s for place in places)


def test_runs_that_were_left_out_were_due(worker):
    """They count against throughput, though nobody made them."""
    beat = worker.walker.enter()
    due = worker.walker.next_due(beat)
    worker.run(due, 4.5, due=due)
    due = worker.walker.next_due(beat)
    worker.run(worker.clock.now, 0.01, due=due, free=worker.clock.now)
    counts = worker.walker.take()
    assert worker.walker.totals.left_out == 3
    assert worker.walker.totals.arrived == sum(count for _, count in counts.arrivals[0]) == 5
    assert sum(count for _, count in counts.samples[0]) == 2


def test_after_the_end_no_run_is_due(worker):
    """What a user could not begin by then is left out; nothing after the end is."""
    beat = worker.walker.enter()
    worker.clock.now = 11.0
    assert worker.walker.next_due(beat) is None
    assert worker.walker.totals.left_out == worker.walker.totals.arrived == 10


def test_a_worker_is_over_when_its_users_have_left_after_the_end(worker):
    """Not while one may still make a run."""
    worker.walker.enter()
    worker.clock.now = 10.0
    assert not worker.walker.over
    worker.walker.leave()
    assert worker.walker.over
    worker.clock.now = 9.9
    assert not worker.walker.over


def test_lag_is_what_the_generator_is_to_blame_for(worker):
    """A run that its user could not begin earlier, because it waited for an answer, was not late by lag."""
    worker.run(1.0, 0.1, due=1.0)
    worker.run(3.002, 0.1, due=2.0, free=3.0)
    worker.run(5.5, 0.1, due=5.0, free=4.0)
    lags = worker.walker.take().lags.restore()
    assert lags.zeros == 1
    assert lags.percentile(2 / 3) == pytest.approx(0.002, rel=0.01)
    assert lags.percentile(1.0) == pytest.approx(0.5, rel=0.01)


def test_a_run_without_an_answer_failed_at_its_step(worker):
    """With the reason that the client gave."""
    worker.clock.now = 1.0

    def ask(_request, _step):
        raise NoAnswerError("no answer within the deadline")

    worker.walker.walk(ask, 1.0, 0.0)
    (window,) = worker.walker.take().windows
    assert window.failures == (("ask", "no answer within the deadline", 1),)


def test_an_answer_that_a_journey_can_not_read_fails_its_run(make_worker, pace):
    """As in the open loop."""

    class Broken:
        steps = ("ask",)

        def run(self):
            yield Call(0, None)
            raise KeyError("id")

    worker = make_worker(pace(1), mix=Mix({"ask": Weighted(Broken())}))
    worker.run(1.0, 0.1)
    (window,) = worker.walker.take().windows
    assert window.failures == (("ask", "unreadable answer: KeyError", 1),)


def test_a_moment_lies_in_the_same_span_for_whoever_asks(make_worker, pace):
    """Also where division rounds: 0.3 s over a tenth of a second are a little less than 3."""
    worker = make_worker(pace(1))
    for number in range(500):
        worker.run(number / 10, 1.0)
    counts = worker.walker.take()
    broken = Counter(tick // 100 for tick, _ in counts.exceedances[0])
    assert broken == dict(counts.samples[0])


def test_near_misses_are_told_of_latencies_alone(make_worker, pace):
    """What took longer than half the threshold shows stalls that broke nothing yet."""
    worker = make_worker(pace(1))
    for start, took in ((1.0, 0.04), (2.0, 0.06), (3.0, 0.11)):
        worker.run(start, took)
    counts = worker.walker.take()
    assert counts.near_misses == (((2000, 1), (3000, 1)), ((2000, 1), (3000, 1)), ())
    assert counts.exceedances == (((3000, 1),), ((3000, 1),), ())


def test_reasons_are_bounded(make_worker, pace):
    """A service that invents a status for every answer fills no memory."""
    worker = make_worker(pace(1))
    for status in range(300, 400):
        worker.run(1.0, 0.001, status=status)
    (window,) = worker.walker.take().windows
    assert len(window.failures) == 51
    assert ("other", "further reasons", 50) in window.failures


def test_steps_are_counted_by_their_longest_call(make_worker, pace):
    """The part of a step holds one time for each run, the step itself one for each call."""
    workload = Workload(
        target="http://127.0.0.1:9",
        journeys=(JourneyEntry(name="buy", factory="x:y"),),
        objectives=(LatencyObjective(0.95, 0.1, step="pay"),),
        deadline_s=5,
    )
    kind = type(make_worker(pace(1)))
    worker = kind(workload, pace(1), 0, Mix({"buy": Weighted(Pay())}))
    answers = iter([(0.01, 200), (0.3, 202), (0.02, 200)])

    def ask(_request, _step):
        seconds, status = next(answers)
        worker.clock.now += seconds
        return Answer(status, b"")

    worker.walker.walk(ask, 0.0, 0.0)
    (window,) = (counts := worker.walker.take()).windows
    assert window.parts[1].restore().percentile(1.0) == pytest.approx(0.3, rel=0.01)
    assert [steps.restore().count for steps in window.steps] == [1, 2]
    assert counts.exceedances == (((0, 1),),)


@pytest.mark.parametrize(
    ("rate", "seconds", "workers", "users"),
    [
        (0, 1, 1, 0),
        (float("nan"), 1, 1, 0),
        (1, float("inf"), 1, 0),
        (1, 1, 0, 0),
        (9, 9, 1000, 0),
        (9, 9, 3, 2),
    ],
)
def test_a_pace_that_can_not_be_kept_is_refused(rate, seconds, workers, users):
    """Before anything is started."""
    with pytest.raises(ConfigurationError):
        Pace.spread(rate, seconds, workers, users=users)


def test_users_make_one_run_a_second_unless_told_otherwise():
    """A hundred runs a second are a hundred users."""
    assert Pace.spread(100, 60, 3).users == 100
    assert Pace.spread(100, 60, 3).period_s == 1.0
    assert Pace.spread(0.5, 60, 3).users == 3


def test_a_worker_makes_the_journeys_that_its_machine_declares(workload):
    """From their import paths, for the target of the workload."""
    mix = make_mix(workload, seed=1)
    assert (mix.names, mix.steps) == (("ask",), ("ask", "again"))


@pytest.mark.parametrize(
    "factory", ["fakes.journeys:Nothing", "no.such.module:Ask", "fakes.journeys:__all__"]
)
def test_a_journey_that_is_none_is_refused_in_one_line(workload, factory):
    """With its name."""
    entries = (JourneyEntry(name="ask", factory=factory),)
    with pytest.raises(ConfigurationError, match="journey ask"):
        make_mix(workload.model_copy(update={"journeys": entries}), seed=1)
