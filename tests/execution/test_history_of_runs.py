"""Runs add to the history, and a broken one neither blocks a release nor is mended in silence."""

import json
import shutil
from pathlib import Path

import pytest
from fakes.keys import FakeKey
from fakes.projects import make_project, policy_with

import gatewright
from gatewright.core.clock import SystemClock
from gatewright.core.verdict import ExitCode, Verdict
from gatewright.evidence.ledger import find_breaks, read_ledger, set_aside
from gatewright.execution.gate import run_alone, run_gate
from gatewright.execution.history import CONTINUES, find_unlike_runs
from gatewright.execution.judge import verify_run
from gatewright.execution.project import Project, Settings
from gatewright.execution.run import open_run
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.policy import load_policy
from gatewright.gate.verify import verify

POLICY = policy_with("junit()")


class Silent:
    def begin(self, check: str) -> None: ...

    def tick(self) -> None: ...

    def end(self, verdict) -> None: ...


def gate(project: Project, run_id: str) -> VerdictDocument:
    return run_gate(project, Settings(run_id=run_id), SystemClock(), Silent())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with three runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(gatewright.__file__).parents[1]))
        project = make_project(tmp_path_factory.mktemp("history"), POLICY)
        for run_id in ("one", "two", "three"):
            assert gate(project, run_id).verdict is Verdict.PASS
    return project


@pytest.fixture
def project(made: Project, tmp_path: Path) -> Project:
    """A copy of it, to be broken."""
    return Project(shutil.copytree(made.root, tmp_path / "project"))


def unlike(project: Project) -> list[str]:
    return [str(found) for found in find_unlike_runs(project)]


def test_each_run_adds_a_line_and_names_the_one_that_it_continued(project: Project) -> None:
    entries = read_ledger(project.history)
    assert [entry.run_id for entry in entries] == ["one", "two", "three"]
    first, second = (json.loads((project.runs / name / CONTINUES).read_bytes()) for name in ("one", "two"))
    assert (first["count"], first["sha256"]) == (0, "0" * 64)
    assert (second["count"], second["sha256"]) == (1, entries[1].previous)
    assert CONTINUES in (project.runs / "two" / "SHA256SUMS").read_text(encoding="utf-8")
    assert find_breaks(project.history, parse=True) == unlike(project) == []


def test_an_older_pass_in_the_place_of_the_latest_verdict_is_refused(project: Project) -> None:
    """Everything about it is genuine, also for whoever has the key; only the history knows of a newer run."""
    older = project.runs / "two"
    for path in project.latest_files():
        shutil.copyfile(older / f"verdict{path.suffix}", path)
    assert verify(older).is_intact
    verification = verify_run(project, None)
    assert verification.exit_code is ExitCode.INTEGRITY
    assert [problem.rule for problem in verification.problems] == ["wanted-latest"]
    for content in (b"not a history\n", b""):
        project.history.write_bytes(content)
        assert verify_run(project, None).is_intact


def test_a_check_alone_adds_nothing(project: Project) -> None:
    run_alone(project, Settings(), "unit", clock=SystemClock(), echo=lambda _: None)
    assert len(read_ledger(project.history)) == 3
    assert unlike(project) == []


def test_a_torn_line_is_kept_aside_and_told(project: Project) -> None:
    with project.history.open("ab") as file:
        file.write(b'{"schema_version":"gatewright.his')
    document = gate(project, "four")
    assert document.verdict is Verdict.PASS
    [reason] = document.reasons
    [aside] = project.evidence.glob("history.torn-*")
    assert reason.rule == "note-history"
    assert aside.name in reason.message
    assert verify_run(project, None).is_intact
    assert find_breaks(project.history, parse=True) == []
    assert gate(project, "five").reasons == ()


def test_a_broken_history_is_told_by_every_run_until_it_is_set_aside(project: Project) -> None:
    """It blocks no release: what was measured today does not rest on it."""
    lines = project.history.read_bytes().splitlines(keepends=True)
    project.history.write_bytes(lines[0] + lines[2])
    for run_id in ("four", "five"):
        document = gate(project, run_id)
        assert document.verdict is Verdict.PASS
        assert [reason.rule for reason in document.reasons] == ["note-history"]
        assert "line 2 does not follow" in document.reasons[0].message
        assert verify_run(project, None).is_intact
    set_aside(project.history, SystemClock().now())
    assert gate(project, "six").reasons == ()
    assert len(read_ledger(project.history)) == 1


@pytest.mark.parametrize("content", [b"\xff\n", b"{}\n" * 3, b"[" * 100_000 + b"\n"])
def test_a_history_that_can_not_be_read_does_not_end_the_run(project: Project, content: bytes) -> None:
    project.history.write_bytes(content)
    document = gate(project, "four")
    assert document.verdict is Verdict.PASS
    assert [reason.rule for reason in document.reasons] == ["note-history"]


def test_a_signed_end_that_can_not_be_replaced_does_not_end_the_run(project: Project) -> None:
    project.history.with_name("history.head.dsse.json").mkdir()
    key = FakeKey("release")
    run = open_run(project, load_policy(project.policy), SystemClock(), run_id="four", signer=key)
    run.close(SystemClock())
    assert read_ledger(project.history)[-1].run_id == "four"
    assert "not a plain file" in str(find_breaks(project.history, key)[0])


def test_a_history_that_is_a_link_is_neither_read_nor_written(project: Project, tmp_path: Path) -> None:
    elsewhere = project.history.rename(tmp_path / "elsewhere")
    project.history.symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    document = gate(project, "four")
    assert document.verdict is Verdict.PASS
    assert "is a link" in document.reasons[0].message
    assert elsewhere.read_bytes() == before


def test_the_history_of_a_run_is_held_against_the_folder(project: Project) -> None:
    """A history that was written anew does not fit the runs that are kept."""
    aside = set_aside(project.history, SystemClock().now())
    aside[0] = aside[0].rename(project.root / "hidden")
    assert unlike(project) == [f"it does not know run {name}" for name in ("one", "three", "two")]
    aside[0].rename(project.history)
    aside[1].rename(project.history.with_name("history.head.json"))
    assert unlike(project) == []
    verdict = project.runs / "two" / "verdict.json"
    verdict.write_bytes(verdict.read_bytes() + b" ")
    assert unlike(project) == ["line 2 records another verdict of run two"]
    shutil.copyfile(project.runs / "one" / CONTINUES, project.runs / "three" / CONTINUES)
    assert "line 3 is not what run three continued" in unlike(project)
    (project.runs / "three" / CONTINUES).unlink()
    assert "line 3 can't be held against run three: there is no continues.json" in unlike(project)


def test_runs_of_a_history_that_was_set_aside_are_known(project: Project) -> None:
    """Whoever does as they are told has a history that is whole again, and not by forgetting verdicts."""
    with project.history.open("ab") as file:
        file.write(b"{}\n")
    [aside, _] = set_aside(project.history, SystemClock().now())
    gate(project, "four")
    assert find_breaks(project.history, parse=True) == unlike(project) == []
    verdict = project.runs / "two" / "verdict.json"
    verdict.write_bytes(verdict.read_bytes() + b" ")
    assert unlike(project) == ["it does not know run two"]
    aside.write_bytes(b"x" * 2_000_000)
    assert "it does not know run three" in unlike(project)


def test_a_signed_run_signs_the_end_of_the_history(project: Project) -> None:
    key = FakeKey("release")
    policy = load_policy(project.policy)
    run = open_run(project, policy, SystemClock(), run_id="four", signer=key)
    run.close(SystemClock())
    assert find_breaks(project.history, key) == []
    assert find_breaks(project.history, FakeKey("other"))
