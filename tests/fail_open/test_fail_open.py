"""No case of the corpus passes our gate, and each ends in exactly the state that it should."""

from pathlib import Path
from typing import Any

import pytest
from fail_open.changes import apply, place, placed
from fail_open.corpus import CONTROL, FAMILIES, Case, read_cases

from gatewright.core.clock import SystemClock
from gatewright.core.verdict import Verdict
from gatewright.execution.gate import run_alone
from gatewright.execution.judge import judge_now, verify_run
from gatewright.execution.project import Project, Settings
from gatewright.gate.decision import VerdictDocument, exit_code


def cases(*kinds: str, whole_gate: bool = False) -> list[Any]:
    """The cases of some kinds; apart those that are about more than one check and its results."""
    return [
        pytest.param(case, id=case.name)
        for case in read_cases()
        if case.kind in kinds and bool(case.beside or case.waivers) is whole_gate
    ]


def spoil(own, root: Path, case: Case) -> Project:
    """Change what a clean run has left."""
    for change in case.change:
        apply(root, placed(change, own.gate.places("clean")))
    return own.prepared(root)


def assert_outcome(document: VerdictDocument, case: Case) -> None:
    assert exit_code(document) == case.exit, document.reasons
    assert (document.verdict is Verdict.PASS) == case.is_control
    if case.state:
        assert document.checks[0].state == case.state, document.reasons
    if case.reason:
        assert case.reason in [reason.rule for reason in document.reasons]
    if case.waiver:
        assert [use.status for use in document.waivers] == [case.waiver]
    if case.exit:
        assert document.reasons
        assert all("\n" not in reason.message for reason in document.reasons)


@pytest.mark.parametrize("case", cases("judge"))
def test_spoiled_evidence_is_judged(case: Case, own, copied: Path) -> None:
    """Evidence that was changed after a clean run meets the judge."""
    project = spoil(own, copied, case)
    folder = place(case.folder, own.gate.places("clean"))
    assert_outcome(judge_now(project, project.root / folder if folder else None, SystemClock()), case)


@pytest.mark.parametrize("case", cases("verify"))
def test_a_spoiled_verdict_is_verified(case: Case, own, copied: Path) -> None:
    """A verdict, or what it rests on, was changed after a clean run."""
    verification = verify_run(spoil(own, copied, case), None)
    assert verification.exit_code == case.exit, verification.problems
    assert verification.is_intact == (case.exit == 0)
    if case.artifact:
        assert case.artifact in [problem.artifact for problem in verification.problems]


@pytest.mark.parametrize("case", cases("run"))
def test_a_misbehaving_check_is_judged(case: Case, own, tmp_path: Path) -> None:
    """A check whose commands misbehave is run and judged."""
    project = own.write(tmp_path / "project", case)
    document = run_alone(project, Settings(), "unit", clock=SystemClock(), echo=lambda _: None)
    assert_outcome(document, case)


@pytest.mark.parametrize("case", cases("run", whole_gate=True))
def test_a_gate_is_not_talked_round(case: Case, own, tmp_path: Path) -> None:
    """A check meddles with another one of the same gate, or a waiver asks for more than it may."""
    assert_outcome(own.run(own.write(tmp_path / "project", case), "clean"), case)


@pytest.mark.parametrize("case", cases("rerun"))
def test_what_an_earlier_run_left_does_not_count(case: Case, own, tmp_path: Path) -> None:
    """The same project, run before with other commands."""
    own.run(own.write(tmp_path / "project", case, first=True), "earlier")
    assert_outcome(own.run(own.write(tmp_path / "project", case), "clean"), case)


def test_the_corpus_is_large_enough() -> None:
    """Every family has at least as many cases as it should, each with a reason, and no two share a name."""
    every = read_cases()
    assert len(every) == len({case.name for case in every})
    assert all(case.why for case in every)
    for family, least in FAMILIES.items():
        assert sum(case.family == family for case in every) >= least
    assert all((case.exit == 0) is (case.family == CONTROL) for case in every)
