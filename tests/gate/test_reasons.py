"""What people are told, word for word: each way in which evidence fails, and the reason that the judge gives."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes.sealed import CLOCK, START, CheckMade, expectation, junit, open_run_folder, report, step

from gatewright.core.provenance import Subject
from gatewright.core.verdict import State
from gatewright.evidence.manifest import MANIFEST
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


def comparable(reason: Reason, root: Path) -> Reason:
    """The reason without what differs between machines: digests, and the way over the parent folder."""
    texts = {name: getattr(reason, name).replace("unit/../", "") for name in ("artifact", "see")}
    return reason.model_copy(update=texts)


@pytest.mark.parametrize("name", CASES)
def test_the_reason_says_what_is_wrong_where_and_what_to_do(name: str, tmp_path: Path) -> None:
    case, (state, expected) = CASES[name]
    verdict = judge(case, tmp_path)
    assert verdict.state is state
    (reason,) = [each for each in verdict.reasons if each.rule == expected.rule][:1]
    if expected.observed == "POLICY":
        expected = expected.model_copy(update={"observed": reason.observed})
        assert len(reason.observed) == 64
    if expected.expected == "LISTED":
        expected = expected.model_copy(update={"expected": reason.expected, "observed": reason.observed})
        assert (len(reason.expected), len(reason.observed)) == (64, 64)
        assert reason.expected != reason.observed
    assert comparable(reason, tmp_path) == comparable(expected, tmp_path)


def test_evidence_that_is_well_passes_without_a_word(tmp_path: Path) -> None:
    verdict = judge(Case(policy="min_collected = 3"), tmp_path)
    assert (verdict.state, verdict.reasons) == (State.PASS, ())
    assert (verdict.check, verdict.required, verdict.isolated) == ("unit", True, True)
    assert verdict.counts == Counts(collected=3, passed=3)
    assert (verdict.duration_s, verdict.started_at) == (1, START)
    assert verdict.finished_at == START + timedelta(seconds=1)
    assert verdict.manifest == f"{RUN}/{MANIFEST}"


@pytest.mark.parametrize("tolerated", [-2, 0, 58, 60])
def test_the_clock_of_another_machine_may_be_a_minute_ahead(tolerated: int, tmp_path: Path) -> None:
    ahead = CLOCK.now() + timedelta(seconds=tolerated)
    case = Case(CheckMade(manifest={"finished_at": max(ahead, START)}))
    assert judge(case, tmp_path).state is State.PASS


def test_a_clock_further_ahead_is_not_believed(tmp_path: Path) -> None:
    case = Case(CheckMade(manifest={"finished_at": CLOCK.now() + timedelta(seconds=60.001)}))
    assert judge(case, tmp_path).state is State.INVALID


@pytest.mark.parametrize(("age", "state"), [(60, State.PASS), (60.001, State.STALE)])
def test_evidence_is_stale_just_beyond_its_age(age: float, state: State, tmp_path: Path) -> None:
    case = Case(policy="max_age_s = 60", expected={"now": START + timedelta(seconds=age)})
    assert judge(case, tmp_path).state is state


@pytest.mark.parametrize(("early", "state"), [(2, State.PASS), (2.001, State.STALE)])
def test_a_report_may_begin_a_moment_before_its_check(early: float, state: State, tmp_path: Path) -> None:
    """The wall clock may step back a little between the two."""
    case = suite(started_at=(START - timedelta(seconds=early)).isoformat())
    assert judge(case, tmp_path).state is state


@pytest.mark.parametrize(
    ("limit", "state"),
    [
        ("min = 12.5", State.PASS),
        ("max = 12.5", State.PASS),
        ("min = 12.5001", State.FAIL),
        ("max = 12.4999", State.FAIL),
    ],
)
def test_a_limit_that_is_just_kept_is_kept(limit: str, state: State, tmp_path: Path) -> None:
    case = suite()
    case = Case(case.made, f"limits = {{ latency_p95_ms = {{ {limit} }} }}", case.results)
    assert judge(case, tmp_path).state is state


@pytest.mark.parametrize("name", ["commit", "tree", "lock"])
def test_evidence_about_another_subject_is_stale(name: str, tmp_path: Path) -> None:
    """Another commit, another state of the work tree, other locked versions: each alone is enough."""
    words = {"commit": "another commit", "tree": "another state of the work tree", "lock": "other lock files"}
    run = open_run_folder(
        tmp_path,
        'schema_version = 1\n[checks.unit]\nsteps = [["t"]]\nresults = ["junit.xml"]\n',
        {"unit": CheckMade()},
    )
    subject = run.subject.model_copy(update={name: "other"})
    verdict = verdict_on(
        run.folder, "unit", run.policy.policy.checks["unit"], expectation(run, subject=subject)
    )
    assert verdict.state is State.STALE
    (reason,) = verdict.reasons
    assert (reason.rule, reason.message) == (f"evidence-{name}", f"unit: the evidence is about {words[name]}")
    assert (reason.expected, reason.observed) == ("other", getattr(run.subject, name))
    assert reason.pointer == f"/subject/{name}"


def test_a_known_commit_is_enough_for_a_policy_that_wants_one(tmp_path: Path) -> None:
    subject = Subject(commit="c0", tree="t", dirty=False, lock="l")
    case = Case(
        CheckMade(manifest={"subject": subject}), expected={"subject": subject, "require_commit": True}
    )
    assert judge(case, tmp_path).state is State.PASS


def test_the_worst_reasons_come_first_and_are_not_too_many(tmp_path: Path) -> None:
    """Ten are enough to read; the last line counts the rest."""
    reasons = [{**A_REASON, "rule": f"demo/{number}"} for number in range(14)]
    case = suite("INCONCLUSIVE", reasons=reasons)
    case = Case(case.made, "min_collected = 1\nlimits = { latency_p95_ms = { max = 1 } }", case.results)
    verdict = judge(case, tmp_path)
    assert verdict.state is State.FAIL
    assert [reason.rule for reason in verdict.reasons[:3]] == ["limit", "min-collected", "demo/0"]
    assert len(verdict.reasons) == 11
    assert (verdict.reasons[-1].rule, verdict.reasons[-1].message) == ("more", "and 6 more reasons")


def test_ten_reasons_are_all_shown(tmp_path: Path) -> None:
    reasons = [{**A_REASON, "rule": f"demo/{number}"} for number in range(10)]
    verdict = judge(suite("FAIL", reasons=reasons), tmp_path)
    assert [reason.rule for reason in verdict.reasons] == [f"demo/{number}" for number in range(10)]


def test_a_reason_with_a_place_and_commands_of_its_own_keeps_them(tmp_path: Path) -> None:
    own = {"artifact": "tape.json", "pointer": "/a", "see": "gatewright replay x", "command": "mend it"}
    (reason,) = judge(suite("FAIL", reasons=[A_REASON | own]), tmp_path).reasons
    assert (reason.artifact, reason.pointer) == (f"{RUN}/tape.json", "/a")
    assert (reason.see, reason.command) == ("gatewright replay x", "mend it")


def test_every_command_that_ended_badly_is_named(tmp_path: Path) -> None:
    steps = (step({"exit_code": 0}), step({"exit_code": 3}), step({"signal": "SIGTERM"}))
    case = Case(CheckMade(manifest={"steps": steps}), policy="")
    verdict = judge(case, tmp_path)
    named = [reason for reason in verdict.reasons if reason.rule == "steps-succeed"]
    assert [reason.pointer for reason in named] == ["/steps/1", "/steps/2"]
    assert [reason.observed for reason in named] == ["exit code 3", "killed by SIGTERM"]


def test_a_link_in_the_place_of_a_folder_or_a_file_is_no_evidence(tmp_path: Path) -> None:
    """What a link leads to may change after it was judged."""
    run = open_run_folder(
        tmp_path / "a",
        'schema_version = 1\n[checks.unit]\nsteps = [["t"]]\nresults = ["junit.xml"]\n',
        {"unit": CheckMade()},
    )
    check, expected = run.policy.policy.checks["unit"], expectation(run)
    (run.folder / "unit").rename(tmp_path / "elsewhere")
    (run.folder / "unit").symlink_to(tmp_path / "elsewhere")
    verdict = verdict_on(run.folder, "unit", check, expected)
    assert verdict.state is State.TAMPERED
    (reason,) = verdict.reasons
    assert reason.message == "unit: . is not what the manifest lists"
    assert (reason.expected, reason.observed) == ("a folder of its own", "a link to a folder elsewhere")
    assert reason.pointer == "/files"
    (run.folder / "unit").unlink()
    (tmp_path / "elsewhere").rename(run.folder / "unit")
    (run.folder / "unit" / "step-1.log").rename(tmp_path / "step-1.log")
    (run.folder / "unit" / "step-1.log").symlink_to(tmp_path / "step-1.log")
    verdict = verdict_on(run.folder, "unit", check, expected)
    assert verdict.state is State.TAMPERED
    told = {(reason.pointer, reason.expected, reason.observed) for reason in verdict.reasons}
    assert told == {
        ("/files/1", "a file that is there", "no such file"),
        ("/files", "plain files", "a link, pipe or device"),
    }


def test_a_check_without_a_manifest_tells_how_its_session_ended(tmp_path: Path) -> None:
    """The last lines of the session's log are what a person looks for first."""
    policy = 'schema_version = 1\n[checks.unit]\nrequired = false\nsteps = [["t"]]\nresults = ["junit.xml"]\n[checks.x]\nsteps = [["t"]]\nresults = ["a.json"]\n'
    run = open_run_folder(tmp_path, policy, {"unit": CheckMade(session={"exit_code": 2})})
    (run.folder / "unit" / MANIFEST).unlink()
    log = run.folder / "_sessions" / "unit.log"
    log.write_bytes(
        b"\n".join(
            [b"zero", *(b"line %d  " % number for number in range(1, 5)), b"", b"bad \xff", b"y" * 400]
        )
    )
    check, expected = run.policy.policy.checks["unit"], expectation(run)

    def told() -> tuple[State, Reason]:
        verdict = verdict_on(run.folder, "unit", check, expected)
        assert (verdict.required, verdict.isolated, verdict.counts, verdict.metrics) == (
            False,
            None,
            Counts(),
            {},
        )
        assert (verdict.duration_s, verdict.started_at, verdict.finished_at) == (0, None, None)
        assert (verdict.manifest, verdict.manifest_sha256) == (f"{RUN}/{MANIFEST}", None)
        (reason,) = verdict.reasons
        return verdict.state, reason

    state, reason = told()
    assert (state, reason.rule, reason.message) == (
        State.MISSING,
        "manifest-present",
        "unit: no evidence was left (exit code 2)",
    )
    assert reason.expected == "a manifest"
    assert reason.observed == "line 2 | line 3 | line 4 | bad \ufffd | " + "y" * 300
    assert (reason.artifact, reason.pointer, reason.command) == (f"{RUN}/{MANIFEST}", "", AGAIN)
    log.write_bytes(b"\n \n")
    assert told()[1].observed == "no output"
    log.unlink()
    assert told()[1].observed == "no output"
    (run.folder / "_sessions" / "unit.json").write_text("{}", encoding="utf-8")
    state, reason = told()
    assert (state, reason.message) == (State.MISSING, "unit: no evidence was left (it was not run)")
    assert reason.observed == "no manifest"


def test_a_check_that_was_cut_short_is_told_from_one_that_was_never_begun(tmp_path: Path) -> None:
    """Neither has left a manifest nor a record of its session; one has left a folder."""
    policy = 'schema_version = 1\n[checks.unit]\nsteps = [["t"]]\nresults = ["junit.xml"]\n'
    run = open_run_folder(tmp_path, policy, {"unit": CheckMade()})
    check, expected = run.policy.policy.checks["unit"], expectation(run)
    (run.folder / "unit" / MANIFEST).unlink()
    (reason,) = verdict_on(run.folder, "unit", check, expected).reasons
    assert (reason.message, reason.observed) == (
        "unit: no evidence was left (it was cut short)",
        "no manifest",
    )
    shutil.rmtree(run.folder / "unit")
    (reason,) = verdict_on(run.folder, "unit", check, expected).reasons
    assert reason.message == "unit: no evidence was left (it was not run)"


def test_what_was_not_measured_is_among_the_findings_that_waivers_are_held_against(tmp_path: Path) -> None:
    policy = 'schema_version = 1\n[checks.unit]\nsteps = [["t"]]\nresults = ["junit.xml"]\n'
    run = open_run_folder(tmp_path, policy, {"unit": CheckMade()})
    (run.folder / "unit" / MANIFEST).unlink()
    judged = judge_check(run.folder, "unit", run.policy.policy.checks["unit"], expectation(run))
    assert [(each.state, each.reason) for each in judged.findings] == [
        (State.MISSING, judged.verdict.reasons[0])
    ]


def test_a_session_that_ran_out_of_time_without_a_manifest_is_a_time_out(tmp_path: Path) -> None:
    case = CheckMade(session={"timed_out": True, "signal": "SIGKILL"})
    run = open_run_folder(
        tmp_path,
        'schema_version = 1\n[checks.unit]\nsteps = [["t"]]\nresults = ["junit.xml"]\n',
        {"unit": case},
    )
    (run.folder / "unit" / MANIFEST).unlink()
    verdict = verdict_on(run.folder, "unit", run.policy.policy.checks["unit"], expectation(run))
    assert verdict.state is State.TIMEOUT
    assert (
        verdict.reasons[0].message == "unit: no evidence was left (ended by the gate when its time was over)"
    )


def test_a_manifest_that_can_not_be_read_says_why_and_where(tmp_path: Path) -> None:
    run = open_run_folder(
        tmp_path,
        'schema_version = 1\n[checks.unit]\nsteps = [["t"]]\nresults = ["junit.xml"]\n',
        {"unit": CheckMade()},
    )
    path = run.folder / "unit" / MANIFEST
    path.write_text(
        path.read_text(encoding="utf-8").replace('"isolated": true', '"isolated": "yes"'), encoding="utf-8"
    )
    verdict = verdict_on(run.folder, "unit", run.policy.policy.checks["unit"], expectation(run))
    (reason,) = verdict.reasons
    assert (verdict.state, reason.rule) == (State.INVALID, "manifest-readable")
    assert reason.message == "unit: manifest.json: Input should be a valid boolean at /isolated"
    assert reason.artifact == f"{RUN}/{MANIFEST}"
    assert (reason.pointer, reason.expected, reason.observed) == (
        "/isolated",
        "a manifest that can be believed",
        "INVALID",
    )
    path.write_bytes(b" " * (8 * 1024 * 1024 + 1))
    verdict = verdict_on(run.folder, "unit", run.policy.policy.checks["unit"], expectation(run))
    assert verdict.reasons[0].message == "unit: manifest.json is larger than 8388608 bytes"


def test_a_record_of_a_session_that_can_not_be_read_is_no_good_end(tmp_path: Path) -> None:
    run = open_run_folder(
        tmp_path,
        'schema_version = 1\n[checks.unit]\nsteps = [["t"]]\nresults = ["junit.xml"]\n',
        {"unit": CheckMade(session={"exit_code": 0})},
    )
    (run.folder / "_sessions" / "unit.json").write_text("{", encoding="utf-8")
    verdict = verdict_on(run.folder, "unit", run.policy.policy.checks["unit"], expectation(run))
    (reason,) = verdict.reasons
    assert (verdict.state, reason.rule, reason.observed) == (State.INVALID, "session-succeeds", "INVALID")
    assert reason.message.startswith("unit: unit.json is not JSON")
    assert reason.artifact == "runs/run-1/_sessions/unit.json"
    assert reason.see == "gatewright show runs/run-1/_sessions/unit.json"
