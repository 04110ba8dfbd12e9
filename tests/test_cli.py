"""The command line: one word, one exit code, one line for whatever is wrong."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fakes.projects import make_project, policy_with

import gatewright
from gatewright.cli import execute
from gatewright.execution.project import Project

DEADLINE_S = 20.0


@pytest.fixture(autouse=True)
def toolkit_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(gatewright.__file__).parents[1]))
    for name in ("GATEWRIGHT_RUN_ID", "GATEWRIGHT_RUN_FOLDER", "GATEWRIGHT_PYTHON", "GATEWRIGHT_PROFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "a project", policy_with("junit()"))


def run(project: Project, *arguments: str) -> int:
    return execute(["--root", str(project.root), *arguments])


def test_a_gate_passes_is_verified_judged_and_explained(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(project, "gate") == 0
    assert "PASS" in capsys.readouterr().out
    assert run(project, "verify") == 0
    assert "intact" in capsys.readouterr().out
    assert run(project, "judge") == 0
    assert run(project, "explain") == 0
    assert run(project, "explain", "unit") == 0


def test_every_reason_leads_to_a_place_that_can_be_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command that a reason names is run as it stands, in the project and on a copied run folder."""
    project = make_project(tmp_path / "a project", policy_with("junit(failed=1); sys.exit(7)"))
    assert run(project, "gate") == 1
    document = json.loads(project.latest_json.read_bytes())
    assert document["reasons"]
    for reason in document["reasons"]:
        arguments = shlex.split(reason["see"])
        assert arguments[:2] == ["gatewright", "show"]
        capsys.readouterr()
        assert run(project, *arguments[1:]) == 0
        shown = capsys.readouterr().out
        assert shown
        folder = shutil.copytree(project.runs / document["run_id"], tmp_path / "copy", dirs_exist_ok=True)
        assert execute([*arguments[1:], "--run", str(folder)]) == 0
        assert capsys.readouterr().out == shown


def test_evidence_of_another_tree_is_not_enough_for_the_judge(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    run(project, "gate")
    (project.root / "new.py").touch()
    assert run(project, "judge") == 3
    assert "another state of the work tree" in capsys.readouterr().out


def test_an_edited_verdict_is_named(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    run(project, "gate")
    project.latest_json.write_text(project.latest_json.read_text().replace('"PASS"', '"FAIL"'))
    capsys.readouterr()
    assert run(project, "verify") == 4
    assert "TAMPERED latest.json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("junit()", 0),
        ("junit(failed=1); sys.exit(1)", 1),
        ("junit(passed=0); sys.exit(0)", 3),
        ("junit(); os.symlink('junit.xml', folder + '/link')", 4),
    ],
)
def test_a_check_alone_ends_with_the_code_of_its_verdict(tmp_path: Path, code: str, exit_code: int) -> None:
    assert run(make_project(tmp_path, policy_with(code)), "run", "unit") == exit_code


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (("run", "other"), 2, "no check 'other'; it has unit"),
        (("explain",), 3, "there is no latest.json"),
        (("explain", "--run", "no/such"), 3, "there is no run folder"),
        (("verify",), 3, "there is no latest verdict"),
        (("verify", "no/such"), 3, "there is no run folder"),
        (("judge",), 3, "there is no latest.json"),
        (("judge", "no/such"), 3, "there is no run folder"),
        (("replay", "no/such"), 2, "no"),
        (("schema", "no-such"), 2, "there is no schema 'no-such'"),
    ],
)
def test_what_can_not_be_done_costs_one_line(
    project: Project,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    exit_code: int,
    words: str,
) -> None:
    assert run(project, *arguments) == exit_code
    captured = capsys.readouterr()
    assert captured.err.startswith("gatewright: ")
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert not captured.out


@pytest.mark.parametrize("arguments", [[], ["--no-such"], ["gate", "extra"], ["no-such"]])
def test_usage_errors_have_a_code_of_their_own(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        execute(arguments)
    assert caught.value.code == 2


def test_outside_of_a_project_one_line_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["--root", str(tmp_path), "gate"]) == 2
    assert "there is no gate.toml" in capsys.readouterr().err


def test_a_broken_policy_leaves_no_verdict_and_says_where(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    run(project, "gate")
    project.policy.write_text("schema_version = 1\n[checks.unit]\nsteps = 3\n", encoding="utf-8")
    assert run(project, "gate") == 2
    assert "gate.toml: checks.unit.steps" in capsys.readouterr().err
    assert not project.latest_json.exists()


def test_a_policy_is_checked_without_running_it(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(project, "policy", "check") == 0
    assert "unit" in capsys.readouterr().out
    broken = tmp_path / "broken.toml"
    broken.write_text("[[[", encoding="utf-8")
    assert run(project, "policy", "check", str(broken)) == 2
    assert "broken.toml:1: error: this is not TOML" in capsys.readouterr().out
    assert not project.evidence.exists()


def test_schemas_are_printed(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(project, "schema", "verdict") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "VerdictDocument"


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        execute(["--help"])
    text = capsys.readouterr().out
    assert "examples:" in text
    assert "exit codes:" in text


def start_gate(root: Path, code: str) -> subprocess.Popen[bytes]:
    make_project(root, policy_with(code))
    command = [sys.executable, "-m", "gatewright", "--root", str(root), "gate"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def await_file(path: Path) -> list[int]:
    deadline = time.monotonic() + DEADLINE_S
    while not path.exists():
        assert time.monotonic() < deadline, "the check never began"
        time.sleep(0.01)
    return [int(word) for word in path.read_text(encoding="utf-8").split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def assert_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while any(map(is_alive, pids)):
        assert time.monotonic() < deadline, "a process was left behind"
        time.sleep(0.01)


HANG = (
    "import time; child = os.fork() or (os.setsid(), time.sleep(120));"
    " write('pids.new', f'{os.getpid()} {child}'); os.rename(folder + '/pids.new', 'docs/evidence/pids');"
    " time.sleep(120)"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_a_gate_ends_no_process_and_no_pass_is_left(tmp_path: Path, number: signal.Signals) -> None:
    """Interrupted, ended or killed outright; and the next gate works."""
    project = Project(tmp_path / "a project")
    with start_gate(project.root, HANG) as process:
        pids = await_file(project.evidence / "pids")
        os.kill(process.pid, number)
        code = process.wait(DEADLINE_S)
    assert_gone(pids)
    latest = json.loads(project.latest_json.read_bytes())
    assert latest["verdict"] == "INCONCLUSIVE"
    if number is signal.SIGKILL:
        assert run(project, "verify") == 3
    else:
        assert code == 3
        assert latest["reasons"][0]["rule"] == "run-interrupted"
    make_project(project.root, policy_with("junit()"))
    assert run(project, "gate") == 0


WARNED = "schema_version = 1\n[checks.unit]\nsteps = [['true', 'junit.xml']]\nresults = ['junit.xml']\n"


@pytest.mark.parametrize(
    ("text", "arguments", "ending"),
    [
        (
            WARNED,
            (),
            (
                0,
                "gate.toml:2: warning: checks.unit: the check would pass on a single test or sample (say how much",
            ),
        ),
        (WARNED, (), (0, "gate.toml: 0 errors, 1 warning\n\ncheck")),
        (WARNED, ("--strict",), (2, "gate.toml: 0 errors, 1 warning")),
        (
            WARNED,
            ("--format", "github"),
            (0, "gate.toml,line=2::checks.unit: the check would"),
        ),
        (WARNED, ("--format", "json"), (0, '"schema_version": "gatewright.lint/1"')),
        (WARNED + "min_collected = 1\n", ("--strict",), (0, "gate.toml: 0 errors, 0 warnings")),
        (
            WARNED + "x = 1\n",
            (),
            (2, "gate.toml:5: error: checks.unit.x: there is no such setting (take it out)"),
        ),
        (
            WARNED + "x = 1\n",
            ("--format", "github"),
            (2, "gate.toml,line=5::checks.unit.x: there"),
        ),
    ],
)
def test_all_problems_of_a_policy_are_told(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    arguments: tuple[str, ...],
    ending: tuple[int, str],
) -> None:
    """Errors end in 2, warnings only where they are asked to."""
    project = make_project(tmp_path, text)
    code, told = ending
    assert run(project, "policy", "check", *arguments) == code
    assert told in capsys.readouterr().out


@pytest.mark.parametrize("named", [(), ("below/gate.toml",)])
def test_a_policy_is_named_as_it_is_found_from_here(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    named: tuple[str, ...],
) -> None:
    """Who reads an annotation looks for the file from the top of the repository, not from its own folder."""
    project = make_project(tmp_path / "below", WARNED)
    monkeypatch.chdir(tmp_path)
    run(project, "policy", "check", *named, "--format", "github")
    assert "::warning file=below/gate.toml,line=2::" in capsys.readouterr().out


def test_problems_of_a_policy_are_json_that_a_machine_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(make_project(tmp_path, WARNED), "policy", "check", "--format", "json")
    [problem] = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["line"], problem["place"], problem["severity"]) == (2, "checks.unit", "warning")
    assert problem["message"]
    assert problem["remedy"]
