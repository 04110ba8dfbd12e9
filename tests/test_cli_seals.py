"""Keys, seals and history on the command line: one command on another machine, one exit code, one line."""

import io
import json
import os
import shutil
from pathlib import Path

import pytest
from fakes.projects import make_project, policy_with

import gatewright
from gatewright.cli import execute
from gatewright.execution.project import Project


@pytest.fixture(autouse=True)
def toolkit_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(gatewright.__file__).parents[1]))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "a project", policy_with("junit()"))


@pytest.fixture
def key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "keys" / "release"
    assert execute(["keygen", str(path)]) == 0
    capsys.readouterr()
    return path


def run(project: Project, *arguments: str) -> int:
    return execute(["--root", str(project.root), *arguments])


def test_a_run_is_sealed_here_and_verified_there(
    project: Project,
    key: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GATEWRIGHT_SIGNING_KEY", str(key))
    assert run(project, "gate") == 0
    [folder] = project.runs.iterdir()
    copy = shutil.copytree(folder, tmp_path / "downloaded")
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert (
        execute(["verify", str(copy), "--key", f"{key}.pub", "--run-id", folder.name, "--max-age", "1h"]) == 0
    )
    intact, seal = capsys.readouterr().out.splitlines()
    assert intact == f"intact: run {folder.name} says PASS"
    assert seal.startswith("signed by ")
    assert run(project, "verify") == 0
    assert "no key was given to check it" in capsys.readouterr().out
    assert execute(["verify", str(copy), "--run-id", "another"]) == 4
    assert "MISMATCH verdict.json: is run" in capsys.readouterr().out
    shutil.rmtree(copy / "_attestations")
    assert execute(["verify", str(copy), "--key", f"{key}.pub"]) == 4
    assert "TAMPERED _attestations/verdict.dsse.json: is gone" in capsys.readouterr().out


def test_a_run_over_one_check_is_not_taken_for_a_release(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(project, "run", "unit") == 0
    [folder] = project.runs.iterdir()
    capsys.readouterr()
    assert execute(["verify", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"intact: run {folder.name} says PASS over unit alone"


def test_a_run_is_signed_later(project: Project, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(project, "gate") == 0
    capsys.readouterr()
    assert run(project, "verify") == 0
    assert "not signed: digests only" in capsys.readouterr().out
    assert run(project, "sign") == 2
    assert "no key is configured" in capsys.readouterr().err
    assert run(project, "sign", "--key", str(key)) == 0
    assert run(project, "verify", "--key", f"{key}.pub") == 0
    assert run(project, "sign", "--key", str(key)) == 2
    assert "already" in capsys.readouterr().err
    [folder] = project.runs.iterdir()
    (folder / "unit" / "junit.xml").write_text("<testsuites/>", encoding="utf-8")
    assert run(project, "sign", "--key", str(key)) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "--max-age", "yesterday"], "is no age"),
        (["verify", "--max-age", ""], "is no age"),
        (["verify", "--commit", ""], "is no commit"),
        (["verify", "--commit", "HEAD"], "is no commit"),
        (["verify", "--key", "absent.pub"], "there is no absent.pub"),
        (["verify", "--allowed-signers", "absent"], "there is no absent"),
        (["verify", "--key", "gate.toml"], "holds no key"),
        (["sign", ".", "--key", "absent"], "there is no absent"),
        (["keygen", "~nobody-of-this-name/key"], "there is no home folder"),
        (["keygen", "key"], "lies in a project"),
        (["keygen", "../new", "--passphrase"], "GATEWRIGHT_SIGNING_PASSPHRASE"),
        (["history", "--last", "0"], "--last is 0"),
    ],
)
def test_what_can_not_be_used_costs_one_line(
    arguments: list[str],
    message: str,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(project.root)
    with Path(os.devnull).open(encoding="utf-8") as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        assert execute(arguments) == 2
    complaint = capsys.readouterr().err
    assert message in complaint
    assert complaint.count("\n") == 1


def test_a_prompt_that_is_left_makes_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the end of the input, or where no standard input was ever open."""

    def leave(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", leave)
    for stdin in (FakeTerminal(), None):
        monkeypatch.setattr("sys.stdin", stdin)
        assert execute(["keygen", str(tmp_path / "key"), "--passphrase"]) == 2
        complaint = capsys.readouterr().err
        assert "GATEWRIGHT_SIGNING_PASSPHRASE" in complaint
        assert complaint.count("\n") == 1
    assert not list(tmp_path.iterdir())


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_passphrase_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWRIGHT_SIGNING_PASSPHRASE", "open sesame")
    assert execute(["keygen", str(tmp_path / "key"), "--passphrase"]) == 0
    assert b"ENCRYPTED" in (tmp_path / "key").read_bytes()
    assert "open sesame" not in capsys.readouterr().out


def test_the_history_is_shown_verified_and_set_aside(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.evidence.mkdir(parents=True)
    assert run(project, "history") == 3
    assert run(project, "history", "--verify") == 3
    for _ in range(3):
        assert run(project, "gate") == 0
    capsys.readouterr()
    assert run(project, "history") == 0
    shown = capsys.readouterr().out
    assert "3 of 3 runs passed" in shown
    assert "duration_s" in shown
    assert run(project, "history", "--last", "2", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["runs", "passed", "flake_rates", "trends", "breaks"]
    assert document["passed"] == {"runs": 2, "passed": 2}
    assert run(project, "history", "--check", "none") == 2
    assert "they have unit" in capsys.readouterr().err
    assert run(project, "history", "--verify") == 0
    assert "no key was given" in capsys.readouterr().out
    lines = project.history.read_bytes().splitlines(keepends=True)
    project.history.write_bytes(b"".join(lines[1:]))
    for arguments in (["history"], ["history", "--json"], ["history", "--verify"]):
        assert run(project, *arguments) == 4
        complaint = capsys.readouterr().err.splitlines()
        assert complaint[0] == "BROKEN history: line 1 does not follow from the line before"
        assert len(complaint) == len(set(complaint))
    assert run(project, "history", "--set-aside") == 0
    assert "kept as" in capsys.readouterr().out
    assert run(project, "history") == 3
    [taken] = [folder for folder in project.runs.iterdir() if folder.name.encode() in lines[0]]
    shutil.rmtree(taken)
    assert run(project, "gate") == 0
    capsys.readouterr()
    assert run(project, "history", "--verify") == 0
    assert "an earlier one was set aside as history.jsonl.aside-" in capsys.readouterr().out


def test_the_signed_end_of_the_history_is_verified_by_the_key(
    project: Project, key: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWRIGHT_SIGNING_KEY", str(key))
    assert run(project, "gate") == 0
    capsys.readouterr()
    assert run(project, "history", "--verify", "--key", f"{key}.pub") == 0
    assert "its end is signed by" in capsys.readouterr().out
    assert execute(["keygen", str(key.with_name("other"))]) == 0
    assert run(project, "history", "--verify", "--key", f"{key.with_name('other')}.pub") == 4
    complaint = capsys.readouterr().err
    assert "is signed by" in complaint
    assert "is it the right key?" in complaint
    assert "--set-aside" not in complaint
    monkeypatch.delenv("GATEWRIGHT_SIGNING_KEY")
    assert run(project, "gate") == 0
    capsys.readouterr()
    assert run(project, "history", "--verify", "--key", f"{key}.pub") == 0
    assert "signed the first 1 of 2 runs, and nobody the rest" in capsys.readouterr().out
