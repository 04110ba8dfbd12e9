"""Evidence of every kind, each with the reason that the judge gives for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from fakes.sealed import START, CheckMade, expectation, junit, open_run_folder, report, step

from gatewright.core.provenance import Subject
from gatewright.core.verdict import State
from gatewright.evidence.report import Counts, Reason
from gatewright.gate.aggregate import CheckVerdict, judge_check
from gatewright.gate.binding import Expected
from gatewright.gate.policy import Check

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
SUBJECT = Subject(commit="c0", tree="t0", dirty=True, lock="l0")
RUN = "runs/run-1/unit"
AGAIN = "gatewright run unit"


@dataclass(frozen=True)
class Case:
    """One way to fail.

    Attributes:
        made: what the check left.
        policy: settings of the check beside its one step and its results.
        results: its result files.
        expected: what the evidence must be bound to, where that is not what it is bound to.
        after: files that are written after the manifest was.
    """

    made: CheckMade = field(default_factory=CheckMade)
    policy: str = ""
    results: str = '["junit.xml"]'
    expected: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)


def told(  # noqa: PLR0917 - a row of a table
    state: State,
    rule: str,
    message: str,
    place: str,
    expected: str,
    observed: str,
    *,
    see: str = "",
    mend: str = AGAIN,
) -> tuple[State, Reason]:
    """A state, and a reason for it; `place` is `path#pointer` below the folder of the check."""
    path, _, pointer = place.partition("#")
    artifact = f"{RUN}/{path}"
    shown = f"'{artifact}#{pointer}'" if pointer else artifact
    reason = Reason(
        rule=rule,
        message=f"unit: {message}",
        artifact=artifact,
        pointer=pointer,
        expected=expected,
        observed=observed,
        see=see or f"gatewright show {shown}",
        command=mend,
    )
    return state, reason


def verdict_on(folder: Path, name: str, check: Check, expected: Expected) -> CheckVerdict:
    return judge_check(folder, name, check, expected).verdict


def judge(case: Case, root: Path) -> CheckVerdict:
    policy = (
        f'schema_version = 1\n[checks.unit]\nsteps = [["tool"]]\nresults = {case.results}\n{case.policy}\n'
    )
    run = open_run_folder(root, policy, {"unit": case.made})
    for name, text in case.after.items():
        (run.folder / "unit" / name).write_text(text, encoding="utf-8")
    return verdict_on(run.folder, "unit", run.policy.policy.checks["unit"], expectation(run, **case.expected))


def suite(verdict: str = "PASS", **changes: Any) -> Case:
    return Case(CheckMade({"report.json": report(verdict, **changes)}), results='["report.json"]')


LATE = START - timedelta(seconds=3)
A_REASON = {"rule": "demo/x", "message": "it broke", "expected": "none", "observed": "one"}
CASES: dict[str, tuple[Case, tuple[State, Reason]]] = {
    "another run": (
        Case(expected={"run_id": "run-1", "policy_digest": "f" * 64}),
        told(
            State.MISMATCH,
            "manifest-policy",
            "the evidence belongs to another policy",
            "manifest.json#/policy",
            "f" * 64,
            "POLICY",
        ),
    ),
    "another check": (
        Case(CheckMade(manifest={"check": "other"})),
        told(
            State.MISMATCH,
            "manifest-check",
            "the evidence belongs to another check",
            "manifest.json#/check",
            "unit",
            "other",
        ),
    ),
    "a run of another id": (
        Case(CheckMade(manifest={"run_id": "run-2"})),
        told(
            State.MISMATCH,
            "manifest-run-id",
            "the evidence belongs to another run",
            "manifest.json#/run_id",
            "run-1",
            "run-2",
        ),
    ),
    "a file that was altered": (
        Case(after={"step-1.log": "nothing\n"}),
        told(
            State.TAMPERED,
            "evidence-unaltered",
            "step-1.log is not what the manifest lists",
            "manifest.json#/files/1/sha256",
            "LISTED",
            "PRESENT",
        ),
    ),
    "a file that nobody lists": (
        Case(after={"more.txt": ""}),
        told(
            State.TAMPERED,
            "evidence-unaltered",
            "more.txt is not what the manifest lists",
            "manifest.json#/files",
            "only files that the manifest lists",
            "a file that it does not list",
        ),
    ),
    "a commit of another day": (
        Case(expected={"subject": SUBJECT}),
        told(
            State.STALE,
            "evidence-commit",
            "the evidence is about another commit",
            "manifest.json#/subject/commit",
            "c0",
            "unknown",
        ),
    ),
    "an end before the beginning": (
        Case(CheckMade(manifest={"finished_at": START - timedelta(seconds=1)})),
        told(
            State.INVALID,
            "evidence-time",
            "the evidence is from the future, or ended before it began",
            "manifest.json#/finished_at",
            "between 2026-11-21T12:00:00+00:00 and 2026-11-21T12:00:02+00:00",
            "2026-11-21T11:59:59+00:00",
        ),
    ),
    "evidence of another day": (
        Case(policy="max_age_s = 60", expected={"now": START + timedelta(seconds=61)}),
        told(
            State.STALE,
            "evidence-age",
            "the evidence is too old",
            "manifest.json#/started_at",
            "at most 60 s old",
            "61 s old",
        ),
    ),
    "a commit that nobody knows": (
        Case(expected={"require_commit": True}),
        told(
            State.INCONCLUSIVE,
            "evidence-commit-known",
            "the policy wants a known commit",
            "manifest.json#/subject/commit",
            "a commit",
            "unknown",
            mend="git status",
        ),
    ),
    "a bad exit beside good results": (
        Case(CheckMade(ending={"exit_code": 7})),
        told(
            State.ERROR,
            "steps-succeed",
            "step 1 ended badly (exit code 7) while the results say PASS",
            "manifest.json#/steps/0",
            "exit code 0",
            "exit code 7",
            see=f"gatewright show {RUN}/step-1.log",
        ),
    ),
    "a test that failed": (
        Case(CheckMade({"junit.xml": junit(PASSED, FAILED)}, ending={"exit_code": 1})),
        told(
            State.FAIL,
            "tests-pass",
            "1 of 2 tests failed: demo::1",
            "junit.xml",
            "tests that all pass",
            "2 collected, 1 passed, 1 failed",
        ),
    ),
    "a suite that gives its reason": (
        suite("FAIL", reasons=[A_REASON]),
        told(State.FAIL, "demo/x", "it broke", "report.json#/reasons/0", "none", "one"),
    ),
    "a suite that gives no reason": (
        suite("FAIL"),
        told(
            State.FAIL,
            "result-passes",
            "report.json says FAIL and gives no reason",
            "report.json#/verdict",
            "PASS",
            "FAIL",
        ),
    ),
    "a result that is not there": (
        Case(results='["other.xml"]'),
        told(
            State.MISSING,
            "result-readable",
            "there is no other.xml",
            "other.xml",
            "a result file that can be believed",
            "MISSING",
        ),
    ),
    "fewer commands than the policy has": (
        Case(CheckMade(manifest={"steps": (step({"exit_code": 0}),) * 2})),
        told(
            State.ERROR,
            "steps-complete",
            "not every command was run",
            "manifest.json#/steps",
            "1 commands",
            "2 commands",
        ),
    ),
    "counts that the results don't show": (
        Case(CheckMade(manifest={"counts": Counts(collected=9, passed=9)})),
        told(
            State.TAMPERED,
            "counts-agree",
            "the manifest counts otherwise than the results",
            "manifest.json#/counts",
            "3 collected, 3 passed",
            "9 collected, 9 passed",
        ),
    ),
    "a report of an earlier run": (
        suite(started_at=LATE.isoformat()),
        told(
            State.STALE,
            "result-of-this-check",
            "report.json is older than the check that should have made it",
            "report.json",
            "not before 2026-11-21T11:59:58+00:00",
            "2026-11-21T11:59:57+00:00",
        ),
    ),
    "a report from after the check": (
        suite(
            started_at=(START + timedelta(seconds=4)).isoformat(),
            finished_at=(START + timedelta(seconds=4)).isoformat(),
        ),
        told(
            State.INVALID,
            "result-of-this-check",
            "report.json began after the check that should have made it",
            "report.json",
            "not after 2026-11-21T12:00:03+00:00",
            "2026-11-21T12:00:04+00:00",
        ),
    ),
    "a file that lay there before": (
        Case(CheckMade(manifest={"older": ("junit.xml",)})),
        told(
            State.STALE,
            "result-of-this-check",
            "junit.xml lay there before the check that should have made it",
            "junit.xml",
            "a file that the check wrote",
            "an older file",
        ),
    ),
    "too little": (
        Case(policy="min_collected = 4"),
        told(
            State.INCONCLUSIVE,
            "min-collected",
            "too few collected",
            "manifest.json#/counts",
            "at least 4 collected",
            "3",
        ),
    ),
    "nothing at all": (
        Case(policy="min_samples = 1"),
        told(
            State.EMPTY, "min-samples", "too few samples", "manifest.json#/counts", "at least 1 samples", "0"
        ),
    ),
    "too much skipped": (
        Case(CheckMade({"junit.xml": junit(PASSED, SKIPPED)})),
        told(
            State.SKIPPED,
            "max-skipped",
            "too many skipped",
            "manifest.json#/counts",
            "at most 0 skipped",
            "1",
        ),
    ),
    "a second try": (
        Case(CheckMade({"junit.xml": junit(PASSED, "flaky")})),
        told(State.FLAKY, "max-flaky", "too many flaky", "manifest.json#/counts", "at most 0 flaky", "1"),
    ),
    "a limit that is broken": (
        Case(
            CheckMade({"report.json": report()}),
            "limits = { latency_p95_ms = { min = 1, max = 12.25 } }",
            '["report.json"]',
        ),
        told(
            State.FAIL,
            "limit",
            "latency_p95_ms is beyond its limit",
            "manifest.json#/counts",
            "latency_p95_ms >= 1 and <= 12.25",
            "12.5",
        ),
    ),
    "a limit on what nobody measured": (
        Case(policy="limits = { rate = { min = 5 } }"),
        told(
            State.INCONCLUSIVE,
            "limit-measured",
            "rate was not measured",
            "manifest.json#/counts",
            "rate >= 5",
            "no figure",
        ),
    ),
    "a session that was killed": (
        Case(CheckMade(session={"signal": "SIGKILL"})),
        told(
            State.ERROR,
            "session-succeeds",
            "the session ended badly (killed by SIGKILL) while the evidence says that all is well",
            "../_sessions/unit.json",
            "exit code 0",
            "killed by SIGKILL",
        ),
    ),
    "a session whose time was over": (
        Case(CheckMade(session={"timed_out": True, "exit_code": 0})),
        told(
            State.TIMEOUT,
            "session-succeeds",
            "the session ended badly (ended by the gate when its time was over) while the evidence says that all is well",
            "../_sessions/unit.json",
            "exit code 0",
            "ended by the gate when its time was over",
        ),
    ),
}
