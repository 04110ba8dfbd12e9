"""The launcher from nothing to a verdict, in a small checkout; whole processes, so not part of the quick gate."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.end_to_end


def own_words(command: str) -> str:
    """A command line up to that of the command which a supervisor was started for."""
    before, supervisor, _ = command.partition("supervisor.py")
    return before + supervisor


def verdict(checkout) -> dict:
    return json.loads((checkout.root / "docs" / "evidence" / "latest.json").read_text())


@pytest.mark.parametrize(
    ("behaviour", "word", "code"), [("pass", "PASS", 0), ("fail", "FAIL", 1), ("empty", "INCONCLUSIVE", 3)]
)
def test_the_gate_ends_with_the_code_of_its_verdict(checkout, behaviour: str, word: str, code: int):
    """From nothing, through Nox (which folds every code to 1), Invoke and gatewright, and back."""
    result = checkout.run("gate", CHECK_BEHAVIOUR=behaviour)
    assert result.returncode == code, result.stdout + result.stderr
    assert verdict(checkout)["verdict"] == word


def test_a_single_check_has_a_verdict_of_its_own(checkout):
    """Its exit code is exact too, and the gate's latest verdict is left alone."""
    checkout.run("gate")
    before = verdict(checkout)
    assert checkout.run("race-stress", CHECK_BEHAVIOUR="empty").returncode == 3
    assert verdict(checkout) == before


def test_the_remedy_that_is_told_works_as_it_stands(checkout):
    """`explain` names a command of the launcher, not of a toolkit that isn't on PATH."""
    checkout.run("gate", CHECK_BEHAVIOUR="fail")
    explained = checkout.run("explain").stdout
    assert "./scripts/multyagents run race-stress" in explained
    assert checkout.run("run", "race-stress").returncode == 0


def test_edited_evidence_is_an_integrity_error(checkout):
    """`verify` only reads, and its code comes through unfolded."""
    assert checkout.run("gate").returncode == 0
    assert checkout.run("verify").returncode == 0
    manifest = (
        checkout.root / "docs/evidence/runs" / verdict(checkout)["run_id"] / "race-stress" / "manifest.json"
    )
    manifest.write_text(manifest.read_text().replace('"passed": 1', '"passed": 2'))
    result = checkout.run("verify")
    assert result.returncode == 4, result.stdout + result.stderr


def test_a_policy_that_cannot_be_used_is_a_usage_error(checkout):
    """Its code too comes through Nox, which folds it to 1."""
    policy = checkout.root / "gate.toml"
    before = policy.read_text()
    try:
        policy.write_text(before.replace("min_collected", "min_colected"))
        result = checkout.run("gate")
    finally:
        policy.write_text(before)
    assert result.returncode == 2, result.stdout + result.stderr


def test_a_gate_that_cannot_be_set_up_leaves_no_older_verdict(another_checkout):
    """Without its locks nothing can be installed: the PASS of the run before is gone."""
    latest = another_checkout.root / "docs" / "evidence" / "latest.json"
    latest.parent.mkdir(parents=True)
    latest.write_text('{"verdict": "PASS"}')
    shutil.rmtree(another_checkout.root / "requirements")
    result = another_checkout.run("gate")
    assert result.returncode not in {0, 1}, result.stdout + result.stderr
    assert not latest.exists()


def test_nothing_recorded_is_never_a_pass(checkout, another_checkout):
    """In a checkout in which no gate has run, there is nothing to judge."""
    result = another_checkout.run("judge", MULTYAGENTS_STATE=str(checkout.root / ".gate"))
    assert result.returncode == 3, result.stdout + result.stderr


def test_a_ready_interpreter_runs_the_check_directly(checkout):
    """And the manifest says that it was not isolated. It is that of this test, which has all packages."""
    result = checkout.run("race-stress", API_PYTHON_BIN=sys.executable)
    assert result.returncode == 0, result.stdout + result.stderr
    newest = max((checkout.root / "docs/evidence/runs").iterdir(), key=lambda folder: folder.stat().st_mtime)
    assert json.loads((newest / "race-stress" / "manifest.json").read_text())["isolated"] is False


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        (["raec-stress"], {}, "did you mean race-stress?"),
        (["gate", "--ful"], {}, "'--ful' is not known here"),
        (
            ["run"],
            {},
            "the name of a check: tests, race-stress, slo-smoke, restart-persistence, stress-smoke, chaos, security, dependencies",
        ),
        (
            ["run", "doctor"],
            {},
            "the name of a check: tests, race-stress, slo-smoke, restart-persistence, stress-smoke, chaos, security, dependencies",
        ),
        (["gate"], {"API_PYTHON_BIN": "/nowhere/python"}, "/nowhere/python can't be started"),
        (["gate"], {"MULTYAGENTS_STATE": "/proc/nowhere"}, "MULTYAGENTS_STATE"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(checkout, arguments, variables, words: str):
    """Exit code 2, no traceback, nothing set up."""
    result = checkout.run(*arguments, **variables)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_doctor_shows_no_passwords(checkout):
    """It names the settings that it found, and nothing of what it prints needs to be hidden."""
    result = checkout.run("doctor", PIP_INDEX_URL="https://user:secret@index.example/simple")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "index-url=https://***@index.example/simple" in result.stdout
    assert "secret" not in result.stdout


def test_without_a_terminal_the_output_is_plain(checkout):
    """Logs of CI hold no escape sequences and no lines that rewrite themselves."""
    result = checkout.run("race-stress")
    assert not {"\x1b", "\r"} & set(result.stdout + result.stderr)


@pytest.mark.parametrize(
    "victim", ["launcher.py", "supervisor.py", "-m nox", "gatewright gate", "gatewright run"]
)
def test_whoever_is_killed_takes_everything_along(checkout, tmp_path: Path, wait_until, victim: str):
    """No process is left, the verdict does not say PASS, and the next run works."""
    started = tmp_path / "started"
    launcher = checkout.start("gate", CHECK_BEHAVIOUR="hang", CHECK_STARTED=str(started))
    assert wait_until(started.exists)
    # The first started is the outermost of its kind: the launcher's Nox, not the gate's.
    named = [pid for pid, command in checkout.processes().items() if victim in own_words(command)]
    os.kill(named[0], signal.SIGKILL)
    assert launcher.wait(30) != 0
    assert wait_until(lambda: not checkout.processes()), checkout.processes()
    assert verdict(checkout)["verdict"] != "PASS"
    assert checkout.run("gate").returncode == 0


def test_an_interrupted_run_leaves_nothing(checkout, tmp_path: Path, wait_until):
    """Ctrl-C ends with 130, as shells expect."""
    started = tmp_path / "started"
    launcher = checkout.start("gate", CHECK_BEHAVIOUR="hang", CHECK_STARTED=str(started))
    assert wait_until(started.exists)
    launcher.send_signal(signal.SIGINT)
    assert launcher.wait(30) == 130
    assert wait_until(lambda: not checkout.processes()), checkout.processes()
    assert verdict(checkout)["verdict"] != "PASS"


def test_three_starts_at_once_set_up_once_and_a_move_sets_up_anew(another_checkout):
    """The first makes the environments and the others wait for it; they hold absolute paths, so none moves along."""
    runs = [another_checkout.start("docs") for _ in range(3)]
    assert [run.wait(120) for run in runs] == [0, 0, 0]
    assert len(list((another_checkout.root / ".gate").glob("tools-*"))) == 1
    another_checkout.root = another_checkout.root.rename(another_checkout.root.with_name("moved"))
    assert another_checkout.run("docs").returncode == 0
    assert len(list((another_checkout.root / ".gate").glob("sessions-*"))) == 2


def test_the_shell_script_finds_a_python(checkout):
    """Also when it is called from another folder."""
    command = ["sh", str(checkout.root / "scripts" / "multyagents"), "help"]
    result = subprocess.run(
        command, cwd="/", env=checkout.environment(), text=True, capture_output=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "race-stress" in result.stdout


def test_without_a_python_one_line_says_so(checkout):
    """On a machine that has none, or only an old one."""
    if (shell := shutil.which("sh")) is None:
        pytest.skip("there is no sh here")
    command = [shell, str(checkout.root / "scripts" / "multyagents"), "gate"]
    environ = {"PATH": str(checkout.root / "requirements")}
    result = subprocess.run(command, env=environ, text=True, capture_output=True, check=False)
    assert result.returncode == 2
    assert "no Python >= 3.11" in result.stderr.splitlines()[-1]
