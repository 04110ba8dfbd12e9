"""What can't be run is refused in a line before a process is started; ours never imports Locust."""

import subprocess
import sys

import pytest

from gatewright.cli import execute
from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import ExitCode
from gatewright.plugins.locust import Address, LocustError, Places, run_locust, run_worker
from gatewright.plugins.locust.launch import child_environment

HERE = Address("127.0.0.1", 0)


def test_another_host_is_not_loaded_unless_it_is_named(workload, pace):
    """By the one who starts a run, and by the one who only lends a worker."""
    elsewhere = workload.model_copy(update={"target": "http://shop.example:80"})
    for run in (lambda: run_locust(elsewhere, pace(1)), lambda: run_worker(elsewhere, HERE)):
        with pytest.raises(ConfigurationError, match=r"pass --i-may-load shop\.example"):
            run()


def test_where_locust_is_missing_one_line_says_what_to_install(workload, pace, monkeypatch):
    """No traceback, and no process."""
    monkeypatch.setitem(sys.modules, "locust", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'gatewright\[locust\]'"):
        run_locust(workload, pace(1))


def test_our_own_process_never_imports_locust():
    """It patches sockets, and with them everything that runs beside it."""
    code = (
        "import sys, gatewright.plugins.locust.command\n"
        "assert not {'locust', 'gevent', 'zmq'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=child_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_settings_of_locust_do_not_reach_its_processes(monkeypatch):
    """A variable that skips its patches, or sets a rate, would make it another run."""
    monkeypatch.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
    monkeypatch.setenv("SHOP", "kept")
    environment = child_environment()
    assert "LOCUST_SKIP_MONKEY_PATCH" not in environment
    assert environment["SHOP"] == "kept"


def test_certificates_that_are_not_there_are_noticed_before_the_start(workload, pace, tmp_path):
    """Not by the workers, one by one."""
    with pytest.raises(ConfigurationError, match="there are no certificates at"):
        run_locust(workload, pace(1), places=Places(ca_file=tmp_path / "nothing.pem"))


@pytest.mark.parametrize("flag", ["--workers=2", "--master-bind=127.0.0.1", "--accept-closed-loop"])
def test_flags_of_locust_are_not_ignored_without_it(flag, tmp_path, capsys):
    """Who types one and forgets the engine would believe in a run that never was."""
    (tmp_path / "gate.toml").touch()
    assert execute(["--root", str(tmp_path), "slo", "run", "shop", flag]) == ExitCode.USAGE
    assert "add --engine locust" in capsys.readouterr().err


@pytest.mark.locust
def test_a_master_that_can_not_listen_says_why(workload, pace, locust):
    """The address is not one of this machine."""
    with pytest.raises(LocustError, match="ended before it listened"):
        run_locust(workload, pace(1), places=Places(Address("192.0.2.1", 4711)))


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("10.0.0.1", "10.0.0.1", 5557), ("a.example:80", "a.example", 80), ("a:0", "a", 0)],
)
def test_addresses(text, host, port):
    """A host, and a port where it isn't Locust's own."""
    assert Address.parse(text) == Address(host, port)
    assert Address.parse(str(Address(host, port))) == Address(host, port)


@pytest.mark.parametrize(
    "text", ["", ":1", "a:", "a:b", "a:-1", "a:65536", "a:99999999999", "a b", "a/b", "::1"]
)
def test_what_is_no_address_is_refused(text):
    """In one line."""
    with pytest.raises(ConfigurationError, match="write HOST or HOST:PORT"):
        Address.parse(text)
