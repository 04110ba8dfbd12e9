"""No single change to a run that has closed makes a PASS of it, and every one is found."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from fakes.mutations import json_mutations, mutate_bytes
from fakes.sealed import CLOCK, CheckMade, SealedRun, junit, report, seal

from gatewright.core.errors import GatewrightError
from gatewright.core.verdict import ExitCode, Verdict
from gatewright.execution.judge import judge_now, verify_run

PLACES = int(os.environ.get("FUZZ_PLACES", "3"))
"""How many bytes of each file are changed; whoever looks for more sets the variable."""

POLICY = """\
schema_version = 1
[checks.unit]
steps = [["tool"]]
results = ["junit.xml"]
min_collected = 3
[checks.stress]
steps = [["tool"]]
results = ["report.json"]
limits = { latency_p95_ms = { max = 100 } }
"""
GOOD, STRESS = (
    CheckMade(session={"exit_code": 0}),
    CheckMade({"report.json": report()}, session={"exit_code": 0}),
)
RUNS: dict[str, tuple[Verdict, CheckMade, CheckMade]] = {
    "clean": (Verdict.PASS, GOOD, STRESS),
    "failed-test": (Verdict.FAIL, CheckMade({"junit.xml": junit("passed", "passed", "failed")}), STRESS),
    "too-few": (Verdict.INCONCLUSIVE, CheckMade({"junit.xml": junit("passed", "passed")}), STRESS),
    "skipped": (Verdict.INCONCLUSIVE, CheckMade({"junit.xml": junit(*["passed"] * 3, "skipped")}), STRESS),
    "bad-exit": (Verdict.INCONCLUSIVE, CheckMade(ending={"exit_code": 1}), STRESS),
    "killed": (Verdict.INCONCLUSIVE, CheckMade(ending={"signal": "SIGKILL"}), STRESS),
    "timed-out": (Verdict.INCONCLUSIVE, CheckMade(ending={"exit_code": 0, "timed_out": True}), STRESS),
    "session-killed": (Verdict.INCONCLUSIVE, CheckMade(session={"signal": "SIGKILL"}), STRESS),
    "session-failed": (Verdict.INCONCLUSIVE, CheckMade(session={"exit_code": 1}), STRESS),
    "slow": (Verdict.FAIL, GOOD, CheckMade({"report.json": report(metrics={"latency_p95_ms": 100.5})})),
    "doubtful": (Verdict.INCONCLUSIVE, GOOD, CheckMade({"report.json": report("INCONCLUSIVE")})),
    "unmeasured": (Verdict.INCONCLUSIVE, GOOD, CheckMade({"report.json": report(metrics={})})),
}


SOME = [
    pytest.param(name, marks=() if name in {"clean", "failed-test", "killed"} else pytest.mark.thorough)
    for name in RUNS
]
"""Each run, for what takes long; the quick gate takes a run of each verdict."""


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SealedRun]:
    made = {}
    for name, (verdict, unit, stress) in RUNS.items():
        made[name] = seal(tmp_path_factory.mktemp(name) / "project", POLICY, {"unit": unit, "stress": stress})
        assert made[name].document.verdict is verdict, made[name].document.reasons
    return made


def evidence_of(run: SealedRun) -> list[Path]:
    """Every file that a run has left."""
    inside = [path for path in run.folder.rglob("*") if path.is_file()]
    return sorted([*inside, *run.project.latest_files()])


@contextmanager
def changed(path: Path, data: bytes) -> Iterator[None]:
    """A file with other content, for a while."""
    before = path.read_bytes()
    path.write_bytes(data)
    try:
        yield
    finally:
        path.write_bytes(before)


def judged(run: SealedRun) -> Verdict:
    """What the judge says now; INCONCLUSIVE where there is nothing that it could judge."""
    try:
        return judge_now(run.project, None, CLOCK).verdict
    except GatewrightError:
        return Verdict.INCONCLUSIVE


def assert_found(run: SealedRun, path: Path, data: bytes) -> None:
    """A change is found by `verify`, and by `judge` wherever that reads."""
    if path.read_bytes() == data:
        return
    with changed(path, data):
        try:
            verification = verify_run(run.project, None)
        except GatewrightError:
            pass
        else:
            assert not verification.is_intact
            assert verification.exit_code is ExitCode.INTEGRITY
            assert all("\n" not in problem.message for problem in verification.problems)
        if path.is_relative_to(run.folder) or run.document.verdict is not Verdict.PASS:
            assert judged(run) is not Verdict.PASS


@pytest.mark.parametrize("name", RUNS)
def test_an_untouched_run_is_what_it_was(name: str, sealed: dict[str, SealedRun]) -> None:
    run = sealed[name]
    assert verify_run(run.project, None).problems == ()
    assert judged(run) is RUNS[name][0]


@pytest.mark.parametrize("name", SOME)
def test_no_mutation_of_bytes_goes_unseen(name: str, sealed: dict[str, SealedRun]) -> None:
    """Some places of every file; all of them in the fuzzing."""
    run, random = sealed[name], Random(name)
    for path in evidence_of(run):
        data = path.read_bytes()
        for _ in range(4):
            assert_found(run, path, mutate_bytes(data, random))


@pytest.mark.parametrize("name", SOME)
def test_no_file_is_taken_away_or_added_unseen(name: str, sealed: dict[str, SealedRun]) -> None:
    """A file that is gone, one more anywhere, and one that became a link to what it was."""
    run = sealed[name]
    for path in evidence_of(run):
        aside = run.project.root.parent / "aside"
        path.rename(aside)
        if path != run.project.latest_json:
            assert not verify_run(run.project, None).is_intact
        assert judged(run) is not Verdict.PASS or not path.is_relative_to(run.folder)
        path.symlink_to(aside)
        assert not verify_run(run.project, None).is_intact
        path.unlink()
        aside.rename(path)
    for folder in {path.parent for path in evidence_of(run) if path.is_relative_to(run.folder)}:
        more = folder / "more.txt"
        more.write_text("more", encoding="utf-8")
        assert not verify_run(run.project, None).is_intact
        assert judged(run) is not Verdict.PASS
        more.unlink()


@pytest.mark.fuzz
@pytest.mark.parametrize("name", RUNS)
def test_no_change_of_any_byte_goes_unseen(name: str, sealed: dict[str, SealedRun]) -> None:
    """Some bytes of every file, changed, taken out and doubled."""
    run, random = sealed[name], Random(name)
    for path in evidence_of(run):
        data = path.read_bytes()
        for at in sorted(random.sample(range(len(data)), min(PLACES, len(data)))):
            assert_found(run, path, data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :])
            assert_found(run, path, data[:at] + data[at + 1 :])
            assert_found(run, path, data[: at + 1] + data[at:])


@pytest.mark.fuzz
@pytest.mark.parametrize("name", RUNS)
def test_no_change_of_any_field_goes_unseen(name: str, sealed: dict[str, SealedRun]) -> None:
    """Some fields of every JSON file: odd values, well-meant lies, and without the field."""
    run, random = sealed[name], Random(name)
    for path in (path for path in evidence_of(run) if path.suffix == ".json"):
        document = json.loads(path.read_bytes())
        for mutated in json_mutations(document):
            if random.random() < 0.002:
                assert_found(run, path, json.dumps(mutated, indent=2).encode() + b"\n")


LIES = {
    "failed-test": ("junit.xml", b"<failure/>", b""),
    "bad-exit": ("manifest.json", b'"exit_code": 1', b'"exit_code": 0'),
    "killed": (
        "manifest.json",
        b'"exit_code": null,\n      "signal": "SIGKILL"',
        b'"exit_code": 0,\n      "signal": ""',
    ),
    "timed-out": ("manifest.json", b'"timed_out": true', b'"timed_out": false'),
    "session-killed": (
        "../_sessions/unit.json",
        b'"exit_code": null,\n  "signal": "SIGKILL"',
        b'"exit_code": 0,\n  "signal": ""',
    ),
    "session-failed": ("../_sessions/unit.json", b'"exit_code": 1', b'"exit_code": 0'),
}


@pytest.mark.parametrize("name", LIES)
def test_the_one_lie_that_would_make_a_pass_is_found_by_the_judge(
    name: str, sealed: dict[str, SealedRun]
) -> None:
    """An exit code, a signal or a failure edited after the run: evidence that would pass, had it been made so."""
    run, (file, old, new) = sealed[name], LIES[name]
    path = (run.folder / "unit" / file).resolve()
    data = path.read_bytes()
    assert old in data
    with changed(path, data.replace(old, new)):
        document = judge_now(run.project, None, CLOCK)
        assert document.verdict is Verdict.FAIL
        assert {reason.rule for reason in document.reasons} & {"run-unaltered", "evidence-unaltered"}
        assert not verify_run(run.project, None).is_intact
