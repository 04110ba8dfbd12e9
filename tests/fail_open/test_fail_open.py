"""No case of the corpus passes, and each ends in exactly the state that it should."""

import shutil
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fail_open.changes import apply
from fakes.clock import FakeClock
from fakes.projects import make_project, policy_with

from gatewright.core.clock import SystemClock
from gatewright.core.verdict import Verdict
from gatewright.execution.gate import run_alone
from gatewright.execution.judge import judge_now, verify_run
from gatewright.execution.project import Project, Settings
from gatewright.gate.decision import VerdictDocument, exit_code

FOLDER = Path(__file__).parent
FAMILIES = ("control", "absence", "staleness", "binding", "tampering", "malformed", "process")

Case = dict[str, Any]


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(case, id=f"{family}-{case['id']}")
        for family in FAMILIES
        for case in tomllib.loads((FOLDER / f"{family}.toml").read_text(encoding="utf-8"))["case"]
        if case["kind"] == kind
    ]


def spoil(clean: Project, root: Path, case: Case) -> Project:
    shutil.copytree(clean.root, root, symlinks=True)
    for change in case.get("change", ()):
        apply(root, change)
    return Project(root)


def assert_outcome(document: VerdictDocument, case: Case) -> None:
    assert exit_code(document) == case["exit"], document.reasons
    assert (document.verdict is Verdict.PASS) == (case["exit"] == 0)
    if "state" in case:
        assert document.checks[0].state == case["state"], document.reasons
    if "reason" in case:
        assert case["reason"] in [reason.rule for reason in document.reasons]
    if case["exit"]:
        assert document.reasons
        assert all("\n" not in reason.message for reason in document.reasons)


@pytest.mark.parametrize("case", cases("judge"))
def test_spoiled_evidence_is_judged(case: Case, clean_project: Project, tmp_path: Path) -> None:
    """Evidence that was changed after a clean run meets the judge."""
    project = spoil(clean_project, tmp_path / "project", case)
    clock = FakeClock(SystemClock().now() + timedelta(seconds=case.get("later_s", 0)))
    folder = project.root / case["folder"] if "folder" in case else None
    assert_outcome(judge_now(project, folder, clock), case)


@pytest.mark.parametrize("case", cases("verify"))
def test_a_spoiled_verdict_is_verified(case: Case, clean_project: Project, tmp_path: Path) -> None:
    """A verdict, or what it rests on, was changed after a clean run."""
    verification = verify_run(spoil(clean_project, tmp_path / "project", case), None)
    assert verification.exit_code == case["exit"], verification.problems
    assert verification.is_intact == (case["exit"] == 0)
    if "artifact" in case:
        assert case["artifact"] in [problem.artifact for problem in verification.problems]


@pytest.mark.parametrize("case", cases("run"))
def test_a_misbehaving_check_is_judged(case: Case, tmp_path: Path) -> None:
    """A check whose commands misbehave is run and judged."""
    policy = policy_with(
        *case["steps"], results=tuple(case.get("results", ("junit.xml",))), more=case.get("policy", "")
    )
    project = make_project(tmp_path / "project", policy)
    document = run_alone(project, Settings(), "unit", clock=SystemClock(), echo=lambda _: None)
    assert_outcome(document, case)


def test_the_corpus_is_large_enough() -> None:
    """Every family has cases, and no two share a name."""
    names = [parameter.id for kind in ("judge", "verify", "run") for parameter in cases(kind)]
    assert len(names) == len(set(names))
    assert sum(not str(name).startswith("control") for name in names) >= 60
    assert all(any(str(name).startswith(family) for name in names) for family in FAMILIES)
