"""The command line about forms of a verdict: asked of a gate, rendered again, told to GitHub."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from fakes.projects import make_project, policy_with

import gatewright
from gatewright.cli import execute
from gatewright.cli.reports import earlier
from gatewright.execution.project import Project
from gatewright.gate.decision import VerdictDocument

OUTPUTS = '\n[outputs]\nformats = ["junit", "sarif"]\n'


@pytest.fixture(autouse=True)
def toolkit_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(gatewright.__file__).parents[1]))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "a project", policy_with("junit()", more=OUTPUTS))


def run(project: Project, *arguments: str) -> int:
    return execute(["--root", str(project.root), *arguments])


def latest(project: Project) -> set[str]:
    return {path.name for path in project.latest_files()}


def test_the_policy_and_the_flag_name_forms(project: Project, tmp_path: Path) -> None:
    """They lie beside the latest verdict and in the run folder, a copy where it is asked for; all are sealed."""
    copy = tmp_path / "else" / "where.json"
    assert run(project, "gate", "--output", f"ctrf={copy}", "--output", "github") == 0
    endings = {"json", "md", "html", "junit.xml", "sarif", "ctrf.json", "github.md"}
    assert latest(project) == {f"latest.{ending}" for ending in endings}
    document = json.loads(project.latest_json.read_bytes())
    folder = project.runs / document["run_id"]
    for ending in endings:
        original = folder / f"verdict.{ending}"
        assert original.read_bytes() == (project.evidence / f"latest.{ending}").read_bytes()
    assert copy.read_bytes() == (folder / "verdict.ctrf.json").read_bytes()
    assert run(project, "verify") == 0
    (folder / "verdict.junit.xml").write_text("<testsuites/>", encoding="utf-8")
    assert run(project, "verify") == 4


def test_forms_that_a_later_run_has_not_are_taken_away(project: Project) -> None:
    run(project, "gate", "--output", "ctrf")
    run(project, "gate")
    assert "latest.ctrf.json" not in latest(project)
    assert "latest.junit.xml" in latest(project)


def test_a_gate_that_does_not_come_to_a_verdict_leaves_no_older_copy(
    project: Project, tmp_path: Path
) -> None:
    copy = tmp_path / "junit.xml"
    run(project, "gate", "--output", f"junit={copy}")
    assert copy.exists()
    project.policy.write_text("schema_version = 2\n", encoding="utf-8")
    assert run(project, "gate", "--output", f"junit={copy}") == 2
    assert not copy.exists()
    assert latest(project) == set()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gate", "--output", "pdf"), "there is no output format 'pdf'; use ctrf, github, html"),
        (("gate", "--output", "junit="), "--output junit= names no file"),
        (("report", "--format", "pdf"), "there is no output format 'pdf'"),
        (("report", "--format", "junit"), "there is no latest.json"),
        (("report", "no/such", "--format", "junit"), "there is no run folder"),
    ],
)
def test_what_can_not_be_written_costs_one_line_and_runs_nothing(
    project: Project, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert run(project, *arguments) in {2, 3}
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert not project.runs.exists()


def test_a_policy_that_asks_for_an_unknown_form_is_refused(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.policy.write_text(policy_with("junit()", more=OUTPUTS.replace("sarif", "pdf")), encoding="utf-8")
    assert run(project, "gate") == 2
    assert "gate.toml: outputs.formats.1: Input should be 'junit', 'ctrf'" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["markdown", "html", "junit", "ctrf", "sarif", "github"])
def test_any_form_is_rendered_from_a_run_that_is_over(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    """As the run itself wrote it, to standard output or a file, and nothing in the evidence changes."""
    run(project, "gate", "--output", form)
    document = json.loads(project.latest_json.read_bytes())
    folder = project.runs / document["run_id"]
    [written] = [path for path in folder.glob("verdict.*") if path.name == file_of(form)]
    before = {path: path.read_bytes() for path in project.evidence.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert run(project, "report", "--format", form) == 0
    assert capsys.readouterr().out == written.read_text(encoding="utf-8")
    target = tmp_path / "report"
    assert execute(["report", str(folder), "--format", form, "--to", str(target)]) == 0
    assert target.read_text(encoding="utf-8")
    assert before == {path: path.read_bytes() for path in project.evidence.rglob("*") if path.is_file()}


def test_a_report_knows_the_runs_before_its_own_alone(project: Project) -> None:
    documents = []
    for _ in range(3):
        run(project, "gate")
        documents.append(VerdictDocument.model_validate_json(project.latest_json.read_bytes()))
    assert [entry.run_id for entry in earlier(project, documents[1])] == [documents[0].run_id]
    assert earlier(None, documents[1]) == ()
    project.history.write_text("no history", encoding="utf-8")
    assert earlier(project, documents[1]) == ()


def file_of(form: str) -> str:
    endings = {"markdown": "md", "html": "html", "junit": "junit.xml", "ctrf": "ctrf.json", "sarif": "sarif"}
    return f"verdict.{endings.get(form, 'github.md')}"


def test_a_check_that_fails_on_github_is_annotated_and_summarised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The verdict is printed where no workflow command is obeyed; ours follow, each on a line of its own."""
    project = make_project(tmp_path / "p", policy_with("junit(failed=2); sys.exit(1)"))
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert run(project, "gate") == 1
    lines = capsys.readouterr().out.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("::stop-commands::"))
    end = lines.index(f"::{lines[begin].removeprefix('::stop-commands::')}::")
    assert "FAIL" in lines[begin:end]
    assert lines[end + 1 :] == [
        "::error title=unit FAIL::unit: demo::failed0",
        "::error title=unit FAIL::unit: demo::failed1",
    ]
    assert summary.read_text(encoding="utf-8").startswith("# FAIL\n")


def test_elsewhere_nothing_is_said_to_github(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(project, "gate") == 0
    assert "::" not in capsys.readouterr().out


def test_a_summary_that_can_not_be_written_changes_no_verdict(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert run(project, "gate") == 0
    assert "the step summary can't be written" in capsys.readouterr().err


def test_a_run_that_is_going_on_or_was_killed_is_no_pass_in_any_form(project: Project) -> None:
    """What stands beside the latest verdict while the checks run is what a kill leaves."""
    seen = 'print(open("docs/evidence/latest.junit.xml").read())'
    policy = policy_with(f"junit(); exec({seen!r})", more=OUTPUTS)
    project.policy.write_text(policy, encoding="utf-8")
    assert run(project, "gate") == 0
    [log] = project.runs.glob("*/unit/step-1.log")
    text = log.read_text(encoding="utf-8")
    root = ET.fromstring(text[text.index("<?xml") :])
    assert (root.get("tests"), root.get("errors")) == ("1", "1")
