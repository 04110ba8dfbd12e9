"""The SLO suite passes a healthy API, fails a slow or failing one, and says when it can't tell."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict
from gatewright.execution.server import ServerProcess
from gatewright.load import WarmUpRule
from gatewright.slo import Requirements
from gatewright.suites.slo.report import SloReport
from multyagents_api.slo_performance import (
    DATABASE_FILE,
    TOKEN_VARIABLE,
    SloPerformanceConfig,
    SloThresholds,
    main,
    run_slo_performance_suite,
    server_environment,
    token_for_load,
)

pytestmark = pytest.mark.end_to_end

HAMPERED_SERVER = Path(__file__).with_name("hampered_server.py")
LAX = SloThresholds(p95_ms=2000, p99_ms=4000, success_ratio=0.9, throughput=20)
QUICK = SloPerformanceConfig(
    rate=60,
    duration_s=20,
    requirements=Requirements(alpha=0.3, least_samples=50, least_s=1, least_fail_s=0.5),
    warm_up=WarmUpRule(window_s=0.2, longest_s=0.6),
)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    """Neither thresholds nor a gate's folder leak into the tests from outside."""
    for name in list(os.environ):
        if name.startswith(("TASK_076_", "GATEWRIGHT_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """The base URL of a healthy server that runs anyway; the environment holds a token for it."""
    folder = tmp_path_factory.mktemp("target")
    token = token_for_load(folder / DATABASE_FILE)
    port_file = folder / "port"
    command = [word.replace("{port_file}", str(port_file)) for word in SloPerformanceConfig().server_command]
    with (
        pytest.MonkeyPatch.context() as patch,
        ServerProcess(command, port_file=port_file, env=server_environment(folder)) as server,
    ):
        patch.setenv(TOKEN_VARIABLE, token)
        yield server.base_url


def hampered(fault: str, size: float, **changes) -> SloPerformanceConfig:
    command = (sys.executable, str(HAMPERED_SERVER), "{port_file}", fault, str(size))
    return SloPerformanceConfig(
        **{
            "rate": 60,
            "duration_s": 12,
            "requirements": QUICK.requirements,
            "warm_up": QUICK.warm_up,
            "server_command": command,
            **changes,
        }
    )


def objective(report: SloReport, name: str):
    return next(each for each in report.scenarios[0].objectives if each.name == name)


@pytest.mark.alone
def test_a_healthy_service_passes_with_evidence(tmp_path, monkeypatch, capsys):
    """Exit 0; the evidence is typed JSON, Markdown and a page, timestamped and latest, with every promised figure."""
    monkeypatch.setenv("TASK_076_P95_MS", "2000")
    monkeypatch.setenv("TASK_076_P99_MS", "4000")
    flags = ["--success-ratio", "0.9", "--rate", "60", "--duration", "25"]
    assert main([*flags, "--output-dir", str(tmp_path)], base=QUICK) == 0
    report = SloReport.model_validate_json((tmp_path / "latest.json").read_text())
    assert report.verdict is Verdict.PASS
    assert report.reasons == ()
    (load,) = report.scenarios
    assert [each.verdict for each in load.objectives] == [Verdict.PASS] * 4
    assert load.succeeded == load.runs >= 185
    assert report.counts.samples == load.runs
    assert [step.step for step in load.steps] == ["create run", "dispatch ready", "runner status", "run read"]
    assert load.warm_up.runs > 0
    assert load.schedule.problems == ()
    assert report.metrics["load.latency_p95_ms"] == load.latency.p95_ms
    timestamped = sorted(path.suffix for path in tmp_path.iterdir() if path.stem[0] == "2")
    assert timestamped == [".html", ".json", ".md"]
    assert "<svg " in (tmp_path / "latest.html").read_text()
    assert "| latency_p95_ms" in (tmp_path / "latest.md").read_text()
    assert "slo-performance: PASS" in capsys.readouterr().out


@pytest.mark.alone
def test_a_planted_slow_down_fails():
    """300 ms of sleep in the dispatch break the default p95 of 180 ms, and nothing else is blamed."""
    report = run_slo_performance_suite(hampered("sleep", 0.3), SloThresholds())
    assert report.verdict is Verdict.FAIL
    assert [reason.rule for reason in report.reasons] == ["latency_p95_ms"]
    p95 = objective(report, "latency_p95_ms")
    assert p95.observed > 300
    assert p95.exceeded == p95.samples
    dispatch = report.scenarios[0].steps[1]
    assert dispatch.service.p50_ms >= 300


@pytest.mark.thorough
@pytest.mark.alone
def test_failing_runs_break_the_success_ratio():
    """A quarter of the dispatches answers 500: the runs fail, are counted by reason, and exceed the latency too."""
    report = run_slo_performance_suite(hampered("fail", 4), LAX)
    assert report.verdict is Verdict.FAIL
    assert "success_ratio" in {reason.rule for reason in report.reasons}
    (failure,) = report.scenarios[0].failures
    assert (failure.step, failure.reason) == ("dispatch ready", "answered 500")
    assert objective(report, "success_ratio").observed == pytest.approx(0.75, abs=0.05)


def test_a_full_load_assumes_stalls_that_it_did_not_see():
    """It lasts long enough for that; a quick one and a soak assume nothing, and say so."""
    objectives = SloThresholds().objectives()
    full = SloPerformanceConfig(profile="full")
    assert full.plan("load", objectives).requirements.break_s == 0.2
    assert full.plan("load", objectives).budget_s == 240
    assert full.plan("soak", objectives).requirements.break_s == 0
    assert SloPerformanceConfig().plan("load", objectives).requirements.break_s == 0
    assert SloPerformanceConfig().plan("load", objectives).budget_s == 45


def test_attempts_are_counted_and_may_share_the_error(tmp_path):
    """A server that can't start is an attempt too; the second has a sixth of the error."""
    broken = SloPerformanceConfig(server_command=(sys.executable, "-c", "raise SystemExit('no database')"))
    for attempt in (1, 2):
        assert main(["--share-alpha", "--output-dir", str(tmp_path)], base=broken) == 3
        report = SloReport.model_validate_json((tmp_path / "latest.json").read_text())
        assert report.attempt == attempt
    assert report.alpha == pytest.approx(0.05 / 6)


@pytest.mark.thorough
@pytest.mark.alone
def test_too_few_runs_are_inconclusive(target):
    """A second of clean runs proves nothing, and the report says how many are missing."""
    report = run_slo_performance_suite(replace(QUICK, target=target, duration_s=1.5, rate=20), LAX)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.scenarios[0].succeeded == report.scenarios[0].runs > 0
    assert objective(report, "latency_p99_ms").exceeded == 0
    assert "needs about" in objective(report, "latency_p99_ms").missing


@pytest.mark.thorough
@pytest.mark.alone
def test_a_soak_judges_growth_and_needs_its_time():
    """A soak of a second makes no claim about growth: INCONCLUSIVE, in spite of good latencies."""
    report = run_slo_performance_suite(hampered("sleep", 0, scenarios=("soak",), soak_s=1.2), LAX)
    (soak,) = report.scenarios
    assert soak.name == "soak"
    assert [drift.series for drift in soak.drifts] == [
        "latency_p95",
        "rss",
        "open_files",
        "threads",
        "database",
        "database_log",
    ]
    assert {drift.verdict for drift in soak.drifts} == {Verdict.INCONCLUSIVE}
    assert report.verdict is Verdict.INCONCLUSIVE


def test_a_server_that_can_not_start_is_inconclusive(tmp_path, capsys):
    """Exit 3, one line with the reason, and no older verdict stays in place."""
    (tmp_path / "latest.json").write_text('{"verdict": "PASS"}')
    broken = SloPerformanceConfig(server_command=(sys.executable, "-c", "raise SystemExit('no database')"))
    assert main(["--output-dir", str(tmp_path)], base=broken) == 3
    document = json.loads((tmp_path / "latest.json").read_text())
    assert document["verdict"] == "INCONCLUSIVE"
    (reason,) = document["reasons"]
    assert "exit code 1" in reason["message"]
    assert "no database" in reason["message"]
    assert "no database" in capsys.readouterr().out


@pytest.mark.thorough
@pytest.mark.alone
def test_a_running_server_can_be_the_target(target):
    """With a target nothing is started, and the server's memory is not ours to judge."""
    config = replace(QUICK, target=target, scenarios=("soak",), soak_s=1.5, rate=20, server_command=())
    report = run_slo_performance_suite(config, LAX)
    assert not report.server_started
    assert report.scenarios[0].succeeded > 0
    assert report.scenarios[0].noise.server_cpu is None
    assert [drift.series for drift in report.scenarios[0].drifts] == ["latency_p95"]


def test_a_target_that_is_not_there_is_inconclusive():
    """Nobody listens: nothing was measured, and one line says so."""
    report = run_slo_performance_suite(replace(QUICK, target="http://127.0.0.1:1"), LAX)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.counts.samples == 0
    assert "ConnectionRefusedError" in report.reasons[0].message


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (["--p95-ms", "nan"], {}, "--p95-ms must be a positive number, not 'nan'"),
        (["--p95-ms", "-5"], {}, "--p95-ms must be a positive number, not '-5'"),
        (["--p99-ms", "inf"], {}, "--p99-ms must be a positive number, not 'inf'"),
        (["--success-ratio", "1"], {}, "a success ratio must be above 0 and below 1"),
        ([], {"TASK_076_THROUGHPUT": "fast"}, "TASK_076_THROUGHPUT must be a positive number, not 'fast'"),
        ([], {"TASK_076_P95_MS": ""}, "TASK_076_P95_MS must be a positive number, not ''"),
        ([], {"TASK_076_P95": "100"}, "TASK_076_P95 is unknown"),
        ([], {"GATEWRIGHT_PROFILE": "huge"}, "no profile 'huge'"),
        (["--rate", "10", "--throughput", "20"], {}, "raise the offered rate"),
        (["--target", "http://192.0.2.1:80"], {}, "--i-may-load 192.0.2.1"),
        (["--target", "ftp://localhost"], {}, "not of the form http://HOST:PORT"),
    ],
)
def test_what_can_not_be_used_is_refused_in_one_line(
    *, arguments, environment, told, tmp_path, monkeypatch, capsys
):
    """Exit 2 and one line, before anything is started or written."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main([*arguments, "--output-dir", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_flag_is_refused_in_one_line(capsys):
    """Exit 2, and abbreviations are no flags."""
    with pytest.raises(SystemExit) as exit_:
        main(["--p95", "100"])
    assert exit_.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.thorough
@pytest.mark.alone
def test_a_flag_outranks_the_environment(target, tmp_path, monkeypatch):
    """The environment sets one threshold, the flag another; where both do, the flag holds."""
    monkeypatch.setenv("TASK_076_P95_MS", "111")
    monkeypatch.setenv("TASK_076_P99_MS", "222")
    flags = ["--p95-ms", "123", "--rate", "25", "--duration", "1.2", "--target", target]
    assert main([*flags, "--output-dir", str(tmp_path)], base=QUICK) == 3
    report = SloReport.model_validate_json((tmp_path / "latest.json").read_text())
    assert objective(report, "latency_p95_ms").threshold == pytest.approx(123)
    assert objective(report, "latency_p99_ms").threshold == pytest.approx(222)


def test_a_library_call_refuses_nonsense_too():
    """Thresholds that promise nothing never reach a server."""
    with pytest.raises(ConfigurationError, match="latency threshold"):
        run_slo_performance_suite(QUICK, SloThresholds(p95_ms=float("nan")))


@pytest.mark.thorough
def test_an_interrupted_run_leaves_no_server_and_no_verdict(tmp_path):
    """Ctrl-C ends suite and server, exits 3, and `latest.json` says that the run was not finished."""
    source = Path(__file__).parents[1] / "src"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(source), *filter(None, sys.path)])}
    process = subprocess.Popen(
        [sys.executable, "-m", "multyagents_api.slo_performance", "--output-dir", str(tmp_path)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        process.stderr.readline()  # the first line of progress: the load is under way
        server = child_of(process.pid, "serve")
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 3
    assert "interrupted" in rest
    assert "Traceback" not in rest
    assert not Path(f"/proc/{server}").exists()
    assert json.loads((tmp_path / "latest.json").read_text())["verdict"] == "INCONCLUSIVE"


def child_of(pid: int, word: str) -> int:
    """The descendant of a process whose command line has a word."""
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        for task in Path(f"/proc/{parent}/task").iterdir():
            waiting += map(int, (task / "children").read_text().split())
        if word in Path(f"/proc/{parent}/cmdline").read_bytes().decode().split("\0") and not waiting:
            return parent
    raise AssertionError(f"no process runs {word}")
