"""A mix draws journeys by weight and numbers their steps through."""

from collections import Counter

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.load import Call, Mix, StepFailedError, Weighted, constant_arrivals


class Journey:
    def __init__(self, *steps, fails_at=None):
        self.steps = steps
        self.fails_at = fails_at

    def run(self):
        for number, name in enumerate(self.steps):
            yield Call(number, name)
            if number == self.fails_at:
                raise StepFailedError("refused")


def test_weights_are_shares_of_runs():
    """Three to one, within what chance allows in 4,000 draws; the same seed draws the same."""
    mix = Mix({"read": Weighted(Journey("get"), 3), "write": Weighted(Journey("put"), 1)}, seed=5)
    drawn = [mix.draw() for _ in range(4000)]
    assert Counter(drawn)[0] == pytest.approx(3000, abs=120)
    assert mix.share("read") == 0.75
    again = Mix({"read": Weighted(Journey("get"), 3), "write": Weighted(Journey("put"), 1)}, seed=5)
    assert [again.draw() for _ in range(4000)] == drawn


def test_steps_are_named_by_their_journey_where_there_are_several():
    """Two journeys may have steps of the same name."""
    mix = Mix({"a": Weighted(Journey("ask", "pay")), "b": Weighted(Journey("ask"))})
    assert mix.steps == ("a/ask", "a/pay", "b/ask")
    assert mix.number(1, 0) == 2
    assert Mix.of(Journey("ask")).steps == ("ask",)


@pytest.mark.parametrize("step", [-1, 2])
def test_a_step_that_a_journey_does_not_have_is_an_error(step):
    """It must not be counted as another journey's."""
    with pytest.raises(IndexError):
        Mix({"a": Weighted(Journey("ask", "pay")), "b": Weighted(Journey("ask"))}).number(0, step)


@pytest.mark.parametrize(
    ("journeys", "words"),
    [
        ({}, "needs 1 to 1000 journeys"),
        ({"a": Weighted(Journey("ask"), 0)}, "weight of journey a"),
        ({"a": Weighted(Journey("ask"), float("nan"))}, "weight of journey a"),
        ({"a": Weighted(Journey())}, "journey a has no steps"),
    ],
)
def test_what_is_no_mix_is_refused(journeys, words):
    """In one line that names the journey."""
    with pytest.raises(ConfigurationError, match=words):
        Mix(journeys)


def test_the_open_loop_records_journey_and_step_of_every_run(load, fake_service):
    """Each run makes one journey; a failure is counted at that journey's step."""
    mix = Mix({"good": Weighted(Journey("ask")), "bad": Weighted(Journey("ask", "pay", fails_at=1))}, seed=2)
    recording = load(fake_service(), constant_arrivals(50, 4), journey=mix)
    assert recording.journeys == ("good", "bad")
    bad = Counter(recording.journey_of)[1]
    assert 60 < bad < 140
    assert recording.failures == {("bad/pay", "refused"): bad}
    assert len(recording.services[0]) == 200 - bad
    assert len(recording.services[2]) == bad
    assert {recording.failed_at[run] for run in range(200) if recording.journey_of[run]} == {2}


def test_a_journey_that_names_a_step_it_does_not_have_fails_its_runs(load, fake_service):
    """A mistake in a journey stops no load, and is no other step's failure."""

    class Mistaken:
        steps = ("ask",)

        def run(self):
            yield Call(7, b"ask")

    recording = load(fake_service(), constant_arrivals(10, 1), journey=Mistaken())
    assert recording.failures == {("ask", "unreadable answer: IndexError"): 10}
