"""A server under test is ready when it answers, says why when it can't start, and is never left behind."""

import os
import sys
import urllib.request
from pathlib import Path

import pytest

from gatewright.core.verdict import ExitCode
from gatewright.execution.server import ServerProcess, ServerStartError

SERVER = """
import http.server, os, pathlib, sys
port_file, unready = pathlib.Path(sys.argv[1]), int(sys.argv[2])

class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Handler.asked += 1
        self.send_response(503 if self.path == "/readyz" and Handler.asked <= unready else 200)
        self.end_headers()
        self.wfile.write(str(Handler.asked).encode())
    def log_message(self, *arguments):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
temporary = port_file.with_suffix(".new")
temporary.write_text(str(server.server_port))
os.replace(temporary, port_file)
server.serve_forever()
"""


def exists(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def port_file(tmp_path: Path) -> Path:
    return tmp_path / "port"


def own_server(port_file, unready=0, **options):
    return ServerProcess(
        [sys.executable, "-c", SERVER, port_file, str(unready)], port_file=port_file, **options
    )


def test_entering_waits_until_the_ready_path_answers_200(port_file):
    """Three refusals of the ready path are waited out; the next request is served."""
    with own_server(port_file, unready=3) as server, urllib.request.urlopen(f"{server.base_url}/") as answer:
        assert answer.read() == b"5"


def test_a_stale_port_file_is_not_believed(port_file):
    """What an earlier run left behind never becomes the address of this server."""
    port_file.write_text("1")
    with own_server(port_file) as server:
        assert server.port > 1


def test_leaving_ends_the_server(port_file):
    """After the block no process is left, and a second stop is harmless."""
    with own_server(port_file) as server:
        pid = server.pid
        assert exists(pid)
    server.stop()
    assert not exists(pid)


def test_a_server_that_was_killed_can_be_started_again(port_file):
    """Another process, reached at the place that it tells now."""
    with own_server(port_file) as server:
        before = server.pid
        server.kill()
        server.restart()
        assert server.pid != before
        with urllib.request.urlopen(f"{server.base_url}/") as answer:
            assert answer.status == 200
    assert not exists(before)


def test_a_server_that_ends_early_gives_one_line_with_code_and_last_words(port_file):
    """The exit code and the end of the log stand in one line, and the command's exit code is 3."""
    argv = [sys.executable, "-c", "print('no such table: runs'); raise SystemExit(7)"]
    with pytest.raises(ServerStartError) as caught, ServerProcess(argv, port_file=port_file):
        pass
    assert "exit code 7" in str(caught.value)
    assert "no such table: runs" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code is ExitCode.INCONCLUSIVE


def test_a_server_that_never_gets_ready_is_ended_after_the_deadline(port_file):
    """The deadline bounds the wait, and the last answer is named."""
    server = own_server(port_file, unready=10**6, timeout_s=0.5)
    with pytest.raises(ServerStartError, match="answered 503"), server:
        pass
    assert not exists(server.pid)


def test_a_server_that_binds_no_port_is_said_to_bind_none(port_file):
    """Rubbish in the port file is no port."""
    argv = [
        sys.executable,
        "-c",
        f"open({str(port_file)!r}, 'w').write('rubbish'); input_ = __import__('time').sleep(60)",
    ]
    with (
        pytest.raises(ServerStartError, match="no port was bound"),
        ServerProcess(argv, port_file=port_file, timeout_s=0.5),
    ):
        pass


def test_a_missing_program_gives_one_line(port_file, tmp_path):
    """A command that does not exist is named."""
    with (
        pytest.raises(ServerStartError, match="No such file"),
        ServerProcess([tmp_path / "absent"], port_file=port_file),
    ):
        pass
