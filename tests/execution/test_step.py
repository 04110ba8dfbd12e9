"""A command is run to its end, and how it ended is recorded."""

import sys
import time
from pathlib import Path

import pytest

from gatewright.core.clock import SystemClock
from gatewright.core.redaction import REDACTED, Redactor
from gatewright.evidence.manifest import Step
from gatewright.execution.step import run_step


def run(
    tmp_path: Path, code: str, *arguments: str, timeout_s: float = 30, echo=lambda _: None, tick=lambda: None
) -> Step:
    return run_step(
        [sys.executable, "-I", "-S", "-c", code, *arguments],
        log=tmp_path / "step-1.log",
        environment={"DEPLOY_TOKEN": "correct-horse"},
        folder=tmp_path,
        timeout_s=timeout_s,
        redactor=Redactor({"DEPLOY_TOKEN": "correct-horse"}),
        clock=SystemClock(),
        echo=echo,
        tick=tick,
    )


def test_the_output_goes_to_the_log_and_to_the_listener(tmp_path: Path) -> None:
    heard: list[str] = []
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.stdout.write('no newline')"
    step = run(tmp_path, code, echo=heard.append)
    assert (step.exit_code, step.signal, step.timed_out) == (0, "", False)
    log = (tmp_path / step.log).read_text(encoding="utf-8")
    assert sorted(log.splitlines()) == sorted(["err", "out", "no newline"]) or "no newline" in log
    assert "".join(heard) == log


@pytest.mark.parametrize(
    ("code", "exit_code", "signal"),
    [
        ("raise SystemExit(3)", 3, ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", None, "SIGSEGV"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 1)", None, "signal 35"),
    ],
)
def test_the_ending_is_the_one_that_the_system_reported(
    tmp_path: Path, code: str, exit_code: int | None, signal: str
) -> None:
    step = run(tmp_path, code)
    assert (step.exit_code, step.signal) == (exit_code, signal)


def test_secrets_reach_neither_the_log_nor_the_arguments(tmp_path: Path) -> None:
    code = "import os; print('token is', os.environ['DEPLOY_TOKEN'])"
    step = run(tmp_path, code, "--token", "hello", "https://a:b@example.org")
    written = (tmp_path / step.log).read_text(encoding="utf-8") + step.model_dump_json()
    assert "correct-horse" not in written
    assert "hello" not in written
    assert "a:b@" not in written
    assert written.count(REDACTED) >= 3


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    before = time.monotonic()
    step = run(tmp_path, "import time; print('begun', flush=True); time.sleep(60)", timeout_s=0.3)
    assert step.timed_out
    assert time.monotonic() - before < 30
    assert "begun" in (tmp_path / step.log).read_text(encoding="utf-8")


def test_a_command_that_can_not_be_started_is_recorded(tmp_path: Path) -> None:
    step = run_step(
        ["/no/such/program"],
        log=tmp_path / "step-1.log",
        environment={},
        folder=tmp_path,
        timeout_s=1,
        redactor=Redactor({}),
        clock=SystemClock(),
    )
    assert step.exit_code is None
    assert "No such file" in step.error
    assert "No such file" in (tmp_path / "step-1.log").read_text(encoding="utf-8")


def test_bytes_that_are_no_text_do_not_stop_the_log(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.buffer.write(b'\\xff\\xfe\\n' + b'x' * 300000 + b'\\nend\\n')"
    step = run(tmp_path, code)
    assert step.exit_code == 0
    assert (tmp_path / step.log).read_text(encoding="utf-8").endswith("end\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_a_full_disk_is_an_error_of_ours_and_does_not_hang_the_command(tmp_path: Path) -> None:
    (tmp_path / "step-1.log").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path, "print('x' * 1000000)")


def test_a_listener_that_has_gone_does_not_stop_the_command(tmp_path: Path) -> None:
    """As when the output is piped into `head`."""

    def gone(_line: str) -> None:
        raise BrokenPipeError

    step = run(tmp_path, "for number in range(20000): print('line', number)", echo=gone)
    assert step.exit_code == 0
    assert (tmp_path / step.log).read_text(encoding="utf-8").endswith("line 19999\n")


def test_a_command_is_not_started_when_all_is_to_end(tmp_path: Path) -> None:
    """Quick commands, one after the other, would otherwise all be run first."""

    class EndError(Exception): ...

    def end() -> None:
        raise EndError

    with pytest.raises(EndError):
        run(tmp_path, "open('begun', 'w')", tick=end)
    assert not (tmp_path / "begun").exists()
