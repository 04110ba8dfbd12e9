"""A check that left no manifest, or one that can't be read, says how its session ended."""

import shutil
from pathlib import Path

from fakes.sealed import CheckMade, expectation, open_run_folder
from gate.judged_cases import AGAIN, RUN, verdict_on

from gatewright.core.verdict import State
from gatewright.evidence.manifest import MANIFEST
from gatewright.evidence.report import Counts, Reason
from gatewright.gate.aggregate import judge_check


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
