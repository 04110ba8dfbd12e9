"""What can't be served is told in one line, with an exit code that is not 0."""

import socket

import pytest

from multyagents_api.__main__ import main
from multyagents_api.bootstrap import InvalidSettings, Settings
from multyagents_api.serving import is_loopback

pytestmark = pytest.mark.usefixtures("restored_logging")


def refusal(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    """The exit code and the last line of the complaint."""
    try:
        exit_code = main(["serve", "--port", "0", *options])
    except SystemExit as ended:
        exit_code = ended.code
    complaint = capsys.readouterr().err
    assert "Traceback" not in complaint
    return exit_code, complaint.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("MULTYAGENTS_RUNNER", "MULTYAGENTS_RUNNER is 'magic', but must be one of: accept, http"),
        ("MULTYAGENTS_LOG_FORMAT", "MULTYAGENTS_LOG_FORMAT is 'magic', but must be one of: json, text"),
        ("MULTYAGENTS_DURABILITY", "MULTYAGENTS_DURABILITY is 'magic', but must be one of: process, power"),
        ("MULTYAGENTS_LEASE", "MULTYAGENTS_LEASE is 'magic', but must be 0, or seconds from 2 to 86400"),
        (
            "MULTYAGENTS_RATE_LIMIT",
            "MULTYAGENTS_RATE_LIMIT is 'magic', but must be a number from 0 to 999999",
        ),
        (
            "MULTYAGENTS_STORE_TIMEOUT",
            "MULTYAGENTS_STORE_TIMEOUT is 'magic', but must be seconds from 0.1 to 60",
        ),
        (
            "MULTYAGENTS_RUNNER_BUDGET",
            "MULTYAGENTS_RUNNER_BUDGET is 'magic', but must be seconds from 0.1 to 60",
        ),
        ("MULTYAGENTS_AUTH", "MULTYAGENTS_AUTH is 'magic', but must be one of: tokens, off"),
    ],
)
def test_an_unknown_setting_is_named(monkeypatch, capsys, name, line):
    """Exit code 2, with the values that it may have."""
    monkeypatch.setenv(name, "magic")
    assert refusal(capsys) == (2, f"multyagents: {line}")


@pytest.mark.parametrize("value", ["0", "-1", "61", "nan", "inf"])
def test_a_limit_must_be_one(value):
    """A request that waits for ever, or for nothing, is none that anybody wants."""
    for name in ("MULTYAGENTS_STORE_TIMEOUT", "MULTYAGENTS_RUNNER_BUDGET"):
        with pytest.raises(InvalidSettings, match=f"{name} is '{value}', but must be seconds from 0.1 to 60"):
            Settings.from_environment({name: value})


def test_limits_can_be_set():
    """What is pending for five times the runner's budget is submitted again."""
    environment = {"MULTYAGENTS_STORE_TIMEOUT": "0.5", "MULTYAGENTS_RUNNER_BUDGET": "3"}
    settings = Settings.from_environment(environment)
    assert (settings.busy_timeout_s, settings.runner_budget_s, settings.overdue_after_s) == (0.5, 3.0, 15.0)
    usual = Settings.from_environment({})
    assert (usual.busy_timeout_s, usual.runner_budget_s, usual.overdue_after_s) == (5.0, 2.0, 10.0)


def test_a_runner_without_a_url_is_a_usage_error(monkeypatch, capsys):
    """Exit code 2."""
    monkeypatch.setenv("MULTYAGENTS_RUNNER", "http")
    exit_code, line = refusal(capsys)
    assert exit_code == 2
    assert "MULTYAGENTS_RUNNER_URL must be a URL" in line


def test_others_are_not_served_without_asking_who_they_are(monkeypatch, tmp_path, capsys):
    """Authentication can only be off where nobody else can reach the address: exit code 2."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MULTYAGENTS_AUTH", "off")
    exit_code, line = refusal(capsys, "--host", "0.0.0.0")
    assert exit_code == 2
    assert line == "multyagents: MULTYAGENTS_AUTH=off is for loopback addresses, and 0.0.0.0 is none"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.1.2.3", False),
        ("fe80::1%eth0", False),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(address, loopback):
    """All of 127/8 and ::1; an address that stands for all of the machine's is none."""
    assert is_loopback(address) is loopback


@pytest.mark.parametrize("port", ["70000", "-1", "http"])
def test_an_impossible_port_is_a_usage_error(capsys, port):
    """Exit code 2."""
    exit_code, line = refusal(capsys, "--port", port)
    assert exit_code == 2
    assert port in line


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--database", "/nonexistent/folder/x.db"], "can't use the database /nonexistent/folder/x.db"),
        (["--port-file", "/nonexistent/port"], "No such file or directory"),
        (["--host", "nowhere.invalid"], "can't serve on nowhere.invalid"),
    ],
)
def test_what_can_not_be_opened_is_named(monkeypatch, tmp_path, capsys, options, line):
    """Exit code 1."""
    monkeypatch.chdir(tmp_path)
    exit_code, complaint = refusal(capsys, *options)
    assert exit_code == 1
    assert line in complaint


def test_a_port_in_use_is_named(monkeypatch, tmp_path, capsys):
    """Somebody else listens there: exit code 1."""
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        exit_code, line = refusal(capsys, "--port", str(taken.getsockname()[1]))
    assert exit_code == 1
    assert "Address already in use" in line


def test_help_teaches(capsys):
    """`serve --help` names the settings and shows an example."""
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--help"])
    assert ended.value.code == 0
    taught = capsys.readouterr().out
    for word in (
        "MULTYAGENTS_DATABASE",
        "MULTYAGENTS_RUNNER",
        "MULTYAGENTS_DURABILITY",
        "MULTYAGENTS_AUTH",
        "MULTYAGENTS_RATE_LIMIT",
        "--port-file",
        "example",
    ):
        assert word in taught
