"""Executing a command: what it gets, how its end is told, and that nothing of it stays."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from multyagents_api.runner.execution import Command, How, execute

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere descendants may flee"),
]

PATIENCE_S = 60.0


@pytest.fixture
def command(directory):
    def make(*words, prompt="", timeout_s=PATIENCE_S, grace_s=0.0, **environment):
        whole = {"PATH": os.environ["PATH"], **environment}
        return Command(words, directory, whole, prompt, timeout_s, grace_s)

    return make


def shell(script: str) -> tuple[str, str, str]:
    return "sh", "-c", script


def is_alive(pid_file: Path) -> bool:
    """Whether the process whose number stands in a file is there."""
    return Path("/proc", pid_file.read_text().strip()).exists()


def is_written(file: Path) -> bool:
    """Whether a line stands in a file."""
    return file.exists() and file.read_text().endswith("\n")


def until(condition: Callable[[], bool]) -> None:
    """Wait, on a thread of its own where a loop has other things to do."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


async def written(*files: Path) -> None:
    """Wait until others have written files, each at least a line."""
    await asyncio.to_thread(until, lambda: all(map(is_written, files)))


async def test_a_command_gets_what_it_is_given(command, root):
    """Words as they are, the prompt as its input, the directory, exactly the environment, and a tight umask."""
    script = 'cat; pwd; umask; printf "%s|" "$0" "$@"; env | grep -v "^_=\\|PWD=\\|SHLVL=" | sort'
    words = (*shell(script), "$HOME", "a b", "")
    ending = await execute(command(*words, prompt="Do\nit 🎉\n", LC_ALL="C"), asyncio.Event())
    told = f"Do\nit 🎉\n{root}\n0077\n$HOME|a b||LC_ALL=C\nPATH={os.environ['PATH']}\n"
    assert (ending.how, ending.exit_code, ending.output.text()) == (How.EXITED, 0, told)


async def test_a_command_holds_no_file_of_ours(command):
    """Neither the pipes of its supervisor nor the directory's descriptor: input, output, and what ls opens."""
    ending = await execute(command(*shell("ls /proc/self/fd | wc -l")), asyncio.Event())
    assert ending.output.text().strip() == "4"


@pytest.mark.parametrize(
    ("script", "code"), [("exit 3", 3), ("kill -SEGV $$", -11), ("echo a; echo b >&2", 0)]
)
async def test_its_end_is_told(command, script, code):
    """Its exit code, or the signal that ended it; both streams are one output."""
    ending = await execute(command(*shell(script)), asyncio.Event())
    assert (ending.how, ending.exit_code) == (How.EXITED, code)
    assert ending.output.text() == ("a\nb\n" if code == 0 else "")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("no-such-program-here",), "No such file or directory"),
        (("/",), "Permission denied"),
        (("sh", "a\x00b"), "embedded null byte"),
        (("sh", "x" * 200_000), "Argument list too long"),
    ],
)
async def test_what_can_not_be_started_says_why(command, words, problem):
    """An ending, not an error."""
    ending = await execute(command(*words), asyncio.Event())
    assert (ending.how, ending.problem) == (How.NOT_STARTED, problem)


async def test_a_command_has_its_time(command):
    """Then it is asked to end, and ends."""
    ended = await execute(command("sleep", "600", timeout_s=0.05, grace_s=PATIENCE_S), asyncio.Event())
    assert (ended.how, ended.exit_code) == (How.TIMED_OUT, -15)


async def test_its_end_takes_the_whole_tree(command, root):
    """Children in other sessions and orphans that ignore SIGTERM are gone as well."""
    script = """
    trap "" TERM
    (setsid sh -c 'echo $$ > fled; sleep 600' &)
    (sh -c 'trap "" TERM; echo $$ > orphan; sleep 600; sleep 600' &)
    while ! [ -s fled ] || ! [ -s orphan ]; do sleep 0.01; done
    echo $$ > itself; exec sleep 600
    """
    stop = asyncio.Event()
    ending = asyncio.create_task(execute(command(*shell(script)), stop))
    files = [root / name for name in ("fled", "orphan", "itself")]
    await written(*files)
    stop.set()
    ended = await ending
    assert (ended.how, ended.exit_code) == (How.STOPPED, -9)
    assert not any(map(is_alive, files))


async def test_a_command_may_tidy_up_when_it_is_stopped(command, root):
    """SIGTERM comes first, and it has its grace."""
    stop = asyncio.Event()
    script = 'trap "echo tidied; exit 5" TERM; echo > ready; while :; do sleep 0.01; done'
    ending = asyncio.create_task(execute(command(*shell(script), grace_s=PATIENCE_S), stop))
    await written(root / "ready")
    stop.set()
    ended = await ending
    assert (ended.how, ended.exit_code) == (How.STOPPED, 5)
    assert ended.output.text().endswith("tidied\n")


async def test_what_a_command_leaves_behind_ends_with_it(command, root):
    """A daemon does not outlive the attempt, nor hold its end up."""
    script = "(setsid sh -c 'echo $$ > daemon; sleep 600' &) ; while ! [ -s daemon ]; do sleep 0.01; done"
    ended = await execute(command(*shell(script)), asyncio.Event())
    assert (ended.how, ended.exit_code) == (How.EXITED, 0)
    assert not is_alive(root / "daemon")


def test_nothing_outlives_a_killed_runner(root, environment):
    """SIGKILL to the process that executes: the command and its fled child are gone."""
    files = [root / name for name in ("fled", "itself")]
    program = f"""
import asyncio, os
from multyagents_api.runner.execution import Command, execute
script = "(setsid sh -c 'echo $$ > fled; sleep 600' &) ; echo $$ > itself; sleep 600"
directory = os.open({str(root)!r}, os.O_RDONLY)
command = Command(("sh", "-c", script), directory, {{"PATH": os.environ["PATH"]}}, "", 600, 600)
asyncio.run(execute(command, asyncio.Event()))
"""
    with subprocess.Popen([sys.executable, "-c", program], env=environment) as runner:
        try:
            until(lambda: all(map(is_written, files)))
        finally:
            runner.kill()
    until(lambda: not any(map(is_alive, files)))
