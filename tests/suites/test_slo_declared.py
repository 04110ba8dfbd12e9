"""`gatewright slo run` measures what gate.toml declares, and refuses in a line what can't be measured."""

import json
import sys
from functools import partial
from pathlib import Path

import pytest

from gatewright.cli import execute
from gatewright.load import WarmUpRule
from gatewright.suites.slo import Plan

pytestmark = pytest.mark.end_to_end

SERVER = '''\
"""Answers every request at once; an order that is paid is slow on purpose."""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, {"items": ["tea"]})

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        if self.path.endswith("/pay"):
            time.sleep(float(sys.argv[2]))
        self.answer(201, {"id": "a b"})

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(server.server_port))
os.replace(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
'''

JOURNEYS = '''\
"""What customers of the shop do."""

from gatewright.load import Call, RequestTemplate


class Look:
    steps = ("list",)

    def __init__(self, origin):
        self._list = RequestTemplate("GET", "/items", origin).fill()

    def run(self):
        (yield Call(0, self._list)).json()


class Buy:
    steps = ("order", "pay")

    def __init__(self, origin):
        self._order = RequestTemplate("POST", "/orders", origin, body={"item": "tea"}).fill()
        self._pay = RequestTemplate("POST", "/orders/{}/pay", origin, body={})

    def run(self):
        order = (yield Call(0, self._order)).json(201)
        (yield Call(1, self._pay.fill(order["id"]))).expect(201)


async def app(scope, receive, send):
    """The same shop as an ASGI application: no server, no network."""
    if scope["type"] == "lifespan":
        return
    order = scope["method"] == "POST"
    await send({"type": "http.response.start", "status": 201 if order else 200, "headers": []})
    await send({"type": "http.response.body", "body": b'{"id": "a b"}'})


class Refused:
    """Nine of ten get their tea."""

    steps = ("list",)
    count = 0

    def __init__(self, origin):
        self._list = RequestTemplate("GET", "/items", origin).fill()

    def run(self):
        Refused.count += 1
        (yield Call(0, self._list)).expect(404 if Refused.count % 10 == 0 else 200)


class Quitter(Look):
    def run(self):
        raise SystemExit(0)


class BornQuitter:
    def __init__(self, origin):
        raise SystemExit(0)


def broken(origin):
    raise RuntimeError("no customers today")


def no_journey(origin):
    return 7
'''

POLICY = """\
schema_version = 1

[checks.unit]
steps = [["true"]]
results = ["junit.xml"]

[slo.shop]
server = ["{python}", "{root}/shop/server.py", "{port_file}", "PAY_SECONDS"]
ready_path = "/items"
python_path = ["shop"]
rate = 120
seconds = 8
seed = 3
journeys.look = { factory = "customers:Look", weight = 1 }
journeys.buy = { factory = "customers:Buy", weight = 1 }
objectives = [
  { metric = "latency", percentile = 90, at_most_ms = 2000 },
  { metric = "latency", percentile = 90, at_most_ms = 150, journey = "buy", step = "pay" },
  { metric = "latency", percentile = 90, at_most_ms = 1000, journey = "look" },
  { metric = "success_ratio", at_least = 0.9, journey = "buy" },
  { metric = "throughput", at_least = 5, journey = "look" },
]

[slo.shop.needs]
alpha = 0.3
samples = 30
seconds = 1
seconds_to_fail = 0.5
unseen_stall_s = 0
"""

SHORTER = ("seconds = 8", "seconds = 5")
"""For loads that nothing ends early."""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Makes a project that declares the load of a shop, and runs it; returns exit code and report.

    The shop is as quick at its first run as ever, so that half a second of warm-up will do.
    """
    plan = partial(Plan, warm_up=WarmUpRule(window_s=0.2, longest_s=0.6))
    monkeypatch.setattr("gatewright.suites.slo.declared.Plan", plan)
    monkeypatch.delenv("GATEWRIGHT_PROFILE", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "customers", raising=False)
    root = tmp_path / "a shop"
    (root / "shop").mkdir(parents=True)
    (root / "shop" / "server.py").write_text(SERVER)
    (root / "shop" / "customers.py").write_text(JOURNEYS)

    def run(*arguments, pay_seconds=0.0, change=("", ""), further=("", "")):
        policy = POLICY.replace("PAY_SECONDS", str(pay_seconds)).replace(*change).replace(*further)
        (root / "gate.toml").write_text(policy)
        code = execute(["--root", str(root), "slo", "run", "shop", *arguments])
        latest = root / "docs" / "evidence" / "slo-shop" / "latest.json"
        return code, json.loads(latest.read_text()) if latest.exists() else None

    yield run
    sys.modules.pop("customers", None)


@pytest.mark.alone
def test_a_healthy_shop_passes(shop, tmp_path, capsys):
    """Both journeys are made, each objective has its own runs, and the evidence says so, also in other words."""
    code, report = shop()
    assert (code, report["verdict"]) == (0, "PASS"), report["reasons"]
    (scenario,) = report["scenarios"]
    assert [step["step"] for step in scenario["steps"]] == ["look/list", "buy/order", "buy/pay"]
    objectives = {each["name"]: each for each in scenario["objectives"]}
    assert 0 < objectives["buy/pay:latency_p90_ms"]["samples"] < scenario["runs"]
    assert scenario["histogram"]["buckets"]
    assert scenario["timeline"]["blocks"]
    capsys.readouterr()
    assert_latencies_are_exported(
        tmp_path / "a shop" / "docs" / "evidence" / "slo-shop" / "latest.json", capsys
    )


def assert_latencies_are_exported(latest, capsys):
    """HdrHistogram's interval log; a file that is no report costs one line."""
    assert execute(["slo", "hdr", str(latest)]) == 0
    log = capsys.readouterr().out.splitlines()
    assert log[0] == "#[Histogram log format version 1.3]"
    assert log[-1].startswith("Tag=shop,")
    old = json.loads(latest.read_text()) | {"started_at": "0001-01-01T00:00:00+23:00"}
    for content in (json.dumps(old), '{"verdict": "PASS"}'):
        latest.write_text(content)
        assert execute(["slo", "hdr", str(latest)]) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.alone
def test_one_slow_step_is_found_and_named(shop):
    """Paying takes 300 ms: whole runs are within their limit, that step of that journey is not."""
    code, report = shop(pay_seconds=0.3)
    assert (code, report["verdict"]) == (1, "FAIL")
    assert [reason["rule"] for reason in report["reasons"]] == ["buy/pay:latency_p90_ms"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("customers:Buy", "customers:Sell"), "customers:Sell can't be imported"),
        (("customers:Buy", "nowhere:Buy"), "nowhere:Buy can't be imported"),
        (("customers:Buy", "customers:no_journey"), "gave no journey"),
        (('step = "pay"', 'step = "ship"'), "there is no step 'ship'"),
        (('journey = "look" }', 'journey = "sell" }'), "there is no journey 'sell'"),
        (("at_least = 5", "at_least = 100"), "raise the offered rate"),
        (("slo.shop", "slo.store"), "declares no load 'shop'"),
    ],
)
def test_what_can_not_be_measured_is_refused_in_one_line(shop, capsys, change, words):
    """Exit 2."""
    code, _ = shop(change=change)
    assert code == 2
    assert words in capsys.readouterr().err


def test_a_journey_that_can_not_be_made_is_inconclusive(shop):
    """Its set-up asks the service, which may refuse: nothing was measured."""
    code, report = shop(change=("customers:Buy", "customers:broken"))
    assert (code, report["verdict"]) == (3, "INCONCLUSIVE")
    assert "no customers today" in report["reasons"][0]["message"]


def test_a_foreign_target_must_be_named_twice(shop, capsys):
    """Nobody loads somebody else's machine by mistake."""
    code, report = shop("--target", "http://192.0.2.1:80")
    assert (code, report) == (2, None)
    assert "--i-may-load 192.0.2.1" in capsys.readouterr().err


@pytest.mark.parametrize("rate", ["-1", "nan", "0", "fast"])
def test_a_rate_that_is_none_is_refused(shop, capsys, rate):
    """By flag as in the policy."""
    code, report = shop(f"--rate={rate}")
    assert (code, report) == (2, None)
    assert "--rate must be a positive number" in capsys.readouterr().err


def test_a_target_that_is_down_is_inconclusive(shop):
    """Nobody listens: nothing was measured."""
    code, report = shop("--target", "http://127.0.0.1:1")
    assert (code, report["verdict"], report["counts"]["samples"]) == (3, "INCONCLUSIVE", 0)
    assert Path(report["target"]).name == "127.0.0.1:1"


STAGES = """\
stages = [
  { rate = 40, seconds = 1.5 },
  { begin_rate = 40, end_rate = 120, seconds = 1 },
  { rate = 60, seconds = 4 },
]
"""


@pytest.mark.alone
def test_all_stages_are_offered(shop):
    """A rate that rises and falls: the case is clear long before, and the peak is still waited for."""
    code, report = shop(change=("rate = 120\nseconds = 8\n", STAGES))
    assert (code, report["verdict"]) == (0, "PASS"), report["reasons"]
    (scenario,) = report["scenarios"]
    assert [stage["name"] for stage in scenario["offer"]["stages"]] == ["hold", "ramp", "hold"]
    assert scenario["offer"]["rate"] == pytest.approx(760 / 13)
    assert scenario["timeline"]["measured_to_s"] > 3


def test_a_rate_that_contradicts_the_stages_is_refused(shop, capsys):
    """By flag as in the policy."""
    code, _ = shop("--rate", "50", change=("rate = 120\nseconds = 8\n", STAGES))
    assert code == 2
    assert "the load has stages" in capsys.readouterr().err
    code, _ = shop(change=("seconds = 8\n", STAGES))
    assert code == 2
    assert "leave those out" in capsys.readouterr().err


@pytest.mark.alone
def test_an_application_can_be_called_without_a_server(shop):
    """The in-process lane, and the report says so."""
    server = 'server = ["{python}", "{root}/shop/server.py", "{port_file}", "0.0"]\nready_path = "/items"'
    code, report = shop(change=(server, 'app = "customers:app"'))
    assert (code, report["verdict"]) == (0, "PASS"), report["reasons"]
    assert report["scenarios"][0]["in_process"]
    assert not report["server_started"]


@pytest.mark.alone
def test_the_capacity_of_a_service_is_searched(shop, tmp_path, capsys):
    """Each rung is shown, and what was found is said to be no claim about latency."""
    shop("--rate=nan")  # writes the project
    command = ["--root", str(tmp_path / "a shop"), "slo", "capacity", "shop"]
    assert execute([*command, "--seconds", "0.2", "--most-users", "2"]) == 0
    shown = capsys.readouterr()
    assert shown.err.count(" runs/s") == 2
    assert shown.out.startswith("capacity: ")
    assert "no claim about latency" in shown.out
    assert execute([*command, "--seconds", "-1"]) == 2


BUDGET = "[slo.shop]\nbudget = { target = 0.8, period_days = 30 }"


@pytest.mark.alone
def test_an_error_budget_is_kept(shop):
    """Nobody was refused: the burn rate's upper bound stays below 1."""
    code, report = shop(change=("[slo.shop]", BUDGET), further=SHORTER)
    assert code == 0, report["reasons"]
    budget = report["scenarios"][0]["budget"]
    assert (budget["verdict"], budget["bad"], budget["burn"]) == ("PASS", 0, 0)
    assert report["metrics"]["shop.burn_rate"] == 0


@pytest.mark.alone
def test_a_budget_that_burns_far_too_fast_ends_the_load(shop):
    """One of ten fails where one of a thousand may: a hundred times too fast, and no second longer than needed."""
    change = ("[slo.shop]", BUDGET.replace("0.8", "0.999"))
    policy_of_refused = ('customers:Look", weight = 1', 'customers:Refused", weight = 99')
    code, report = shop(change=change, further=policy_of_refused)
    assert (code, report["verdict"]) == (1, "FAIL")
    assert "error-budget" in {reason["rule"] for reason in report["reasons"]}
    assert "a run is aborted" in report["scenarios"][0]["budget"]["aborted"]


SLICES = """[slo.shop]
slices = [
  { metric = "latency", at_most_ms = 2000, seconds = 0.1, at_least = 0.5, slice_at_least = 0.5, journey = "look" },
  { metric = "success_ratio", seconds = 0.2, at_least = 0.5 },
]"""


@pytest.mark.alone
def test_slices_of_time_are_kept(shop):
    """All of the load is offered, since nothing ends it early, and both promises are judged."""
    code, report = shop(change=("[slo.shop]", SLICES), further=SHORTER)
    assert code == 0, report["reasons"]
    (scenario,) = report["scenarios"]
    good, average = scenario["slices"]
    assert (good["verdict"], average["verdict"], average["observed"]) == ("PASS", "PASS", 1)
    assert good["slices"] + good["empty"] > 40
    assert report["metrics"]["shop.success_slices_0.2s"] == 1


def test_slices_of_a_step_that_no_run_makes_are_refused(shop, capsys):
    """Before anything is measured."""
    code, _ = shop(change=("[slo.shop]", SLICES.replace('journey = "look"', 'step = "ship"')))
    assert code == 2
    assert "there is no step 'ship'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("factory", "words"),
    [("BornQuitter", "SystemExit"), ("Quitter", "the project's code ended the command")],
)
def test_a_journey_that_ends_the_process_passes_nothing(shop, capsys, factory, words):
    """Its exit code would be ours: 0 is not for it to say."""
    code, report = shop(change=("customers:Look", f"customers:{factory}"))
    assert (code, report["verdict"]) == (3, "INCONCLUSIVE")
    told = capsys.readouterr()
    assert words in told.err + told.out


def test_a_module_that_ends_the_process_is_refused(shop, tmp_path, capsys):
    """While it is imported, already."""
    shop("--rate=nan")  # writes the project
    (tmp_path / "a shop" / "shop" / "quitting.py").write_text("raise SystemExit(0)")
    code, _ = shop(change=("customers:Look", "quitting:Look"))
    assert code == 2
    assert "quitting:Look can't be imported: SystemExit" in capsys.readouterr().err


def test_the_report_tells_what_repeats_it(shop, monkeypatch):
    """With all that was typed; an empty profile is none."""
    monkeypatch.setenv("GATEWRIGHT_PROFILE", "")
    _, report = shop("--target", "http://127.0.0.1:1", "--rate", "55")
    assert report["profile"] == "quick"
    assert report["reasons"][0]["command"].endswith("slo run shop --target http://127.0.0.1:1 --rate 55")
