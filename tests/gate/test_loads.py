"""A policy declares loads in names and numbers, and a promise that can't be meant is refused by place."""

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.gate.policy import parse_policy

CHECK = '[checks.unit]\nsteps = [["true"]]\nresults = ["junit.xml"]\n'
LOAD = """\
[slo.shop]
target = "http://127.0.0.1:8000"
journeys.buy = { factory = "shop:Buy" }
objectives = [{ metric = "success_ratio", at_least = 0.99 }]
"""


def parse(load: str):
    return parse_policy(f"schema_version = 1\n{CHECK}{load}".encode(), "gate.toml").policy


def test_a_load_has_sensible_defaults() -> None:
    """A journey and a promise are enough."""
    load = parse(LOAD).slo["shop"]
    assert (load.rate, load.seconds, load.arrivals) == (40, 60, "poisson")
    assert load.journeys["buy"].weight == 1
    assert load.needs.alpha == 0.05


def test_a_promise_may_be_about_a_journey_and_its_step() -> None:
    """Latency of one step of one journey."""
    promise = '{ metric = "latency", percentile = 99.9, at_most_ms = 40, journey = "buy", step = "pay" }'
    policy = parse(LOAD.replace("0.99 }]", f"0.99 }}, {promise}]"))
    assert policy.slo["shop"].objectives[1].step == "pay"


def test_a_promise_may_be_about_slices_of_time() -> None:
    """Of good ones, of one step; or of their average."""
    good = (
        '{ metric = "latency", at_most_ms = 300, seconds = 5, at_least = 0.9, slice_at_least = 1, '
        'journey = "buy", step = "pay" }'
    )
    average = '{ metric = "success_ratio", seconds = 0.5, at_least = 0.99 }'
    slices = parse(f"{LOAD}slices = [{good}, {average}]\n").slo["shop"].slices
    assert [each.slice_at_least for each in slices] == [1, None]
    assert (slices[0].at_most_ms, slices[0].step, slices[1].seconds) == (300, "pay", 0.5)


SLICES = 'slices = [{ metric = "success_ratio", seconds = 5, at_least = 0.9, slice_at_least = 0.99 }]\n'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"success_ratio", s', '"throughput", s', "slo.shop.slices.0.metric"),
        ("seconds = 5", "seconds = 0", "slo.shop.slices.0.seconds"),
        ("seconds = 5", "seconds = inf", "slo.shop.slices.0.seconds"),
        ("seconds = 5, ", "", "slo.shop.slices.0.seconds"),
        ("at_least = 0.9,", "at_least = 1,", "slo.shop.slices.0.at_least"),
        ("at_least = 0.99", "at_least = 1.01", "slo.shop.slices.0.slice_at_least"),
        ("at_least = 0.99", "at_least = nan", "slo.shop.slices.0.slice_at_least"),
        ('"success_ratio", s', '"latency", s', "slices of a latency need at_most_ms"),
        ("seconds", "at_most_ms = 5, seconds", "slices of a success_ratio have no at_most_ms"),
        ("slice_at_least", "slice_at_leest", "slo.shop.slices.0.slice_at_leest: there is no such setting"),
    ],
)
def test_slices_that_can_not_be_meant_are_refused_by_place(old: str, new: str, message: str) -> None:
    """One line that names the setting."""
    assert old in SLICES
    with pytest.raises(ConfigurationError, match=message.replace("?", r"\?")) as caught:
        parse(LOAD + SLICES.replace(old, new, 1))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('target = "http://127.0.0.1:8000"\n', "", "needs one of: a server to start"),
        ("[slo.shop]\n", '[slo.shop]\nserver = ["x"]\n', "needs one of: a server to start"),
        ('"shop:Buy"', '"shop.Buy"', "slo.shop.journeys.buy.factory"),
        ('{ factory = "shop:Buy" }', '{ factory = "shop:Buy", weight = 0 }', "slo.shop.journeys.buy.weight"),
        ('journeys.buy = { factory = "shop:Buy" }', "journeys = {}", "slo.shop.journeys"),
        ('[{ metric = "success_ratio", at_least = 0.99 }]', "[]", "slo.shop.objectives"),
        ("0.99", "1.0", "must be below 1"),
        ("0.99", "nan", "slo.shop.objectives.0.at_least"),
        ("at_least = 0.99", "at_most_ms = 5", "a success_ratio needs at_least"),
        ('metric = "success_ratio"', 'metric = "latency"', "needs percentile and at_most_ms"),
        ('metric = "success_ratio"', 'metric = "throughput", step = "pay"', "leave the step out"),
        ('metric = "success_ratio"', 'metric = "p95"', "slo.shop.objectives.0.metric"),
        ("[slo.shop]\n", "[slo.shop]\nrate = -1\n", "slo.shop.rate"),
        ("[slo.shop]\n", "[slo.shop]\nratee = 1\n", "did you mean rate?"),
        ("[slo.shop]\n", '[slo.shop]\npython_path = ["../elsewhere"]\n', "relative path"),
        ("[slo.shop]\n", "[slo.shop]\nneeds.alpha = 0.7\n", "slo.shop.needs.alpha"),
    ],
)
def test_what_can_not_be_meant_is_refused_by_place(old: str, new: str, message: str) -> None:
    """One line that names the setting."""
    assert old in LOAD
    with pytest.raises(ConfigurationError, match=message.replace("?", r"\?")) as caught:
        parse(LOAD.replace(old, new, 1))
    assert "\n" not in str(caught.value)
