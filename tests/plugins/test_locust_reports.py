"""A master believes a worker's report only when it is what was due; anything else makes the run unfit."""

import json

import pytest

from gatewright.plugins.locust.reports import SILENCE_S, Merger


@pytest.fixture
def moment():
    return [0.0]


@pytest.fixture
def merger(workload, pace, moment):
    return Merger(workload, pace(2), lambda: moment[0])


@pytest.fixture
def workers(merger, make_worker, pace):
    """Two workers that have said hello, the first with a run to tell of."""
    both = [make_worker(pace(2), index) for index in range(2)]
    for index, worker in enumerate(both):
        merger.greet(f"id-{index}", worker.hello())
    both[0].run(7.0, 0.01)
    return both


def test_a_run_is_over_when_every_worker_has_sent_its_last_report(merger, workers):
    """And not before."""
    assert merger.ready
    merger.receive("id-0", workers[0].report(final=True))
    assert not merger.finished
    merger.receive("id-1", workers[1].report())
    merger.receive("id-1", workers[1].report(final=True))
    assert merger.finished
    assert merger.problems == []
    assert merger.standings["id-0"].counted == 1


def test_a_lost_report_is_noticed(merger, workers):
    """By its number, whatever the next one says."""
    workers[0].report()
    workers[0].run(8.0, 0.01)
    merger.receive("id-0", workers[0].report(final=True))
    assert merger.problems == [
        "a report of worker 1 can't be believed: it has the number 1, number 0 was due"
    ]


def test_a_report_that_comes_twice_is_noticed(merger, workers):
    """It would count its runs twice."""
    report = workers[0].report()
    merger.receive("id-0", report)
    merger.receive("id-0", report)
    assert "it has the number 0, number 1 was due" in merger.problems[0]


def test_nothing_is_believed_after_the_last_report(merger, workers):
    """A worker that goes on was not over."""
    merger.receive("id-0", workers[0].report(final=True))
    merger.receive("id-0", workers[0].report())
    assert "it comes after the last one" in merger.problems[0]


@pytest.mark.parametrize("figure", ["arrived", "counted"])
def test_counts_must_add_up_to_the_totals(merger, workers, figure):
    """A report that lost runs on its way, or invented some, tells so itself."""
    merger.receive("id-0", workers[0].report(**{figure: 2}))
    assert "its counts do not add up to its totals" in merger.problems[0]


def changed(path, value):
    """A report in which one entry is another one."""

    def change(text):
        document = json.loads(text)
        place = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        return json.dumps(document)

    return change


HOSTILE = {
    "bytes": lambda text: text.encode(),
    "nothing": lambda text: None,
    "no JSON": lambda text: "{",
    "nested": lambda text: "[" * 100_000,
    "twice": lambda text: text.replace('"number":0', '"number":0,"number":0'),
    "no number": lambda text: text.replace('"cpu_s":0.001', '"cpu_s":NaN'),
    "extra": changed(["more"], 1),
    "text for a number": changed(["number"], "0"),
    "negative count": changed(["counts", "samples", 0, 0], [7, -1]),
    "huge count": changed(["counts", "samples", 0, 0], [7, 10**18]),
    "far bucket": changed(["counts", "lags", "buckets"], [[10**6, 1]]),
    "fewer parts": changed(["counts", "samples"], []),
    "fewer objectives": changed(["counts", "exceedances"], [[]]),
    "more journeys": changed(["counts", "arrivals"], [[], []]),
    "more steps": changed(["counts", "windows", 0, "steps"], [{}, {}]),
    "late second": changed(["counts", "samples", 0, 0], [10**6, 1]),
    "late millisecond": changed(["counts", "exceedances", 0], [[10**8, 1]]),
    "more broken than begun": changed(["counts", "exceedances", 0], [[7000, 2]]),
    "late window": changed(["counts", "windows", 0, "number"], 10**6),
    "unknown step": changed(["counts", "windows", 0, "failures"], [["pay", "answered 500", 1]]),
    "long reason": changed(["counts", "windows", 0, "failures"], [["ask", "x" * 1000, 1]]),
    "other workload": changed(["workload"], "other"),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_report_of_another_form_is_refused_in_one_line(merger, workers, change):
    """Nothing of it is counted, and nothing breaks."""
    merger.receive("id-0", change(workers[0].report()))
    (problem,) = merger.problems
    assert problem.startswith("a report of worker 1 can't be believed: ")
    assert len(problem) < 300
    assert "\n" not in problem
    assert merger.standings["id-0"].reports == 0
    assert not any(merger.pool.samples)


@pytest.mark.parametrize("hello", [None, b"{}", "{}", '{"workload": 1}'])
def test_a_worker_that_says_hello_otherwise_is_not_let_in(merger, hello):
    """It is no worker of ours."""
    merger.greet("stranger", hello)
    assert "said hello in a way that can't be understood" in merger.problems[0]
    assert not merger.standings


def test_a_worker_with_another_workload_is_not_let_in(merger, make_worker, pace):
    """Its figures would be those of something else."""
    hello = json.loads(make_worker(pace(2)).hello())
    merger.greet("other", json.dumps(hello | {"workload": "other"}))
    assert "worker 1 has another workload" in merger.problems[0]


def test_workers_whose_code_differs_are_not_merged(workers, workload, pace):
    """The same names in gate.toml, but other steps behind them."""
    merger = Merger(workload, pace(2), lambda: 0.0)
    merger.greet("one", workers[0].hello())
    hello = json.loads(workers[1].hello())
    hello["lineup"]["steps"] = ["other"]
    merger.greet("two", json.dumps(hello))
    assert "worker 2 has another workload" in merger.problems[0]


def test_one_worker_too_many_makes_a_run_unfit(merger, workers):
    """Locust would give it users, and nobody would count their runs."""
    merger.greet("third", workers[0].hello())
    assert merger.problems == ["there are more than 2 workers"]


def test_a_worker_that_begins_anew_makes_a_run_unfit(merger, workers):
    """What it had not reported is lost."""
    merger.greet("id-1", workers[1].hello())
    assert merger.problems == ["worker 2 began anew"]


def test_a_stranger_may_not_report(merger, workers):
    """Only who said hello has a workload that is known."""
    merger.receive("stranger", workers[0].report())
    assert merger.problems == ["a worker reported that had not said hello"]


def test_a_worker_that_goes_early_makes_a_run_unfit(merger, workers):
    """One that goes after its last report is welcome to."""
    merger.receive("id-0", workers[0].report(final=True))
    merger.leave("id-0")
    assert merger.problems == []
    merger.leave("id-1")
    assert merger.problems == ["worker 2 went before its last report"]


def test_silence_makes_a_run_unfit(merger, workers, moment):
    """Only after a while, and only of those that still have something to tell."""
    merger.expect_reports()
    merger.receive("id-0", workers[0].report(final=True))
    moment[0] = SILENCE_S
    merger.miss_the_silent()
    assert merger.problems == []
    moment[0] = SILENCE_S + 1
    merger.miss_the_silent()
    assert merger.problems == ["worker 2 has not reported for 10 s"]


def test_a_refusal_is_told_in_one_line(merger):
    """Whatever a worker wrote into it."""
    merger.refuse("no journey\nTraceback " + "x" * 1000)
    merger.refuse(b"bytes")
    assert merger.problems[0].startswith("a worker refused: no journey Traceback xx")
    assert len(merger.problems[0]) < 600
    assert merger.problems[1] == "a worker refused: it does not say why"
