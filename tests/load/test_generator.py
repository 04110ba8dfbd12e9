"""The open loop follows its schedule, counts latency from it, and gives every run an end."""

import pytest

from gatewright.load import (
    Call,
    LagLimits,
    LogHistogram,
    Outcome,
    constant_arrivals,
    poisson_arrivals,
    prove_schedule,
)
from gatewright.load.client import OutOfConnectionsError


def test_every_arrival_becomes_a_run_on_time(load, fake_service):
    """All runs are sent when they are due, and each one's latency is the service's."""
    recording = load(fake_service(answer_s=0.02), constant_arrivals(50, 4))
    assert len(recording) == 200
    assert recording.count(Outcome.SUCCEEDED, 0, 200) == 200
    assert list(recording.latencies(0, 200)) == pytest.approx([0.02] * 200)
    assert max(recording.lags(0, 200)) == pytest.approx(0, abs=1e-6)


def test_a_stall_of_the_server_is_seen_by_all_who_arrive_in_it(load, fake_service, virtual_loop):
    """Coordinated omission: the p99 is that of users who arrive independently of the stall.

    A closed loop with one user would have sent a single request into the stall, and its p99 were 10 ms.
    """
    stall = (virtual_loop.time() + 10.0, virtual_loop.time() + 12.0)
    recording = load(fake_service(stall=stall), poisson_arrivals(100, 60, seed=3))
    seen = LogHistogram(recording.latencies(0, len(recording)))
    waits = (
        max(0.01, stall[1] - due) if stall[0] <= due + 0.01 < stall[1] else 0.01
        for due in recording.scheduled
    )
    assert seen.percentile(0.99) == pytest.approx(LogHistogram(waits).percentile(0.99), rel=0.01)
    assert seen.percentile(0.99) > 1.0


def test_what_holds_up_the_generator_counts_as_latency_and_as_lag(load, fake_service, virtual_loop):
    """A generator that slept through its schedule must not report a fast service, and its proof tells."""

    def hold_up(number):
        if number == 50:
            virtual_loop.hold_up(1.0)

    recording = load(fake_service(on_send=hold_up), constant_arrivals(50, 4))
    assert max(recording.latencies(0, 200)) == pytest.approx(1.01, abs=0.05)
    proof = prove_schedule(recording, 0, 200, LagLimits.for_threshold(0.25))
    assert proof.late
    assert len(proof.problems) == 1
    assert "the generator sent late" in proof.problems[0]


def test_a_service_that_never_answers_fails_every_run_at_its_deadline(load, fake_service):
    """Requests are given up, runs fail, and the loop comes to an end."""
    service = fake_service(answer_s=None)
    recording = load(service, constant_arrivals(10, 3), deadline_s=2.0)
    assert recording.count(Outcome.FAILED, 0, len(recording)) == 30
    assert recording.failures == {("ask", "no answer within the deadline"): 30}
    assert all(sending.aborted for sending in service.sendings)
    assert recording.ended[29] - recording.scheduled[29] == pytest.approx(2.0, abs=0.2)


def test_an_answer_that_the_journey_refuses_fails_the_run_by_name(load, fake_service):
    """Failures are counted by step and reason."""
    recording = load(fake_service(status=503), constant_arrivals(10, 1))
    assert recording.failures == {("ask", "answered 503"): 10}


def test_an_answer_that_the_journey_can_not_read_fails_the_run(load, fake_service):
    """Whatever an answer breaks in the journey is a failure of that run, not of the load."""

    class Reader:
        steps = ("ask",)

        def run(self):
            answer = yield Call(0, b"ask")
            {}[answer.body]

    recording = load(fake_service(), constant_arrivals(10, 1), journey=Reader())
    assert recording.failures == {("ask", "unreadable answer: KeyError"): 10}


def test_each_answer_feeds_the_next_request(load, fake_service):
    """A journey's steps pass data on, and the service time of each step is recorded."""

    class Chain:
        steps = ("create", "read")

        def run(self):
            created = yield Call(0, b"create")
            yield Call(1, b"read " + created.body)

    service = fake_service(answer_s=0.5)
    recording = load(service, constant_arrivals(1, 1), journey=Chain())
    assert service.requests == [b"create", b"read 1"]
    assert [list(times) for times in recording.services] == [[pytest.approx(0.5)], [pytest.approx(0.5)]]
    assert list(recording.latencies(0, 1)) == [pytest.approx(1.0)]


def test_a_run_for_which_this_machine_has_no_connection_is_dropped_and_told(load, fake_service):
    """What the generator could not send is no failure of the service, and the measurement is unfit."""

    def refuse(number):
        if number == 5:
            raise OutOfConnectionsError("no more")

    recording = load(fake_service(on_send=refuse), constant_arrivals(10, 1))
    assert recording.count(Outcome.DROPPED, 0, 10) == 1
    proof = prove_schedule(recording, 0, 10, LagLimits.for_threshold(1))
    assert proof.problems == ("only 9 of 10 scheduled runs were sent", "the generator dropped 1 runs")


def test_the_observer_ends_the_load_and_runs_under_way_end(load, fake_service):
    """After the stop no run is started, and a second is enough for those that answer at all."""
    recording = load(
        fake_service(answer_s=0.9), constant_arrivals(10, 60), observer=lambda seen, now: len(seen) >= 20
    )
    assert len(recording) < 30
    assert recording.resolved() == len(recording)


def test_a_stop_does_not_wait_for_a_service_that_hangs(load, fake_service, virtual_loop):
    """Once the answer is known, the deadline of hanging runs is not waited for."""
    begun = virtual_loop.time()
    service = fake_service(answer_s=None)
    recording = load(
        service, constant_arrivals(10, 60), deadline_s=30, observer=lambda seen, now: len(seen) >= 20
    )
    assert recording.count(Outcome.PENDING, 0, len(recording)) == len(recording)
    assert virtual_loop.time() - begun < 4


def test_an_error_of_the_observer_ends_the_load(load, fake_service):
    """A bug in the judge surfaces, instead of a load that nobody watches."""

    def broken(recording, now):
        raise ValueError("bug")

    with pytest.raises(ValueError, match="bug"):
        load(fake_service(), constant_arrivals(10, 60), observer=broken)
