"""A gate's run, from the first word to the verdict."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.projects import CLEAN_POLICY, make_project, policy_with

from gatewright.core.clock import SystemClock
from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import ExitCode, State, Verdict
from gatewright.execution.gate import add_check, run_alone, run_gate, session_command
from gatewright.execution.judge import NoVerdictError, judge_now, verify_run
from gatewright.execution.lock import GateBusyError, hold_gate
from gatewright.execution.project import Project, Settings
from gatewright.execution.run import open_run
from gatewright.gate.decision import VerdictDocument, exit_code
from gatewright.gate.policy import Check, load_policy, parse_policy


class Witness:
    """Looks at the latest verdict whenever the gate says how far it is."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.seen: list[tuple[str, str]] = []
        self.states: list[State] = []

    def look(self) -> dict[str, object]:
        return json.loads(self.project.latest_json.read_bytes())

    def begin(self, check: str) -> None:
        latest = self.look()
        self.seen.append((str(latest["run_id"]), str(latest["verdict"])))

    def tick(self) -> None: ...

    def end(self, verdict) -> None:
        self.states.append(verdict.state)


def gate(project: Project, **settings: object) -> VerdictDocument:
    return run_gate(project, Settings(**settings), SystemClock(), Witness(project))


def alone(project: Project, **settings: object) -> VerdictDocument:
    return run_alone(project, Settings(**settings), "unit", clock=SystemClock(), echo=lambda _: None)


def test_the_latest_verdict_is_inconclusive_before_any_work_and_pass_at_the_end(tmp_path: Path) -> None:
    """An older PASS is gone before the first check begins."""
    project = make_project(tmp_path / "a project")
    project.evidence.mkdir(parents=True)
    project.latest_json.write_text('{"run_id": "old", "verdict": "PASS"}', encoding="utf-8")
    witness = Witness(project)
    document = run_gate(project, Settings(run_id="one"), SystemClock(), witness)
    assert witness.seen == [("one", "INCONCLUSIVE")] * 2
    assert witness.states == [State.PASS, State.PASS]
    assert (document.verdict, exit_code(document)) == (Verdict.PASS, ExitCode.PASS)
    assert project.latest_json.read_bytes() == (project.runs / "one" / "verdict.json").read_bytes()
    assert not project.latest_json.is_symlink()
    assert verify_run(project, None).is_intact


def test_the_document_has_the_keys_that_are_promised(tmp_path: Path) -> None:
    project = make_project(tmp_path, policy_with("junit()"))
    gate(project)
    assert list(json.loads(project.latest_json.read_bytes())) == [
        "schema_version",
        "run_id",
        "verdict",
        "reasons",
        "subject",
        "policy",
        "checks",
        "waivers",
        "environment",
        "started_at",
        "finished_at",
    ]


def test_a_failing_check_replaces_an_older_pass(tmp_path: Path) -> None:
    project = make_project(tmp_path, policy_with("junit(failed=1); sys.exit(1)"))
    project.evidence.mkdir(parents=True)
    project.latest_json.write_text("PASS", encoding="utf-8")
    document = gate(project)
    assert exit_code(document) is ExitCode.FAIL
    assert json.loads(project.latest_json.read_bytes())["verdict"] == "FAIL"
    [reason] = document.reasons
    assert "1 of 4 tests failed: demo::failed0" in reason.message
    assert reason.artifact == f"runs/{document.run_id}/unit/junit.xml"


def test_a_session_that_breaks_leaves_its_last_words(tmp_path: Path) -> None:
    """What stands in for Nox here can't find its module; the reason shows the lines that say so."""
    project = make_project(tmp_path, policy_with("junit()", more='session = "no_such_session"'))
    (tmp_path / "noxfile.py").write_text("raise SystemExit('the noxfile is broken')\n", encoding="utf-8")
    document = gate(project)
    assert exit_code(document) is ExitCode.INCONCLUSIVE
    [check] = document.checks
    assert check.state is State.MISSING
    assert "exit code" in check.reasons[0].message
    assert check.reasons[0].observed not in {"", "no output"}


def test_a_check_that_can_not_be_run_here_says_why(tmp_path: Path) -> None:
    """The check before it has taken its folder; the gate goes on and judges both."""
    taker = "junit(); os.mkdir(folder + '/../second')"
    second = CLEAN_POLICY.partition("[checks.stress]")[0].partition("[checks.unit]")[2]
    project = make_project(tmp_path, policy_with(taker, more=f"[checks.second]{second}"))
    document = gate(project)
    assert exit_code(document) is ExitCode.INCONCLUSIVE
    assert [check.state for check in document.checks] == [State.PASS, State.MISSING]
    assert "already holds evidence of second" in document.reasons[0].message


def test_each_check_is_a_session_unless_an_environment_is_ready() -> None:
    root = Path("/project")
    check = load_policy_text(policy_with("junit()", more='session = "unit_tests"'))
    command = session_command(root, "unit", check, Settings())
    assert command[1:] == ["-m", "nox", "-f", "/project/noxfile.py", "-s", "unit_tests"]
    ready = session_command(root, "unit", check, Settings(python="/ready/python"))
    assert ready == ["/ready/python", "-m", "gatewright", "run", "unit"]


def load_policy_text(text: str) -> Check:
    return parse_policy(text.encode(), "gate.toml").policy.checks["unit"]


def test_a_policy_that_is_broken_leaves_no_older_verdict(tmp_path: Path) -> None:
    """No verdict is better than an old one."""
    project = make_project(tmp_path, "schema_version = 1\n")
    project.evidence.mkdir(parents=True)
    for ending in ("json", "md", "html", "junit.xml"):
        (project.evidence / f"latest.{ending}").write_text("PASS", encoding="utf-8")
    with pytest.raises(ConfigurationError):
        gate(project)
    assert not project.latest_files()


def test_a_run_that_can_not_be_opened_leaves_no_older_verdict(tmp_path: Path) -> None:
    """As on a full disk: the folder of runs can't be made."""
    project = make_project(tmp_path)
    project.evidence.mkdir(parents=True)
    project.latest_json.write_text("PASS", encoding="utf-8")
    project.runs.write_text("in the way", encoding="utf-8")
    with pytest.raises(OSError):
        gate(project)
    assert not project.latest_json.exists()


def test_a_defect_of_the_gate_itself_leaves_no_older_verdict(tmp_path: Path) -> None:
    """Before the first word of a run, an older PASS stands; nothing that goes wrong there may leave it."""

    class Defect(FakeClock):
        def now(self):
            if project.runs.exists():
                raise RuntimeError("a defect")
            return super().now()

    project = make_project(tmp_path)
    project.evidence.mkdir(parents=True)
    for ending in ("json", "md", "html"):
        (project.evidence / f"latest.{ending}").write_text("PASS", encoding="utf-8")
    project.runs.mkdir()
    with pytest.raises(RuntimeError):
        run_gate(project, Settings(run_id="one"), Defect(), Witness(project))
    assert not project.latest_files()


def test_a_second_gate_leaves_the_verdict_of_the_first_alone(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    project.evidence.mkdir(parents=True)
    project.latest_json.write_text("of the first", encoding="utf-8")
    with hold_gate(project.evidence, "first", FakeClock()), pytest.raises(GateBusyError, match="run first"):
        gate(project)
    assert project.latest_json.read_text(encoding="utf-8") == "of the first"


def test_an_id_is_used_once(tmp_path: Path) -> None:
    project = make_project(tmp_path, policy_with("junit()"))
    alone(project, run_id="one")
    with pytest.raises(ConfigurationError, match="one already"):
        alone(project, run_id="one")


def test_a_tree_that_changes_while_the_gate_runs_is_named(tmp_path: Path) -> None:
    project = make_project(tmp_path, policy_with("junit(); open('new.py', 'w').close()"))
    document = gate(project)
    assert document.verdict is Verdict.INCONCLUSIVE
    assert document.subject.changed == ("new.py",)
    assert "new.py" in document.reasons[0].message
    assert verify_run(project, None).exit_code is ExitCode.INCONCLUSIVE


def test_old_runs_are_removed_except_the_one_that_the_latest_verdict_names(tmp_path: Path) -> None:
    project = make_project(tmp_path, CLEAN_POLICY)
    policy = load_policy(project.policy)
    first = open_run(project, policy, SystemClock(), run_id="first")
    first.announce()
    for number in range(6):
        folder = open_run(project, policy, SystemClock(), run_id=f"run-{number}").folder
        os.utime(folder, (1_000_000 + number, 1_000_000 + number))
    open_run(project, policy, SystemClock(), run_id="last")
    assert sorted(path.name for path in project.runs.iterdir()) == ["first", "last", "run-5"]


def test_a_check_alone_does_not_touch_the_verdict_of_the_gate(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    document = alone(project)
    assert document.policy.only == "unit"
    assert [check.check for check in document.checks] == ["unit"]
    assert not project.latest_json.exists()
    folder = project.runs / document.run_id
    assert verify_run(None, folder).is_intact
    assert judge_now(project, folder, SystemClock(), only="unit").verdict is Verdict.PASS
    assert judge_now(project, folder, SystemClock()).verdict is Verdict.INCONCLUSIVE


def test_a_check_within_a_run_adds_its_evidence_there(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    run = open_run(project, load_policy(project.policy), SystemClock(), run_id="one")
    settings = Settings(run_folder=run.folder)

    def add() -> ExitCode:
        return add_check(project, settings, run.folder, "unit", clock=SystemClock(), echo=lambda _: None)

    assert add() is ExitCode.PASS
    manifest = json.loads((run.folder / "unit" / "manifest.json").read_bytes())
    assert (manifest["run_id"], manifest["check"], manifest["isolated"]) == ("one", "unit", False)
    assert manifest["counts"]["collected"] == 3
    assert [entry["path"] for entry in manifest["files"]] == ["junit.xml", "step-1.log"]
    assert manifest["steps"][0]["exit_code"] == 0
    with pytest.raises(ConfigurationError, match="already holds evidence"):
        add()


def test_files_are_published_where_people_look(tmp_path: Path) -> None:
    more = 'publish = { "step-1.log" = "docs/evidence/unit/latest.log", "absent.log" = "docs/x.log" }'
    project = make_project(tmp_path, policy_with("junit()", more=more))
    alone(project)
    assert "measuring" in (tmp_path / "docs/evidence/unit/latest.log").read_text(encoding="utf-8")
    assert not (tmp_path / "docs/x.log").exists()


def test_commands_know_their_folder_and_profile_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A toolkit that is tested within a check must not write into the run around it."""
    monkeypatch.setenv("GATEWRIGHT_RUN_ID", "outer")
    code = (
        "junit(); print(os.environ['GATEWRIGHT_PROFILE'], 'GATEWRIGHT_RUN_ID' in os.environ,"
        " 'GATEWRIGHT_RUN_FOLDER' in os.environ)"
    )
    project = make_project(tmp_path, policy_with(code))
    document = alone(project, profile="full")
    log = project.runs / document.run_id / "unit" / "step-1.log"
    assert "full False False" in log.read_text(encoding="utf-8")


def test_the_same_evidence_gives_the_same_decision(tmp_path: Path) -> None:
    """Byte for byte, given the moment at which it is judged."""
    project = make_project(tmp_path)
    run = open_run(project, load_policy(project.policy), SystemClock(), run_id="one")
    for name in ("unit", "stress"):
        add_check(project, Settings(), run.folder, name, clock=SystemClock(), echo=lambda _: None)
    now = SystemClock().now()
    documents = {run.judge(now, interrupted=False).model_dump_json() for _ in range(3)}
    assert len(documents) == 1


def test_a_run_that_was_killed_as_it_closed_is_not_called_tampered(tmp_path: Path) -> None:
    """Its verdict lies in its folder, and the latest one still says what every run says first."""
    project = make_project(tmp_path)
    run = open_run(project, load_policy(project.policy), SystemClock(), run_id="closing")
    run.announce()
    first_word = project.latest_json.read_bytes()
    run.close(SystemClock())
    project.latest_json.write_bytes(first_word)
    with pytest.raises(NoVerdictError, match="run closing is still going on, or was killed"):
        verify_run(project, None)


def test_evidence_can_be_verified_elsewhere(tmp_path: Path) -> None:
    """A run folder that was copied away, under another name, is still what it was."""
    project = make_project(tmp_path / "project")
    document = alone(project)
    elsewhere = tmp_path / "downloaded"
    (project.runs / document.run_id).rename(elsewhere)
    assert verify_run(None, elsewhere).is_intact
    check = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=elsewhere, capture_output=True, check=False
    )
    assert check.returncode == 0
