"""No case of the corpus passes, and each ends as it should; README.md tells what a case holds."""

import json
import re
import socketserver
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import pytest
from fail_open.changes import apply
from fakes.projects import make_project, policy_with
from fakes.recorded import PlannedRun, record

from gatewright.cli import execute
from gatewright.core.clock import SystemClock
from gatewright.core.errors import GatewrightError
from gatewright.execution.gate import run_alone
from gatewright.execution.project import Settings
from gatewright.gate.decision import exit_code
from gatewright.gate.loads import DeclaredObjective
from gatewright.load import Mix, Outcome, ResourceMeter, WarmUpRule
from gatewright.slo import Flow, Judge, Measured, Objective, Tally, ThroughputObjective
from gatewright.suites.slo import Plan
from gatewright.suites.slo.assembly import Heading, assemble
from gatewright.suites.slo.declared import objectives_of
from gatewright.suites.slo.findings import conclude
from gatewright.suites.slo.quiet import QuietRule
from gatewright.suites.slo.report import SloReport
from gatewright.suites.slo.watch import Offered, Watch, WatchRules

FOLDER = Path(__file__).parent
FAMILIES = sorted(path.stem for path in FOLDER.glob("*.toml"))
USUAL = [
    {"metric": "latency", "percentile": 95.0, "at_most_ms": 250.0},
    {"metric": "latency", "percentile": 99.0, "at_most_ms": 500.0},
    {"metric": "success_ratio", "at_least": 0.99},
    {"metric": "throughput", "at_least": 20.0},
]
BEGUN = datetime(2026, 1, 2, tzinfo=UTC)
HEADING = Heading(
    suite="slo",
    profile="quick",
    target="",
    server_started=True,
    alpha=0.05,
    started_at=BEGUN,
    command="again",
)

Case = dict[str, Any]


@dataclass(frozen=True)
class Ending:
    """How a case ended: the exit code, the rules of all reasons, and all that was said."""

    exit: int
    rules: frozenset[str]
    words: str


class OneStep:
    steps = ("step",)


def cases() -> Iterator[Any]:
    for family in FAMILIES:
        for case in tomllib.loads((FOLDER / f"{family}.toml").read_text(encoding="utf-8"))["case"]:
            marks = [pytest.mark.alone, pytest.mark.end_to_end] if case["kind"] == "service" else []
            yield pytest.param(case, id=f"{family}-{case['id']}", marks=marks)


def objectives(case: Case) -> tuple[Objective, ...]:
    declared = [DeclaredObjective.model_validate(each) for each in case.get("objectives", USUAL)]
    return objectives_of(tuple(declared))


def planned_runs(phases: list[Case], rate: float) -> Iterator[PlannedRun]:
    """The runs that came, in the order in which they were recorded."""
    begin = 0.0
    for phase in phases:
        for number in range(int(phase["seconds"] * phase.get("rate", rate))):
            moment = begin + number / phase.get("rate", rate)
            run = PlannedRun(
                due=0.0 if phase.get("standing") else moment + phase.get("shift_s", 0.0),
                lag_s=phase.get("lag_ms", 0.0) / 1e3,
                service_s=inf if every(phase, "hang", number) else phase.get("latency_ms", 10.0) / 1e3,
                outcome=outcome(phase, number),
                begins_s=moment,
            )
            yield from [run] * phase.get("copies", 1)
        begin += phase["seconds"]


def outcome(phase: Case, number: int) -> Outcome:
    if every(phase, "drop", number):
        return Outcome.DROPPED
    return Outcome.FAILED if every(phase, "fail", number) else Outcome.SUCCEEDED


def every(phase: Case, what: str, number: int) -> bool:
    return f"{what}_every" in phase and number % phase[f"{what}_every"] == phase[f"{what}_every"] - 1


def measure_case(case: Case) -> SloReport:
    """The suite's report of a load test as it happened."""
    rate, seconds = case.get("rate", 40.0), case.get("seconds", 30.0)
    plan = Plan("load", objectives(case), rate=rate, budget_s=seconds, stops_early=not case.get("soak"))
    rules = WatchRules(
        Offered(plan.mean_rate, Mix.of(OneStep())),
        plan.stops_early,
        plan.lag_limits,
        plan.most_discards,
        plan.warm_up,
        quiet=QuietRule(inf, inf, inf, inf),
    )
    watch = Watch(
        Judge(plan.objectives, plan.requirements),
        rules,
        server_pid=None,
        meter=ResourceMeter(None),
        show=lambda _glance: None,
    )
    recording, _ = record(watch, list(planned_runs(case["phases"], rate)), seconds)
    scenario = conclude(plan, watch, watch.finish(recording), cpu_s=0.1)
    return assemble(HEADING, [scenario], BEGUN + timedelta(seconds=20))


def measured(case: Case, _root: Path) -> Ending:
    """Kind `measured`."""
    try:
        report = measure_case(case)
    except GatewrightError as refusal:
        return Ending(refusal.exit_code, frozenset(), str(refusal))
    rules = frozenset(reason.rule for reason in report.reasons)
    return Ending(report.verdict.exit_code, rules, " ".join(reason.message for reason in report.reasons))


def figures(case: Case, _root: Path) -> Ending:
    """Kind `figures`."""
    judge, rate, samples = Judge(objectives(case)), case.get("rate", 40.0), case["samples"]
    try:
        tally = Tally(samples, case.get("exceeded", []), rate, case.get("near", []))
        seconds = [40] * 20
        flow = Flow(1.0, case.get("arrived", seconds), case.get("completed", seconds), 40.0)
        given = [each for each in judge.objectives if each.name not in case.get("without", [])]
        tallies = {each.name: tally for each in given if not isinstance(each, ThroughputObjective)}
        flows = {each.name: flow for each in given if isinstance(each, ThroughputObjective)}
        decisions = judge.decide(Measured(case.get("elapsed_s", 20.0), tallies, flows))
    except GatewrightError as refusal:
        return Ending(refusal.exit_code, frozenset(), str(refusal))
    return Ending(judge.verdict(decisions).exit_code, frozenset(), "")


def evidence(case: Case, root: Path) -> Ending:
    """Kind `evidence`: a command leaves the spoiled report, and the gate judges it."""
    copy = (
        "write('report.json', open('source.json', encoding='utf-8').read()"
        ".replace('MOMENT', datetime.now(UTC).isoformat()))"
    )
    steps = [step.replace("SOURCE", copy) for step in case.get("steps", [copy])]
    limits = '[checks.unit.limits."load.latency_p99_ms"]\nmax = 500.0\n'
    policy = policy_with(*steps, results=("report.json",), more=f"min_samples = 400\n{limits}")
    project = make_project(root / "project", policy)
    report = measure_case({"phases": [{"seconds": 30.0}]}).model_dump(mode="json")
    report |= {"started_at": "MOMENT", "finished_at": "MOMENT"}
    (project.root / "source.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for change in case.get("change", ()):
        apply(project.root, change)
    document = run_alone(project, Settings(), "unit", clock=SystemClock(), echo=lambda _: None)
    rules = frozenset(reason.rule for reason in document.reasons)
    return Ending(exit_code(document), rules, " ".join(reason.message for reason in document.reasons))


JOURNEYS = """\
from gatewright.load import Call, RequestTemplate


class Look:
    steps = ("list",)

    def __init__(self, origin):
        self._list = RequestTemplate("GET", "/items", origin).fill()

    def run(self):
        (yield Call(0, self._list)).json()["items"]
"""

DECLARATION = """\
schema_version = 1

[checks.unit]
steps = [["true"]]
results = ["junit.xml"]

[slo.shop]
target = "TARGET"
rate = 120
seconds = 8
deadline_s = 0.5
journeys.look = { factory = "lookers:Look" }
objectives = [
  { metric = "latency", percentile = 95, at_most_ms = 2000 },
  { metric = "success_ratio", at_least = 0.9 },
  { metric = "throughput", at_least = 15 },
]

[slo.shop.needs]
alpha = 0.3
samples = 30
seconds = 1
seconds_to_fail = 0.5
"""


def run_declared(root: Path, policy: str, name: str = "shop", arguments: tuple[str, ...] = ()) -> Ending:
    """Run a declared load from the command line."""
    (root / "lookers.py").write_text(JOURNEYS, encoding="utf-8")
    (root / "gate.toml").write_text(policy, encoding="utf-8")
    code = execute(["--root", str(root), "slo", "run", name, *arguments])
    latest = root / "docs" / "evidence" / f"slo-{name}" / "latest.json"
    reasons = json.loads(latest.read_text())["reasons"] if latest.exists() else []
    return Ending(code, frozenset(reason["rule"] for reason in reasons), "")


def declared(case: Case, root: Path) -> Ending:
    """Kind `declared`: nobody has to listen, for it is refused before."""
    policy = DECLARATION.replace("TARGET", "http://127.0.0.1:9")
    if "old" in case:
        assert case["old"] in policy, "the case replaces nothing"
        policy = policy.replace(case["old"], case["new"], 1)
    return run_declared(root, policy, case.get("name", "shop"), tuple(case.get("arguments", ())))


def answer(status: str, body: bytes, *, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n"
    return head.encode() + body


ANSWERS = {
    "answer": answer("200 OK", b'{"items": ["tea"]}'),
    "half": answer("200 OK", b'{"items"', length=500),
    "garbage": b"\x16\x03\x01 what?\r\n\r\n",
    "error": answer("500 Internal Server Error", b"{}"),
    "empty": answer("200 OK", b"{}"),
    "hang": b"",
}


class Misbehaving(socketserver.BaseRequestHandler):
    """Answers each request in the same bytes; with none it keeps silent."""

    def handle(self) -> None:
        if self.server.behaviour == "close":
            return
        while self.request.recv(65536):
            self.request.sendall(ANSWERS[self.server.behaviour])


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


@contextmanager
def misbehaving(behaviour: str) -> Iterator[str]:
    """The address of a server that misbehaves, or of none."""
    with Server(("127.0.0.1", 0), Misbehaving) as server:
        server.behaviour = behaviour
        address = f"http://127.0.0.1:{server.server_address[1]}"
        if behaviour == "down":
            server.server_close()
            yield address
            return
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield address
        server.shutdown()
        thread.join()


def service(case: Case, root: Path) -> Ending:
    """Kind `service`."""
    with misbehaving(case["behaviour"]) as address:
        return run_declared(root, DECLARATION.replace("TARGET", address))


KINDS: dict[str, Callable[[Case, Path], Ending]] = {
    "measured": measured,
    "figures": figures,
    "evidence": evidence,
    "declared": declared,
    "service": service,
}


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No gate around the tests leaks in, and no journey of one case into the next."""
    for name in ("GATEWRIGHT_PROFILE", "GATEWRIGHT_EVIDENCE", "GATEWRIGHT_RUN_ID", "GATEWRIGHT_RUN_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    # No service of the corpus has anything to warm up.
    plan = partial(Plan, warm_up=WarmUpRule(window_s=0.2, longest_s=0.6))
    monkeypatch.setattr("gatewright.suites.slo.declared.Plan", plan)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "lookers", raising=False)


@pytest.mark.parametrize("case", list(cases()))
def test_the_corpus(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each case ends as it says; only a control passes."""
    ending = KINDS[case["kind"]](case, tmp_path)
    said = ending.words + capsys.readouterr().err
    sys.modules.pop("lookers", None)
    assert ending.exit == case["exit"], (case["why"], ending, said)
    assert case.get("rule") in {None, *ending.rules}
    assert case.get("words", "") in said
    assert "Traceback" not in said


def test_the_corpus_is_large_enough() -> None:
    """A hundred cases that must not pass, of all families and kinds, with names of their own; and some that do."""
    found = list(cases())
    names = [parameter.id for parameter in found]
    spoiled = [parameter.values[0] for parameter in found if not parameter.id.startswith("control")]
    controls = [parameter.values[0] for parameter in found if parameter.id.startswith("control")]
    assert len(names) == len(set(names))
    assert len(spoiled) >= 100
    assert {case["exit"] for case in spoiled} == {1, 2, 3, 4}
    assert {case["exit"] for case in controls} == {0}
    assert {case["kind"] for case in spoiled} == set(KINDS)
    assert all(
        re.fullmatch(r"[a-z0-9-]+", case["id"]) and case["why"].endswith((".", "?")) for case in spoiled
    )
