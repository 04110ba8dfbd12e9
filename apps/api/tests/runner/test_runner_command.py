"""`python -m multyagents_api runner`: what it can't be started with costs one line."""

import pytest

from multyagents_api.__main__ import main
from multyagents_api.runner.command import InvalidRunner, check_guarded, state_folder


def refusal(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    """The exit code and the last line of the complaint."""
    try:
        exit_code = main(["runner", *options])
    except SystemExit as ended:
        exit_code = ended.code
    complaint = capsys.readouterr().err
    assert "Traceback" not in complaint
    return exit_code, complaint.splitlines()[-1]


@pytest.fixture
def usual(root):
    """Options that something is wrong beside."""
    return ("--api", "http://127.0.0.1:1", "--root", str(root), "--port", "0")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--api", "ftp://x"], "--api must be a URL of the form http://HOST:PORT"),
        (["--api", "http://user:pw@x"], "--api must be a URL"),
        (["--api", "http://[x"], "--api must be a URL"),
        (["--api", "http://x y"], "--api must be a URL"),
        (["--root", "/no/such/place"], "--root /no/such/place can't be used"),
        (["--root", "/dev/null"], "--root /dev/null is no directory"),
        (["--slots", "0"], "0 is not from 1 to 1000"),
        (["--slots", "two"], "invalid number value: 'two'"),
        (["--agent-command", "sh '"], "--agent-command can't be split into words"),
        (["--agent-command", "''"], "--agent-command must begin with a program"),
        (["--env", "MULTYAGENTS_TOKEN"], "--env 'MULTYAGENTS_TOKEN' is no variable that commands may have"),
        (["--env", "A=b"], "--env 'A=b' is no variable"),
        (["--host", "0.0.0.0"], "MULTYAGENTS_RUNNER_SECRET is needed: 0.0.0.0 is no loopback address"),
    ],
)
def test_an_option_that_can_not_be_used_is_named(capsys, usual, options, line):
    """Exit code 2."""
    exit_code, said = refusal(capsys, *usual, *options)
    assert exit_code == 2
    assert line in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MULTYAGENTS_RUNNER_SECRET", "hunter2"),
        ("MULTYAGENTS_RUNNER_SECRET", "hunter2:"),
        ("MULTYAGENTS_TOKEN", "hunter2\nhunter2"),
        ("MULTYAGENTS_TOKEN", "hunter2é"),
    ],
)
def test_a_variable_that_can_not_be_used_is_named_but_not_quoted(monkeypatch, capsys, usual, name, value):
    """Exit code 2."""
    monkeypatch.setenv(name, value)
    exit_code, line = refusal(capsys, *usual)
    assert exit_code == 2
    assert line.startswith(f"multyagents: {name} must")
    assert "hunter2" not in line


def test_what_can_not_be_written_is_named(capsys, usual):
    """Exit code 1, before anything is served."""
    assert refusal(capsys, *usual, "--port-file", "/nonexistent/port")[0] == 1


def test_two_runners_share_no_state(tmp_path):
    """The second is refused; what a killed one left is cleared away."""
    state = tmp_path / "state"
    with state_folder(state) as folder:
        (folder / "left").mkdir()
        with pytest.raises(InvalidRunner, match="another runner's"), state_folder(state):
            pass
    with state_folder(state) as folder:
        assert list(folder.iterdir()) == []
        assert folder.stat().st_mode & 0o077 == 0


def test_with_a_secret_it_may_be_reached_from_elsewhere(local_settings):
    """Without one it serves its own machine only."""
    check_guarded(local_settings, "127.0.0.1")
    with pytest.raises(InvalidRunner):
        check_guarded(local_settings, "192.0.2.1")
