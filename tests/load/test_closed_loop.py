"""Users of a closed loop make one run after the other, and no claim about latency."""

from dataclasses import fields

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.load import Call, ClosedLoop, ClosedResult, Mix, StepFailedError, Weighted
from gatewright.load.exchange import OutOfConnectionsError


@pytest.fixture
def load(virtual_loop, one_step):
    """Runs a closed loop against a service in virtual time; the generator's CPU is a tenth of it."""

    def run(service, users, seconds=10, *, journey=one_step, **options):
        loop = ClosedLoop(service, journey, users, cpu_clock=lambda: virtual_loop.time() / 10, **options)
        return virtual_loop.run_until_complete(loop.run(seconds))

    return run


@pytest.mark.parametrize("users", [1, 4])
def test_users_make_one_run_after_the_other(load, fake_service, users):
    """Each is under way with one run at any time: throughput is users over the time of a run."""
    service = fake_service(answer_s=0.1)
    result = load(service, users)
    assert result.runs_per_s == pytest.approx(users / 0.1, rel=0.02)
    assert result.users == users
    assert result.seconds == pytest.approx(10)
    assert (result.failed, result.dropped, result.failures) == (0, 0, ())
    assert result.generator_cpu == pytest.approx(0.1)


def test_no_latency_is_told():
    """A closed loop asks nothing during a stall, so that its percentiles would hide it."""
    names = {field.name for field in fields(ClosedResult)}
    assert names == {"users", "seconds", "succeeded", "failed", "dropped", "failures", "generator_cpu"}


def test_what_settles_is_not_counted(load, fake_service, virtual_loop):
    """The first second is left out: a stall in it costs no throughput."""
    begun = virtual_loop.time()
    service = fake_service(answer_s=0.1, stall=(begun, begun + 0.95))
    assert load(service, 1).runs_per_s == pytest.approx(10, rel=0.02)


def test_each_answer_feeds_the_next_request(load, fake_service):
    """A run of two steps takes both of them, and only whole runs count."""

    class Chain:
        steps = ("create", "read")

        def run(self):
            created = yield Call(0, b"create")
            yield Call(1, b"read " + created.body)

    service = fake_service(answer_s=0.05)
    result = load(service, 1, journey=Chain())
    assert result.runs_per_s == pytest.approx(10, rel=0.02)
    assert service.requests[:2] == [b"create", b"read 1"]


def test_failures_are_counted_and_are_no_throughput(load, fake_service):
    """Users go on after a failure."""
    result = load(fake_service(answer_s=0.1, status=503), 2)
    assert result.succeeded == 0
    assert result.failed == pytest.approx(200, abs=4)
    assert result.failed_share == 1
    assert result.failures == (("ask", "answered 503", result.failed),)


def test_a_service_that_hangs_fails_its_runs_at_their_deadline(load, fake_service):
    """The request is given up, and the user goes on."""
    service = fake_service(answer_s=None)
    result = load(service, 1, deadline_s=0.5)
    assert result.failed == pytest.approx(20, abs=1)
    assert result.failures[0][:2] == ("ask", "no answer within the deadline")
    assert all(sending.aborted for sending in service.sendings)


def test_runs_without_connection_are_the_generators_fault(load, fake_service):
    """They are counted apart from failures."""

    def refuse(number):
        if number % 2:
            raise OutOfConnectionsError("no more")

    result = load(fake_service(answer_s=0.1, on_send=refuse), 1)
    assert result.failed == 0
    assert result.dropped == pytest.approx(100, abs=2)
    assert result.succeeded == pytest.approx(100, abs=2)


def test_a_run_that_fails_at_once_keeps_nobody_from_their_turn(load, fake_service):
    """A journey that never asks anything does not stop the clock of the others."""

    class Sometimes:
        steps = ("ask",)

        def __init__(self):
            self.runs = 0

        def run(self):
            self.runs += 1
            if self.runs % 100:
                raise StepFailedError("none")
            yield Call(0, b"ask")

    result = load(fake_service(answer_s=0.1), 2, journey=Sometimes())
    assert result.succeeded == pytest.approx(200, abs=4)
    assert result.failed_share == pytest.approx(0.99, abs=0.001)


def test_users_draw_from_a_mix(load, fake_service, one_step):
    """As runs of the open loop do, with steps named by journey."""

    class Refused:
        steps = ("go",)

        def run(self):
            (yield Call(0, b"go")).expect(201)

    mix = Mix({"ask": Weighted(one_step, 3), "go": Weighted(Refused(), 1)}, seed=1)
    result = load(fake_service(answer_s=0.01), 4, journey=mix)
    assert result.failed_share == pytest.approx(0.25, abs=0.03)
    assert result.failures[0][:2] == ("go/go", "answered 200")


def test_the_end_gives_up_what_is_under_way(load, fake_service):
    """Such runs are neither successes nor failures, and nothing is started any more."""
    service = fake_service(answer_s=100)
    result = load(service, 3, deadline_s=1000)
    assert (result.succeeded, result.failed) == (0, 0)
    assert result.failed_share == 0
    assert [sending.aborted for sending in service.sendings] == [True] * 3


@pytest.mark.parametrize(("users", "options"), [(0, {}), (-1, {}), (1, {"deadline_s": 0})])
def test_numbers_that_can_not_be_used_are_refused(load, fake_service, users, options):
    """One line names them."""
    with pytest.raises(ConfigurationError, match="must be a positive"):
        load(fake_service(), users, **options)
