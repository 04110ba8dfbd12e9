"""What people are told, word for word: each way in which evidence fails, and the reason that the judge gives."""

from datetime import timedelta
from pathlib import Path

import pytest
from fakes.sealed import CLOCK, START, CheckMade, expectation, open_run_folder, step
from gate.judged_cases import A_REASON, CASES, RUN, Case, judge, suite, verdict_on

from gatewright.core.provenance import Subject
from gatewright.core.verdict import State
from gatewright.evidence.manifest import MANIFEST
from gatewright.evidence.report import Counts, Reason


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
