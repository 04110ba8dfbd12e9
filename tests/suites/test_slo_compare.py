"""A work tree is measured against a revision of itself: real servers, real load, short blocks."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.measured import SERVICE, Repository

import gatewright
from gatewright.cli import execute
from gatewright.core.verdict import Verdict
from gatewright.evidence.results import read_result
from gatewright.slo import CompareRules, Measure, Side
from gatewright.suites.slo.compare import CompareConfig, begun_comparison, run_comparison
from gatewright.suites.slo.compare_report import CompareReport

pytestmark = pytest.mark.end_to_end

WHERE = "fakes.measured:SERVICE"


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "a repository")


@pytest.fixture
def config(repository):
    """The shortest blocks that tell anything."""
    return CompareConfig(
        project=repository.root,
        base="base",
        service=SERVICE,
        rate=200,
        block_s=0.05,
        warm_up_s=0.02,
        rules=CompareRules(looks=(16,), resamples=200),
    )


def measure(config):
    shown = []
    report = run_comparison(begun_comparison(config), lambda run: shown.append(len(run.blocks)))
    return report, shown


def of_measure(report, measure):
    return next(each for each in report.measures if each.measure is measure)


@pytest.mark.alone
def test_a_delay_of_50_ms_is_found_without_any_cpu(repository, config):
    """Every request sleeps; both latencies fail, and the report says which and by how much."""
    repository.server(delay_s=0.05)
    report, _ = measure(replace(config, rules=CompareRules(looks=(32,), resamples=200)))
    assert report.verdict is Verdict.FAIL
    for name in (Measure.P50, Measure.P95):
        found = of_measure(report, name)
        assert found.verdict is Verdict.FAIL
        assert found.candidate_ms - found.base_ms > 40
    assert {reason.rule for reason in report.reasons} >= {"latency_p50", "latency_p95"}


@pytest.mark.alone
def test_more_cpu_is_found_at_the_first_look_and_ends_the_measurement(repository, config):
    """Five times the work: 16 of at most 32 blocks are enough, and the evidence holds each of them."""
    repository.server(loops=40_000)
    repository.commit("light")
    repository.server(loops=200_000)
    light = replace(config, base="light", rules=CompareRules(looks=(16, 32), resamples=200))
    report, shown = measure(light)
    assert report.verdict is Verdict.FAIL
    assert shown == [*range(2, 17, 2)]
    assert of_measure(report, Measure.CPU).lower > 1.02
    assert of_measure(report, Measure.P50).missing == "decided from 32 blocks on"
    assert [block.side for block in report.blocks[:8]] == [
        *(Side.BASE, Side.CANDIDATE, Side.CANDIDATE, Side.BASE),
        *(Side.BASE, Side.CANDIDATE, Side.CANDIDATE, Side.BASE),
    ]
    assert all(block.cpu_ms_per_run > 0 and block.p95_ms > 0 for block in report.blocks)


def test_the_halves_of_a_pair_meet_the_same_arrivals_and_pairs_meet_others(config):
    """The same seed gives the same number of runs."""
    blocks = measure(replace(config, rules=CompareRules(looks=(8,))))[0].blocks
    pairs = [blocks[place : place + 2] for place in range(0, len(blocks), 2)]
    assert all(one.seed == other.seed and one.runs == other.runs for one, other in pairs)
    assert len({one.seed for one, _ in pairs}) == len(pairs)


def test_the_same_files_are_called_a_a_and_few_blocks_never_pass(config):
    """The report says that it compared a thing with itself, and what is missing."""
    report, _ = measure(replace(config, rules=CompareRules(looks=(4,))))
    assert report.base.same_as_candidate
    assert any("A/A" in remark for remark in report.remarks)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "needs at least 32 blocks, has 4" in [reason.message for reason in report.reasons]


def test_an_uncommitted_change_is_no_longer_the_same(repository, config):
    """What is compared is the work tree as it is."""
    repository.server(delay_s=0.001)
    assert not begun_comparison(config).revision.is_candidate


def test_a_base_that_does_not_start_is_inconclusive_and_quoted(repository, config):
    """Its last words are the reason; nothing was measured."""
    repository.write("server.py", "raise SystemExit('out of order')\n")
    repository.commit("broken")
    repository.server()
    report, _ = measure(replace(config, base="broken"))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "the base can't be measured" in report.reasons[0].message
    assert "out of order" in report.reasons[0].message
    assert report.blocks == ()


def test_a_candidate_that_does_not_start_is_inconclusive(repository, config):
    """And no server of the base is left behind, which had started."""
    repository.write("server.py", "raise SystemExit('out of order')\n")
    report, _ = measure(config)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "the candidate can't be measured" in report.reasons[0].message


def test_a_base_that_refuses_ends_the_measurement_at_once(repository, config):
    """Its runs fail: however many blocks followed, there would be nothing to compare with."""
    repository.server(status=500)
    repository.commit("refusing")
    repository.server()
    report, shown = measure(replace(config, base="refusing"))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert shown == [2]
    assert any("runs of the base failed" in reason.message for reason in report.reasons)


def test_a_candidate_that_refuses_does_not_pass(repository, config):
    """A 500 is cheap."""
    repository.server(status=500)
    report, _ = measure(config)
    assert report.verdict is Verdict.INCONCLUSIVE


def test_no_server_and_no_file_is_left(repository, config, tmp_path, monkeypatch):
    """Neither processes nor the unpacked base, and git is as it was."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    before = git_files(repository)
    measure(replace(config, rules=CompareRules(looks=(4,))))
    assert list((tmp_path / "temporary").iterdir()) == []
    assert git_files(repository) == before
    assert str(tmp_path) not in "".join(command_lines())


def git_files(repository):
    return {path: path.stat().st_mtime_ns for path in (repository.root / ".git").rglob("*") if path.is_file()}


def command_lines():
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                yield Path(entry.path, "cmdline").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue


def test_an_interruption_is_written_down_and_leaves_no_pass(repository, config, monkeypatch, tmp_path):
    """What Ctrl-C leaves says so, with the blocks that there were; an older PASS is gone from the start."""
    folder = tmp_path / "evidence"
    seen = []

    def interrupted(number, stages, plan, folder_of_round, keep):
        seen.append(json.loads((folder / "latest.json").read_text()))
        raise KeyboardInterrupt

    monkeypatch.setattr("gatewright.suites.slo.compare.run_round", interrupted)
    code = execute(
        [
            "--root",
            str(repository.root),
            "slo",
            "compare",
            "--base",
            "base",
            "--service",
            WHERE,
            "--output",
            str(folder),
        ]
    )
    assert code == 3
    assert "was not finished" in seen[0]["reasons"][0]["message"]
    latest = CompareReport.model_validate_json((folder / "latest.json").read_text())
    assert latest.verdict is Verdict.INCONCLUSIVE
    assert latest.reasons[0].message == "the comparison was interrupted"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_both_servers(repository, tmp_path, number):
    """Interrupted in mid-measurement, it says so in a line, and nothing of it runs on."""
    packages = os.pathsep.join([str(Path(gatewright.__file__).parents[1]), str(Path(__file__).parents[1])])
    arguments = ["--base", "base", "--service", WHERE, "--block-seconds", "0.1", "--warm-up-seconds", "0.05"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gatewright", "--root", str(repository.root), "slo", "compare", *arguments],
        env={**os.environ, "PYTHONPATH": packages, "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr.readline().startswith("slo compare: 2/64 blocks")
        process.send_signal(number)
        said = process.stderr.read()
    assert process.returncode == 3
    assert said.splitlines()[-1] == "gatewright: interrupted"
    assert "Traceback" not in said
    assert str(tmp_path) not in "".join(command_lines())
    assert not list(tmp_path.glob("slo-compare-*"))


def test_the_command_writes_evidence_that_the_judge_can_read(repository, tmp_path, capsys, monkeypatch):
    """Exit code, JSON, Markdown, and the two files of a gate's run."""
    run_folder = tmp_path / "run"
    run_folder.mkdir()
    monkeypatch.setenv("GATEWRIGHT_EVIDENCE", str(run_folder))
    arguments = [
        "--base",
        "base",
        "--service",
        WHERE,
        "--blocks",
        "4",
        "--block-seconds",
        "0.05",
        "--rate",
        "200",
    ]
    code = execute(
        ["--root", str(repository.root), "slo", "compare", *arguments, "--warm-up-seconds", "0.02"]
    )
    assert code == 3
    assert "INCONCLUSIVE against base" in capsys.readouterr().out
    folder = repository.root / "docs" / "evidence" / "slo-compare"
    report = CompareReport.model_validate_json((folder / "latest.json").read_text())
    assert report.counts.samples == sum(block.runs for block in report.blocks) > 0
    assert "| 4 " in (folder / "latest.md").read_text()
    result = read_result(run_folder, "report.json")
    assert result.state.value == "INCONCLUSIVE"
    assert result.counts.samples == report.counts.samples


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--base", "nowhere"], "there is no revision 'nowhere' here"),
        (["--base=--output=x"], "is no revision"),
        (["--base", ""], "is no revision"),
        (["--base", "base", "--blocks", "30"], "must be a multiple of 4"),
        (["--base", "base", "--blocks", "1e9"], "must be a multiple of 4"),
        (["--base", "base", "--blocks", "many"], "--blocks must be a positive number"),
        (["--base", "base", "--block-seconds", "nan"], "--block-seconds must be a positive number"),
        (["--base", "base", "--rate", "-1"], "--rate must be a positive number"),
        (["--base", "base", "--block-seconds", "0.001"], "are empty"),
        (["--base", "base", "--fail-above", "0.5"], "must be a ratio of at least 1"),
        (["--base", "base", "--service", "nowhere:API"], "nowhere:API can't be imported"),
        (["--base", "base", "--service", "quitting:API"], "quitting:API can't be imported: SystemExit"),
        (["--base", "base", "--service", "json:dumps"], "json:dumps is no MeasuredService"),
        (["--base", "base", "--base-python", "no-such-python"], "starts no Python"),
    ],
)
def test_what_can_not_be_used_costs_one_line(repository, capsys, arguments, complaint):
    """Exit code 2, before anything is started; modules are looked for in the project's root."""
    repository.write("quitting.py", "raise SystemExit(0)")
    code = execute(["--root", str(repository.root), "slo", "compare", "--service", WHERE, *arguments])
    assert code == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert len(said.splitlines()) == 1
