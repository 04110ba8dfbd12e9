"""Which earlier runs count as a baseline: those that a release could have gone out with, and no others."""

from pathlib import Path

import pytest
from gate.judged import MOMENT

from gatewright.core.verdict import State, Verdict
from gatewright.evidence.ledger import LedgerCheck, LedgerEntry
from gatewright.evidence.report import Counts
from gatewright.gate.baseline import (
    BASELINE,
    Baseline,
    CheckBaseline,
    Sample,
    compute_baseline,
    needs_baseline,
    read_baseline,
)
from gatewright.gate.policy import Policy, parse_policy

CHECK = 'schema_version = 1\n[checks.unit]\nsteps = [["true"]]\nresults = ["a.json"]\n'
RELATIVE = "limits.p95 = { max_increase = 0.1, runs = 3, min_runs = 2 }\n"
BUDGET = "flaky_budget = { rate = 0.02, runs = 3 }\n"


def policy(more: str) -> Policy:
    return parse_policy((CHECK + more).encode(), "gate.toml").policy


def entry(
    number: int,
    *,
    verdict: Verdict = Verdict.PASS,
    profile: str = "quick",
    name: str = "unit",
    **check: object,
) -> LedgerEntry:
    settings = {
        "state": State.PASS,
        "required": True,
        "duration_s": 1,
        "counts": Counts(collected=100, passed=100, flaky=number),
        "metrics": {"p95": float(number), "other": 0.0},
    }
    return LedgerEntry(
        run_id=f"run-{number}",
        verdict=verdict,
        exit_code=0,
        finished_at=MOMENT,
        profile=profile,
        commit="c",
        tree="t",
        policy="0" * 64,
        verdict_sha256="0" * 64,
        checks={name: LedgerCheck(**(settings | check))},
    )


@pytest.mark.parametrize(
    ("more", "needed"),
    [
        ("", False),
        ("limits.p95 = { max = 1 }\n", False),
        (RELATIVE, True),
        ("limits.p95 = { warn_decrease = 0.1 }\n", True),
        (BUDGET, True),
    ],
)
def test_history_is_read_only_where_the_policy_compares(more: str, needed: bool) -> None:  # noqa: FBT001 - a table
    assert needs_baseline(policy(more)) == needed


def values(*history: LedgerEntry, profile: str = "quick") -> list[float]:
    baseline = compute_baseline(policy(RELATIVE), history, profile)
    assert baseline.profile == profile
    return [sample.value for sample in baseline.checks["unit"].metrics["p95"]]


def test_the_latest_runs_count_oldest_first() -> None:
    assert values(*map(entry, (5, 1, 4, 2))) == [1, 4, 2]
    assert values(entry(1)) == [1]
    assert values() == []


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"state": State.WARN}, True),
        ({"required": False}, True),
        ({"profile": "full"}, False),
        ({"verdict": Verdict.FAIL}, False),
        ({"verdict": Verdict.INCONCLUSIVE}, False),
        ({"state": State.FAIL}, False),
        ({"state": State.FAIL, "waived": "known"}, False),
        ({"state": State.WARN, "waived": "known"}, False),
        ({"metrics": {"p99": 1.0}}, False),
        ({"name": "other"}, False),
    ],
)
def test_only_good_runs_of_the_same_profile_count(changes: dict, counts: bool) -> None:  # noqa: FBT001 - a table
    """A failure that was waived would raise the bar for the next one."""
    assert values(entry(1), entry(2, **changes), entry(3)) == ([1, 2, 3] if counts else [1, 3])


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"verdict": Verdict.FAIL, "state": State.FAIL}, True),
        ({"verdict": Verdict.INCONCLUSIVE, "state": State.FLAKY}, True),
        ({"profile": "full"}, False),
        ({"state": State.TAMPERED}, False),
        ({"state": State.MISMATCH}, False),
        ({"counts": Counts()}, False),
        ({"name": "other"}, False),
    ],
)
def test_flaky_tests_count_whatever_came_of_their_run(changes: dict, counts: bool) -> None:  # noqa: FBT001 - a table
    """Runs without a failure alone would hide most of them. This run is the third of three."""
    history = [entry(1), entry(2, **changes)]
    tests = compute_baseline(policy(BUDGET), history, "quick").checks["unit"].tests
    assert [(run.collected, run.flaky) for run in tests] == ([(100, 1), (100, 2)] if counts else [(100, 1)])


def test_a_budget_of_some_runs_leaves_one_of_them_to_this_run() -> None:
    def seen(runs: int) -> list[int]:
        budget = BUDGET.replace("runs = 3", f"runs = {runs}")
        found = compute_baseline(policy(budget), [entry(n) for n in (1, 2, 3, 4)], "quick")
        return [run.flaky for run in found.checks["unit"].tests]

    assert (seen(1), seen(2), seen(3), seen(9)) == ([], [4], [3, 4], [1, 2, 3, 4])


def test_what_is_not_compared_is_not_recorded() -> None:
    more = '[checks.other]\nsteps = [["true"]]\nresults = ["a.json"]\nlimits.p95 = { max = 1 }\n'
    baseline = compute_baseline(policy(RELATIVE + more), [entry(1)], "quick")
    assert set(baseline.checks) == {"unit"}
    assert set(baseline.checks["unit"].metrics) == {"p95"}
    assert baseline.checks["unit"].tests == ()


def test_a_recorded_baseline_is_read_and_a_broken_one_is_a_problem(tmp_path: Path) -> None:
    assert read_baseline(tmp_path) is None
    samples = (Sample(run_id="a", value=1.0),)
    baseline = Baseline(profile="quick", checks={"unit": CheckBaseline(metrics={"p95": samples})})
    (tmp_path / BASELINE).write_text(baseline.model_dump_json(), encoding="utf-8")
    assert read_baseline(tmp_path) == baseline
    (tmp_path / BASELINE).write_text('{"profile": NaN}', encoding="utf-8")
    broken = read_baseline(tmp_path)
    assert broken is not None
    assert broken.problem
    assert "\n" not in broken.problem
