"""`gatewright race self-check`: exit codes, evidence, and what it refuses to import."""

import json
from pathlib import Path

import pytest

from gatewright.cli import execute
from gatewright.core.verdict import ExitCode

FAULTS = "planted.planted_faults"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose policy allows the planted programs."""
    gate = f'schema_version = 1\n[gate]\nscenarios = ["planted"]\nfaults = "{FAULTS}:KILLED"\n'
    check = '[checks.unit]\nsteps = [["true"]]\nresults = ["junit.xml"]\n'
    (tmp_path / "gate.toml").write_text(gate + check)
    return tmp_path


def self_check(root: Path, *arguments: str) -> int:
    flags = ["--root", str(root), "race", "self-check", "--output", str(root / "evidence")]
    return execute([*flags, *arguments])


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        ([], ExitCode.PASS),
        (["--faults", f"{FAULTS}:KILLED"], ExitCode.PASS),
        (["--faults", f"{FAULTS}:ALARMING"], ExitCode.FAIL),
        (["--faults", f"{FAULTS}:SURVIVING"], ExitCode.INCONCLUSIVE),
    ],
)
def test_the_exit_code_tells_what_became_of_the_faults(
    root: Path, flags: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 all seen, 1 an alarm without the fault, 3 one lives; the policy names them unless the user does."""
    assert self_check(root, *flags) == code
    report = json.loads((root / "evidence" / "latest.json").read_text())
    assert report["verdict"] == code.name
    assert capsys.readouterr().out.rstrip().endswith(code.name)


def test_survivors_are_named_with_their_scenario(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the table and in the reasons."""
    self_check(root, "--faults", f"{FAULTS}:SURVIVING")
    output = capsys.readouterr().out
    assert "SURVIVED" in output
    assert "the fault harmless was not seen by guarded-dispatch" in output


def test_the_report_can_be_printed_as_json(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole of it, the matrix included."""
    self_check(root, "--json")
    (row,) = json.loads(capsys.readouterr().out)["self_check"]["faults"]
    assert row["oracles"]["single-dispatch"] is True


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("json:loads", "may not be imported"),
        (f"{FAULTS}:NOBODY", "can't be found"),
        (f"{FAULTS}:NOTHING", "is no sequence of planted faults"),
        ("planted.dispatch_programs:GuardedDispatch", "is no sequence of planted faults"),
    ],
)
def test_what_names_no_planted_faults_is_refused(
    root: Path, named: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 and one line; nothing is imported that the policy does not allow."""
    assert self_check(root, "--faults", named) == ExitCode.USAGE
    assert why in capsys.readouterr().err


def test_a_policy_that_names_none_says_so(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what to do about it."""
    policy = root / "gate.toml"
    policy.write_text(policy.read_text().replace(f'faults = "{FAULTS}:KILLED"\n', ""))
    assert self_check(root) == ExitCode.USAGE
    assert "gate.faults" in capsys.readouterr().err
