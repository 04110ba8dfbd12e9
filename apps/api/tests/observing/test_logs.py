"""Log lines: whole, machine-readable, about somebody, and nobody's to forge."""

import asyncio
import logging
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multyagents_api.observing.logs import LogFormat, formatter
from multyagents_api.observing.work import about

LOG = logging.getLogger("multyagents_api.test")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
FORGED = 'mia\n{"level": "critical", "message": "gone"}\r\n\x1b[2J\u2028\u202e\x85'


def fail(error):
    raise error


def test_a_line_is_one_json_object(lines):
    """With its time in UTC, its level, who logs, and what."""
    LOG.warning("%s of %d", "one", 2)
    [line] = lines()
    assert TIME.fullmatch(line.pop("time"))
    assert line == {"level": "warning", "logger": "multyagents_api.test", "message": "one of 2"}


@pytest.mark.parametrize("chosen", LogFormat)
def test_nobody_forges_a_line(logged, chosen):
    """Line breaks, escape sequences and marks of direction are shown, not carried out."""
    read = logged(chosen)
    with about(task_id=7):
        LOG.warning("hello %s", FORGED, extra={"facts": {"said": FORGED}})
    [line] = read().splitlines()
    assert line.isprintable()


@given(st.text(st.characters()), st.sampled_from(LogFormat))
def test_any_text_stays_on_one_line(text, chosen):
    """Whatever characters there are, halves of them included."""
    record = logging.LogRecord("any", logging.INFO, "", 0, text, (), None)
    line = formatter(chosen).format(record)
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line
    line.encode()


@pytest.mark.parametrize("chosen", LogFormat)
def test_secrets_stay_out(logged, chosen):
    """Of messages, of facts, and of stacks."""
    read = logged(chosen)
    try:
        fail(ValueError("token=hunter2"))
    except ValueError:
        LOG.exception("password=%s", "hunter2", extra={"facts": {"asked": "https://mia:hunter2@host/"}})
    assert "hunter2" not in read()
    assert "ValueError" in read()


def test_a_defect_is_told_with_its_stack(lines):
    """Its type by its whole name, and where it came from."""
    try:
        fail(LookupError("no such thing"))
    except LookupError:
        LOG.exception("failed")
    [line] = lines()
    assert line["exception"]["type"] == "builtins.LookupError"
    assert line["exception"]["stack"].endswith("LookupError: no such thing")
    assert "test_logs.py" in line["exception"]["stack"]


def test_a_stack_in_text_can_not_be_taken_for_lines(logged):
    """All of it is indented, also what an exception says in several lines."""
    read = logged(LogFormat.TEXT)
    try:
        fail(LookupError("gone\n2026-01-01T00:00:00.000Z critical forged"))
    except LookupError:
        LOG.exception("failed")
    head, *stack = read().splitlines()
    assert TIME.match(head)
    assert stack
    assert all(line.startswith("    ") for line in stack)


def test_lines_are_of_bounded_length(lines):
    """Of a stack the end is kept, where the exception stands."""
    try:
        fail(LookupError("x" * 1_000_000))
    except LookupError:
        LOG.exception("y" * 1_000_000)
    [line] = lines()
    assert len(line["message"]) == 8_000
    assert len(line["exception"]["stack"]) == 32_000


@pytest.mark.parametrize("chosen", LogFormat)
def test_arguments_that_do_not_fit_lose_no_line(chosen):
    """The message is told as it stands."""
    record = logging.LogRecord("any", logging.INFO, "", 0, "%d tasks", ("several",), None)
    assert "%d tasks" in formatter(chosen).format(record)


def test_work_is_named(lines):
    """Within it, also in the tasks of asyncio that it starts, and no longer afterwards."""

    async def inner():
        LOG.info("inner")

    async def outer():
        with about(run_id=1):
            with about(task_id=2, attempt=3):
                await asyncio.create_task(inner())
            LOG.info("outer")

    asyncio.run(outer())
    LOG.info("after")
    told = [{name: line.get(name) for name in ("run_id", "task_id", "attempt")} for line in lines()]
    assert told == [
        {"run_id": "1", "task_id": "2", "attempt": 3},
        {"run_id": "1", "task_id": None, "attempt": None},
        {"run_id": None, "task_id": None, "attempt": None},
    ]


def test_text_is_for_terminals_unless_chosen(logged):
    """Whatever is no terminal gets JSON."""
    read = logged(None)
    LOG.info("hello")
    assert read().startswith("{")


def test_uvicorn_logs_alike(lines):
    """But for what it says of failed requests, which we said before."""
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    logging.getLogger("uvicorn.error").error("Exception in ASGI application\n")
    [line] = lines()
    assert (line["logger"], line["message"]) == ("uvicorn.error", "Started server process [7]")


@pytest.mark.end_to_end
def test_a_crash_is_a_line(environment):
    """Also what ends the process is one JSON object."""
    code = (
        "from multyagents_api.observing import logs; logs.configure('info'); raise SystemError('bad\\nnews')"
    )
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    [line] = ended.stderr.splitlines()
    assert '"type": "builtins.SystemError"' in line
