"""What the launcher says when it is used wrongly, left alone or interrupted."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import launcher
import pytest
from bootstrap.child import run_quietly
from bootstrap.locks import write_locks
from bootstrap.places import SetupError, state_folder

ROOT = Path(__file__).resolve().parents[2]
NOX_SAYS = "nox > Error while collecting sessions: Sessions not found: nope"


@pytest.fixture(autouse=True)
def handlers():
    """Leave no signal handlers of the launcher behind."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--p95", "3"], "'--p95' is not known here; --full and --quick are"),
        (["--full", "--quick"], "only one of --full and --quick can be meant"),
    ],
)
def test_wrong_arguments_are_named(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    """The first unknown one, and never one that is known."""
    assert launcher.main(["slo-smoke", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_locking_takes_one_flag_only():
    """Whatever else would end in another program's usage."""
    with pytest.raises(SetupError, match="usage: multyagents lock") as refusal:
        write_locks(["--foo"])
    assert refusal.value.exit_code == 2


def test_an_interrupt_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Who presses Ctrl-C learns that there is no verdict."""

    def interrupted(_arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setitem(launcher.COMMANDS, "gate", launcher.Command("is interrupted", interrupted))
    assert launcher.main(["gate"]) == 130
    assert capsys.readouterr().err == "multyagents: interrupted; nothing was decided\n"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert launcher.main(["gate"]) == 130
    assert capsys.readouterr().err.startswith("\nmultyagents: interrupted")


def test_output_that_nobody_reads_costs_no_traceback():
    """As behind `| head`, with both outputs in the same pipe."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, str(ROOT / "scripts" / "launcher.py"), "no-such-command"]
    try:
        result = subprocess.run(command, stdout=writer, stderr=writer, check=False, timeout=30)
    finally:
        os.close(writer)
    assert result.returncode == 3


@pytest.mark.parametrize(
    ("printed", "told"),
    [(f"why\\n{NOX_SAYS}", "why"), (NOX_SAYS, NOX_SAYS), ("", "ended with 3")],
)
def test_a_failed_set_up_says_why(printed: str, told: str):
    """By Nox's own words where nobody else said anything."""
    command = [sys.executable, "-c", f"print('{printed}'); raise SystemExit(3)"]
    with pytest.raises(SetupError, match=told):
        run_quietly(command, os.environ)


def test_a_path_that_is_no_text_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder named in another encoding is a folder like any other."""
    monkeypatch.delenv("MULTYAGENTS_STATE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / os.fsdecode(b"cl\xf6ne")
    root.mkdir()
    assert state_folder(root) == root / ".gate"


def test_the_launcher_may_be_linked_to(tmp_path: Path):
    """From a folder on PATH, say."""
    link = tmp_path / "multyagents"
    link.symlink_to(ROOT / "scripts" / "multyagents")
    result = subprocess.run([link, "help"], capture_output=True, text=True, check=False, timeout=30)
    assert result.returncode == 0, result.stderr
    assert "usage: multyagents" in result.stdout


@pytest.mark.parametrize("name", ["task_072_concurrency_stress", "task_076_slo_performance"])
def test_an_evidence_script_names_the_package_that_is_missing(name: str):
    """A traceback's exit code would read as FAIL."""
    script = ROOT / "apps" / "api" / "scripts" / f"{name}.py"
    command = [sys.executable, "-I", "-S", str(script), "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert result.returncode == 2, result.stderr
    assert "is missing from" in result.stderr
    assert "Traceback" not in result.stderr
