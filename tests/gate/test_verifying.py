"""What `verify` finds in a run that has closed: where, what, and in which words."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes.sealed import RUN_ID, CheckMade, SealedRun, junit, report, seal

from gatewright.core.verdict import ExitCode, Verdict
from gatewright.evidence.digest import hash_bytes, hash_file, list_folder, write_sums
from gatewright.gate.decision import incident, tree_changed
from gatewright.gate.verify import POLICY_COPY, SUMS, VERDICT, Problem, latest_name, verify

POLICY = """\
schema_version = 1
[checks.unit]
steps = [["tool"]]
results = ["junit.xml"]
[checks.stress]
steps = [["tool"]]
results = ["report.json"]
"""
CLEAN = {"unit": CheckMade(), "stress": CheckMade({"report.json": report()})}
FAILED = CLEAN | {"unit": CheckMade({"junit.xml": junit("passed", "failed")}, ending={"exit_code": 1})}


@pytest.fixture
def run(tmp_path: Path) -> SealedRun:
    return seal(tmp_path / "project", POLICY, CLEAN)


def problems(folder: Path, *copies: Path) -> list[tuple[str, str]]:
    """What is found, as artifact and message; anything found breaks integrity."""
    verification = verify(folder, dict.fromkeys(copies, VERDICT))
    assert verification.is_intact == (not verification.problems)
    assert (verification.exit_code is ExitCode.INTEGRITY) == bool(verification.problems)
    assert {problem.rule for problem in verification.problems} <= {"unaltered"}
    return [(problem.artifact, problem.message) for problem in verification.problems]


def reseal(folder: Path) -> None:
    """Write the digests anew, as a forger who knows the format would."""
    files = [path for path in list_folder(folder).files if path != SUMS]
    (folder / SUMS).write_bytes(write_sums({path: hash_file(folder, path).sha256 for path in files}))


def forge(run: SealedRun, **changes: Any) -> None:
    """Change fields of the verdict, and the digests with it."""
    document = run.document.model_copy(update=changes)
    (run.folder / VERDICT).write_text(document.model_dump_json(indent=2) + "\n", encoding="utf-8")
    reseal(run.folder)


@pytest.mark.parametrize(
    ("checks", "verdict", "code"),
    [(CLEAN, Verdict.PASS, ExitCode.PASS), (FAILED, Verdict.FAIL, ExitCode.FAIL)],
)
def test_a_run_that_nobody_touched_is_what_it_says(
    checks, verdict: Verdict, code: ExitCode, tmp_path: Path
) -> None:
    run = seal(tmp_path / "project", POLICY, checks)
    verification = verify(run.folder, {run.project.latest_json: VERDICT})
    assert verification.problems == ()
    assert verification.is_intact
    assert verification.document == run.document
    assert (run.document.verdict, verification.exit_code) == (verdict, code)


def test_a_verdict_that_is_not_there_or_not_readable_is_no_verdict(run: SealedRun) -> None:
    path = run.folder / VERDICT
    data = path.read_bytes()
    path.unlink()
    verification = verify(run.folder)
    assert verification.document is None
    assert not verification.is_intact
    assert verification.problems == (Problem(VERDICT, "there is no verdict.json"),)
    assert verification.exit_code is ExitCode.INTEGRITY
    path.write_bytes(data.replace(b'"PASS"', b'"FINE"', 1))
    (problem,) = verify(run.folder).problems
    assert (problem.artifact, problem.message) == (
        VERDICT,
        "verdict.json: Input should be 'PASS', 'FAIL' or 'INCONCLUSIVE' at /verdict",
    )


def test_a_large_verdict_within_the_limit_is_read(run: SealedRun) -> None:
    path = run.folder / VERDICT
    data = path.read_bytes()
    path.write_bytes(data + b" " * (8 * 1024 * 1024 - len(data)))
    assert problems(run.folder) == [(VERDICT, "was altered after the run")]


def test_the_verdict_over_one_check_is_not_the_verdict_over_a_release(run: SealedRun) -> None:
    """It stands where the latest verdict stands: a release was never judged."""
    policy = run.document.policy.model_copy(update={"path": "gate.toml#checks.unit"})
    narrowed = run.document.checks[:1]
    forge(run, policy=policy, checks=narrowed)
    assert problems(run.folder) == []
    verification = verify(run.folder, {run.folder / VERDICT: VERDICT})
    assert verification.document is not None
    assert verification.exit_code is ExitCode.INTEGRITY
    (problem,) = verification.problems
    assert (problem.artifact, problem.message) == (
        VERDICT,
        "is the verdict over unit alone, not over a release",
    )


def test_a_copy_must_be_a_copy(run: SealedRun, tmp_path: Path) -> None:
    latest = run.project.latest_json
    assert problems(run.folder, latest) == []
    latest.write_bytes(latest.read_bytes() + b"\n")
    other = tmp_path / "latest.md"
    assert problems(run.folder, latest, other) == [
        ("latest.json", "is not the copy of verdict.json that the run wrote"),
        ("latest.md", "there is no latest.md"),
    ]


def test_the_copy_of_a_form_has_its_ending() -> None:
    assert [latest_name(f"verdict.{ending}") for ending in ("json", "md", "junit.xml")] == [
        "latest.json",
        "latest.md",
        "latest.junit.xml",
    ]


def test_every_file_that_is_other_than_it_was_is_named(run: SealedRun) -> None:
    (run.folder / "unit" / "step-1.log").unlink()
    (run.folder / "unit" / "more.txt").write_text("", encoding="utf-8")
    (run.folder / "a\nb").symlink_to("nowhere")
    (run.folder / POLICY_COPY).write_text(POLICY + "# more\n", encoding="utf-8")
    found = problems(run.folder)
    assert found[:4] == [
        (POLICY_COPY, "was altered after the run"),
        ("unit/more.txt", "was added after the run"),
        ("unit/step-1.log", "is gone"),
        ("a\nb", "is a link, pipe or device"),
    ]
    assert found[4:] == [(POLICY_COPY, "is not the gate.toml that the verdict names")]


def test_digests_that_are_gone_or_in_another_form_are_told(run: SealedRun) -> None:
    """Also where a careless reader would read the same digests from them."""
    path = run.folder / SUMS
    data = path.read_bytes()
    path.write_bytes(data.replace(b"\n", b"\r\n"))
    assert (SUMS, "is not in the form in which it was written") in problems(run.folder)
    path.write_bytes(data + b"a line of another form\n")
    assert problems(run.folder) == [(SUMS, "is not in the form in which it was written")]
    path.unlink()
    assert problems(run.folder) == [(SUMS, "there is no SHA256SUMS")]


def test_a_run_that_did_not_finish_has_no_verdict_to_believe(run: SealedRun) -> None:
    forge(run, finished_at=None)
    assert problems(run.folder) == [(VERDICT, "is the verdict of a run that did not finish")]


def test_a_policy_that_the_verdict_does_not_name_is_not_judged_by(run: SealedRun) -> None:
    """Gone, altered together with its digests, or no policy at all."""
    path = run.folder / POLICY_COPY
    path.write_text(POLICY + "# altered\n", encoding="utf-8")
    reseal(run.folder)
    assert problems(run.folder) == [(POLICY_COPY, "is not the gate.toml that the verdict names")]
    path.write_bytes(b"nonsense")
    forge(run, policy=run.document.policy.model_copy(update={"sha256": hash_bytes(b"nonsense")}))
    (problem,) = problems(run.folder)
    assert problem[0] == POLICY_COPY
    assert problem[1].startswith("policy.toml is not TOML")
    path.unlink()
    reseal(run.folder)
    assert problems(run.folder) == [(POLICY_COPY, "there is no policy.toml")]


def follows_not(*places: str) -> list[tuple[str, str]]:
    return [(VERDICT, f"does not follow from the evidence at {place}") for place in places]


def test_a_word_that_does_not_follow_from_the_evidence_is_told_by_its_place(tmp_path: Path) -> None:
    run = seal(tmp_path / "project", POLICY, FAILED)
    forge(run, verdict=Verdict.PASS)
    assert problems(run.folder) == follows_not("/verdict")
    forge(run, reasons=())
    assert problems(run.folder) == follows_not("/reasons")
    checks = (
        run.document.checks[0].model_copy(update={"duration_s": 0.5, "isolated": None}),
        run.document.checks[1],
    )
    forge(run, checks=checks)
    assert problems(run.folder) == follows_not("/checks/0/isolated", "/checks/0/duration_s")
    forge(run, checks=run.document.checks[:1])
    assert problems(run.folder) == follows_not("/checks")
    forge(run, checks=run.document.checks[1:], reasons=(), verdict=Verdict.PASS)
    assert follows_not("/verdict")[0] in problems(run.folder)


def test_files_that_changed_while_the_run_went_on_are_part_of_its_verdict(run: SealedRun) -> None:
    """A reason without files, and files without a reason: somebody has taken one of the two out."""
    changed = run.document.subject.model_copy(update={"changed": ("a.py",)})
    reason = tree_changed(["a.py"])
    doubt = {"verdict": Verdict.INCONCLUSIVE}
    forge(run, subject=changed, reasons=(reason,), **doubt)
    assert problems(run.folder) == []
    forge(run, subject=changed)
    assert problems(run.folder) == follows_not("/subject/changed")
    forge(run, reasons=(reason,), **doubt)
    assert problems(run.folder) == follows_not("/subject/changed")


def test_what_a_run_says_against_itself_still_holds(run: SealedRun) -> None:
    """An incident does not follow from evidence; with it, a PASS does not follow either."""
    interrupted = incident(
        "interrupted", "stopped", expected="an end", observed="an interrupt", command="again"
    )
    forge(run, reasons=(interrupted,), verdict=Verdict.INCONCLUSIVE)
    assert problems(run.folder) == []
    forge(run, reasons=(interrupted,))
    assert problems(run.folder) == follows_not("/verdict")


def test_a_verdict_under_another_run_id_does_not_fit_its_evidence(run: SealedRun) -> None:
    forge(run, run_id="run-2")
    assert follows_not("/checks/0/state")[0] in problems(run.folder)
    assert run.document.run_id == RUN_ID


def test_waivers_that_the_policy_does_not_have_are_told(run: SealedRun) -> None:
    use = {"id": "w", "status": "applied", "message": "m"}
    document = json.loads(run.document.model_dump_json()) | {"waivers": [use]}
    (run.folder / VERDICT).write_text(json.dumps(document), encoding="utf-8")
    reseal(run.folder)
    assert problems(run.folder) == follows_not("/waivers")


@pytest.mark.parametrize(("setting", "verdict"), [("false", Verdict.PASS), ("true", Verdict.INCONCLUSIVE)])
def test_a_policy_that_wants_a_known_commit_is_derived_again_as_it_was(
    setting: str, verdict: Verdict, tmp_path: Path
) -> None:
    policy = POLICY.replace("[checks.unit]", f"[gate]\nrequire_commit = {setting}\n[checks.unit]", 1)
    run = seal(tmp_path / "project", policy, CLEAN)
    assert run.document.verdict is verdict
    assert problems(run.folder) == []
