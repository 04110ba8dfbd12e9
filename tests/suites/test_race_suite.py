"""The race suite on planted programs: verdicts, evidence, replay, command line."""

import json
import re
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes.servers import FixedServer
from planted.dispatch_programs import (
    BlindDispatch,
    BrokenApp,
    FailingSetup,
    GuardedDispatch,
    LockedDispatch,
    RacyDispatch,
    StumblingSetup,
)
from planted.planted_faults import ALARMING, harmless, unguarded

from gatewright.cli import execute
from gatewright.core.errors import ConfigurationError, NotHere
from gatewright.core.verdict import ExitCode, Verdict
from gatewright.race import Scenario, SetupFailed
from gatewright.race.selfcheck import PlantedFault
from gatewright.suites.race import (
    RaceSuite,
    RaceSuiteConfig,
    publish_race_report,
    replay,
    run_race_suite,
)
from gatewright.suites.race.command import race_command
from gatewright.suites.race.markdown import render
from gatewright.suites.race.report import RaceReport

SMALL = RaceSuiteConfig(modes=("explore",), random_schedules=5, pct_schedules=5, schedules=60)


@contextmanager
def no_servers() -> Iterator[Sequence[FixedServer]]:
    yield [FixedServer("http://127.0.0.1:9"), FixedServer("http://127.0.0.1:9")]


@contextmanager
def not_here() -> Iterator[Sequence[FixedServer]]:
    raise NotHere("there are no programs to start")
    yield


def suite_of(*scenarios: type[Scenario], faults: Sequence[PlantedFault] = ()) -> RaceSuite:
    return RaceSuite("planted-races", scenarios, tuple(faults), {"a file": no_servers}, "python -m planted")


def test_a_guarded_program_passes_and_the_report_says_why() -> None:
    """Every invariant was evaluated in every schedule, and nothing is left within the bound."""
    report = run_race_suite(suite_of(GuardedDispatch, LockedDispatch), SMALL)
    assert (report.verdict, report.reasons) == (Verdict.PASS, ())
    assert report.counts.schedules == sum(result.iterations for result in report.scenarios)
    for result in report.scenarios:
        assert result.achieved["icb"] == "all schedules with up to 2 preemptions"
        assert {seen.evaluated for seen in result.invariants} == {result.iterations}
        assert result.metrics["operations"].sum == 2 * result.iterations
        assert [(bound.depth, bound.runs) for bound in result.miss_bounds] == [(2, 4), (3, 4)]


def test_a_racy_program_fails_with_a_counterexample() -> None:
    """The report carries history, statement log, replays and the command that shows it again."""
    report = run_race_suite(suite_of(RacyDispatch), replace(SMALL, output=Path("out")))
    (result,) = report.scenarios
    example = result.counterexample
    assert report.verdict is result.verdict is Verdict.FAIL
    assert example is not None
    assert (example.preemptions, example.reproduced, example.replays) == (1, 20, 20)
    assert [operation.status for operation in example.operations] == [200, 200]
    assert any("UPDATE task" in line for line in example.interleaving)
    (reason,) = report.reasons
    assert reason.rule == "race/single-dispatch"
    assert reason.pointer == "/scenarios/0/invariants/3"
    assert result.invariants[3].name == "single-dispatch"
    assert reason.command == f"python -m gatewright replay out/{example.tape_file}"


def test_equal_seeds_give_equal_reports() -> None:
    """Byte for byte, but for when it was."""

    def document() -> str:
        report = run_race_suite(suite_of(RacyDispatch, LockedDispatch), SMALL)
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        same = {"started_at": moment, "finished_at": moment, "timings": {}}
        return report.model_copy(update=same).model_dump_json()

    assert document() == document()


def test_a_surviving_fault_makes_a_green_suite_inconclusive() -> None:
    """Green proves nothing when the suite can't see; killed faults leave it green."""
    killed = PlantedFault("unguarded", "no guard", GuardedDispatch, unguarded)
    survivor = PlantedFault("harmless", "nothing", GuardedDispatch, harmless)
    green = run_race_suite(suite_of(GuardedDispatch, faults=[killed]), SMALL)
    blind = run_race_suite(suite_of(GuardedDispatch, faults=[killed, survivor]), SMALL)
    assert green.verdict is Verdict.PASS
    assert blind.verdict is Verdict.INCONCLUSIVE
    assert blind.reasons[-1].message == "the fault harmless was not seen by guarded-dispatch"


def test_an_alarm_without_the_fault_fails() -> None:
    """What kills a fault must be silent over the same schedule when the guard is there."""
    report = run_race_suite(suite_of(RacyDispatch, faults=ALARMING), replace(SMALL, modes=("self-check",)))
    assert report.verdict is Verdict.FAIL
    assert report.reasons[0].rule == "race/self-check"
    assert "single-dispatch saw something without the fault harmless" in report.reasons[0].message


def test_the_report_has_a_matrix_of_faults_and_oracles() -> None:
    """A row for each fault: which invariants of its scenario saw it, and which were asked and did not."""
    fault = PlantedFault("unguarded", "no guard", GuardedDispatch, unguarded)
    report = run_race_suite(suite_of(GuardedDispatch, faults=[fault]), SMALL)
    assert report.self_check is not None
    (row,) = report.self_check.faults
    assert row.oracles["single-dispatch"]
    assert row.killed_by == tuple(name for name, saw in row.oracles.items() if saw)
    assert row.false_alarms == ()
    assert "| unguarded" in render(report).partition("### Which oracle saw which fault")[2]


def test_a_database_that_is_not_here_is_skipped_and_told() -> None:
    """The rest stands for itself; what was asked for by a wrong name is refused."""
    suite = replace(suite_of(GuardedDispatch), servers={"a file": not_here})
    report = run_race_suite(suite, replace(SMALL, modes=("explore", "stress")))
    assert report.verdict is Verdict.PASS
    assert report.counts.skipped == 1
    (skipped,) = report.skipped
    assert (skipped.mode, skipped.database) == ("stress", "a file")
    assert "there are no programs to start" in render(report)
    with pytest.raises(ConfigurationError, match="there are a file"):
        run_race_suite(suite, replace(SMALL, databases=("a cloud",)))


def test_nothing_but_skipped_databases_is_inconclusive() -> None:
    """Nothing was measured."""
    suite = replace(suite_of(GuardedDispatch), servers={"a file": not_here})
    assert run_race_suite(suite, replace(SMALL, modes=("stress",))).verdict is Verdict.INCONCLUSIVE


def test_the_self_check_gets_no_more_schedules_than_its_scenario() -> None:
    """Who looks too shortly to see a planted fault can't call the service right either."""
    fault = PlantedFault("unguarded", "no guard", GuardedDispatch, unguarded)
    short = replace(SMALL, iterations={"guarded-dispatch": 2})
    report = run_race_suite(suite_of(GuardedDispatch, faults=[fault]), short)
    assert report.scenarios[0].iterations == 2
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.reasons[0].rule == "race/self-check"


def test_what_failed_stays_failed_when_the_rest_cannot_be_raced() -> None:
    """A race found before another one's set-up fails is not lost; nothing failed before is no FAIL."""
    report = run_race_suite(suite_of(RacyDispatch, FailingSetup), SMALL)
    assert report.verdict is Verdict.FAIL
    assert [result.scenario for result in report.scenarios] == ["racy-dispatch"]
    assert report.reasons[-1].rule == "race/finished"
    assert "no such route" in report.reasons[-1].message
    with pytest.raises(SetupFailed, match="no such route"):
        run_race_suite(suite_of(GuardedDispatch, FailingSetup), SMALL)


def test_an_oracle_that_cannot_check_is_inconclusive() -> None:
    """With the reason."""
    report = run_race_suite(suite_of(BlindDispatch), SMALL)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "KeyError" in report.reasons[0].message


def test_a_set_up_that_breaks_in_any_way_is_inconclusive() -> None:
    """What a server answers may break it with any exception, which is told and is no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        suite = replace(suite_of(StumblingSetup), servers={"a file": lambda: nullcontext([FixedServer(url)])})
        report = run_race_suite(suite, replace(SMALL, modes=("stress",)))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "KeyError: 'id'" in report.reasons[0].message


def test_servers_that_do_not_answer_are_inconclusive() -> None:
    """Nothing was released."""
    report = run_race_suite(suite_of(GuardedDispatch), replace(SMALL, modes=("stress",)))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.counts.samples == 0
    assert any("nothing was released" in reason.message for reason in report.reasons)


def test_failing_iterations_are_kept_and_the_first_of_the_others() -> None:
    """Details of every failing schedule, and of as many passing ones as asked for."""
    few = run_race_suite(suite_of(RacyDispatch), replace(SMALL, keep=1)).scenarios[0]
    everything = run_race_suite(suite_of(LockedDispatch), replace(SMALL, keep=None)).scenarios[0]
    assert sum(detail.verdict is Verdict.PASS for detail in few.details) == 1
    assert sum(detail.verdict is Verdict.FAIL for detail in few.details) == few.failed
    assert len(everything.details) == everything.iterations


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedules": 0},
        {"releases": -1},
        {"clients": 0},
        {"kills": -1},
        {"brief_releases": 0},
        {"bound": -1},
        {"seed": -1},
        {"modes": ()},
        {"modes": ("dream",)},
        {"strategies": ("luck",)},
        {"iterations": {"racy-dispatch": 0}},
    ],
)
def test_what_would_measure_nothing_is_refused(wrong: dict[str, object]) -> None:
    """Before anything runs."""
    with pytest.raises(ConfigurationError):
        replace(SMALL, **wrong)


def published(folder: Path) -> tuple[RaceReport, Path]:
    """A failing report on disk, and its tape."""
    report = run_race_suite(suite_of(RacyDispatch), replace(SMALL, output=folder))
    publish_race_report(folder, report)
    (tape,) = folder.glob("*.tape.json")
    return report, tape


def test_evidence_stands_beside_its_tapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the evidence folder and in the folder of the run: JSON, Markdown, the tape and its picture."""
    run_folder = tmp_path / "run"
    run_folder.mkdir()
    monkeypatch.setenv("GATEWRIGHT_EVIDENCE", str(run_folder))
    report, tape = published(tmp_path / "evidence")
    assert RaceReport.model_validate_json((tape.parent / "latest.json").read_text()) == report
    assert {file.name for file in run_folder.iterdir()} == {
        "report.json",
        "report.md",
        tape.name,
        tape.name.replace(".tape.json", ".html"),
    }
    markdown = (tape.parent / "latest.md").read_text()
    assert markdown.startswith("# planted-races: FAIL\n")
    assert "UPDATE task SET status" in markdown
    assert report.reasons[0].command in markdown


def test_a_tape_replays_every_time(tmp_path: Path) -> None:
    """FAIL when all replays fail as on the tape, and the interleaving is told."""
    _, tape = published(tmp_path)
    outcome = replay(tape, 5, allowed=["planted"])
    assert (outcome.verdict, outcome.reproduced, outcome.diverged) == (Verdict.FAIL, 5, 0)
    assert "reproduced 5 of 5" in outcome.text()
    assert re.search(r"alice +bob", outcome.text())
    assert "single-dispatch is broken at the end: dispatched 2 times" in outcome.text()
    assert all(len(line) <= 60 for line in outcome.text(width=60).splitlines()[2:-4])


def rewritten(tape: Path, **fields: object) -> Path:
    tape.write_text(json.dumps({**json.loads(tape.read_text()), **fields}))
    return tape


def test_a_tape_that_can_no_longer_be_followed_is_inconclusive(tmp_path: Path) -> None:
    """The place where the program left it is told; a lenient replay goes on and sees that it is mended."""
    _, tape = published(tmp_path)
    rewritten(tape, scenario="planted.dispatch_programs:LockedDispatch")
    strict = replay(tape, 3, allowed=["planted"])
    lenient = replay(tape, 3, allowed=["planted"], strict=False)
    assert (strict.verdict, strict.diverged) == (Verdict.INCONCLUSIVE, 3)
    assert "BEGIN IMMEDIATE" in strict.first_divergence
    assert (lenient.verdict, lenient.reproduced) == (Verdict.PASS, 0)
    assert strict.departures == 0
    assert lenient.departures > 0
    assert f"{lenient.departures} steps not as on the tape" in lenient.text()
    assert "on the tape single-dispatch: dispatched 2 times" in lenient.text()
    assert "What was broken on the tape" in lenient.html("gatewright replay T")


def test_a_replay_is_drawn_for_terminals_and_browsers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`gatewright replay TAPE --html FILE`: plain text where nobody looks on, and a page with the same facts."""
    _, tape = published(tmp_path / "evidence")
    policy = 'schema_version = 1\n[gate]\nscenarios = ["planted"]\n[checks.unit]\nsteps = [["true"]]\n'
    (tmp_path / "gate.toml").write_text(f'{policy}results = ["junit.xml"]\n')
    page = tmp_path / "picture.html"
    code = execute(["--root", str(tmp_path), "replay", str(tape), "--times", "2", "--html", str(page)])
    text, html = capsys.readouterr().out, page.read_text()
    assert code == ExitCode.FAIL
    assert "\x1b" not in text
    for said in ("reproduced 2 of 2", "UPDATE task SET status", "single-dispatch is broken at the end"):
        assert said in text
        assert said in html
    assert f"gatewright replay {tape}" in html


def test_a_tape_that_fails_otherwise_is_inconclusive(tmp_path: Path) -> None:
    """The same steps with another violation neither reproduce the failure nor show that it is mended."""
    _, tape = published(tmp_path)
    outcome = replay(rewritten(tape, failed={"no-server-error": ["500"]}), 3, allowed=["planted"])
    assert (outcome.verdict, outcome.reproduced, outcome.diverged) == (Verdict.INCONCLUSIVE, 0, 0)
    assert outcome.unclear == 3
    assert "single-dispatch: dispatched 2 times" in outcome.text()


@pytest.mark.parametrize(
    ("scenario", "allowed", "message"),
    [
        ("planted.dispatch_programs:RacyDispatch", ["other"], "may not be imported"),
        ("planted_elsewhere:RacyDispatch", ["planted"], "may not be imported"),
        ("planted.nowhere:RacyDispatch", ["planted"], "can't be found"),
        ("planted.dispatch_programs:Nothing", ["planted"], "can't be found"),
        ("planted.dispatch_programs:check_then_act", ["planted"], "is no scenario"),
        ("planted.dispatch_programs:FastAPI", ["planted"], "is no scenario"),
    ],
)
def test_a_tape_imports_nothing_but_allowed_scenarios(
    tmp_path: Path, scenario: str, allowed: list[str], message: str
) -> None:
    """A tape may come from anywhere."""
    _, tape = published(tmp_path)
    before = set(sys.modules)
    with pytest.raises(ConfigurationError, match=message):
        replay(rewritten(tape, scenario=scenario), allowed=allowed)
    assert "planted_elsewhere" not in set(sys.modules) - before


@pytest.mark.parametrize("times", [0, -1, 10**9])
def test_a_tape_is_replayed_a_sensible_number_of_times(tmp_path: Path, times: int) -> None:
    """Neither never nor for ever."""
    _, tape = published(tmp_path)
    with pytest.raises(ConfigurationError, match="can be replayed"):
        replay(tape, times, allowed=["planted"])


def command(tmp_path: Path, *argv: str, scenario: type[Scenario] = GuardedDispatch) -> int:
    """The suite's command line."""
    profiles = {
        "quick": replace(SMALL, output=tmp_path),
        "full": replace(SMALL, output=tmp_path, profile="full"),
    }
    return race_command(
        lambda config, progress: run_race_suite(suite_of(scenario), config, progress=progress),
        profiles,
        argv,
        program="planted",
        suite="planted-races",
        environment={},
    )


@pytest.mark.parametrize(
    ("scenario", "code"),
    [(GuardedDispatch, ExitCode.PASS), (RacyDispatch, ExitCode.FAIL), (BlindDispatch, ExitCode.INCONCLUSIVE)],
)
def test_the_exit_code_is_the_verdicts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], scenario: type[Scenario], code: int
) -> None:
    """0, 1, 3; the last word on the terminal is the verdict, and progress goes to the other stream."""
    assert command(tmp_path, "--iterations", "20", scenario=scenario) == code
    output, progress = capsys.readouterr()
    assert output.splitlines()[-1] == Verdict[code.name]
    assert progress.startswith(f"explore {scenario.name}: ")
    assert (
        RaceReport.model_validate_json((tmp_path / "latest.json").read_text()).verdict == Verdict[code.name]
    )


def test_the_self_check_can_be_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is explored beside it, and without planted faults it has shown nothing."""
    assert command(tmp_path, "--self-check-only") == ExitCode.INCONCLUSIVE
    report = RaceReport.model_validate_json((tmp_path / "latest.json").read_text())
    assert (report.modes, report.scenarios) == (("self-check",), ())
    assert capsys.readouterr().out.splitlines()[-1] == "INCONCLUSIVE"


def test_flags_overrule_the_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As the printed report shows."""
    flags = [
        "--profile",
        "full",
        "--seed",
        "9",
        "--bound",
        "0",
        "--strategy",
        "icb",
        "--details",
        "all",
        "--json",
    ]
    assert (
        command(tmp_path, *flags, "--mode", "explore", "--iterations", "guarded-dispatch=7") == ExitCode.PASS
    )
    report = RaceReport.model_validate_json(capsys.readouterr().out)
    assert (report.profile, report.seed, report.scenarios[0].strategies) == ("full", 9, {"icb": 2})
    assert len(report.scenarios[0].details) == 2


@pytest.mark.parametrize(
    "flags",
    [
        ["--iterations", "many"],
        ["--iterations", "guarded-dispatch=-1"],
        ["--iterations", "0"],
        ["--scenario", "nothing"],
        ["--details", "some"],
        ["--database", "a cloud"],
        ["--self-check-only", "--mode", "explore"],
        ["--bound", "-1"],
        ["--seed", str(10**12)],
    ],
)
def test_a_wrong_flag_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    """Exit 2, nothing on standard output, no PASS left behind."""
    assert command(tmp_path, *flags) == ExitCode.USAGE
    output, complaint = capsys.readouterr()
    assert output == ""
    assert len(complaint.splitlines()) == 1
    assert not (tmp_path / "latest.json").exists() or "PASS" not in (tmp_path / "latest.json").read_text()


@pytest.mark.parametrize(
    ("scenario", "why"), [(FailingSetup, "no such route"), (BrokenApp, "the app could not be made")]
)
def test_a_race_that_cannot_be_prepared_leaves_no_old_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], scenario: type[Scenario], why: str
) -> None:
    """The latest report says INCONCLUSIVE and why, although the one before passed."""
    assert command(tmp_path, "--iterations", "20") == ExitCode.PASS
    assert command(tmp_path, scenario=scenario) == ExitCode.INCONCLUSIVE
    report = RaceReport.model_validate_json((tmp_path / "latest.json").read_text())
    assert report.verdict is Verdict.INCONCLUSIVE
    assert why in report.reasons[0].message
    complaint = capsys.readouterr().err.splitlines()[-1]
    assert why in complaint


def test_an_interrupted_run_leaves_no_old_pass(tmp_path: Path) -> None:
    """Ctrl-C is no verdict."""
    assert command(tmp_path, "--iterations", "20") == ExitCode.PASS

    def interrupted(*_: object) -> RaceReport:
        raise KeyboardInterrupt

    code = race_command(
        interrupted,
        {"quick": replace(SMALL, output=tmp_path)},
        [],
        program="planted",
        suite="planted-races",
        environment={},
    )
    report = RaceReport.model_validate_json((tmp_path / "latest.json").read_text())
    assert code == 130
    assert (report.verdict, report.reasons[0].message) == (Verdict.INCONCLUSIVE, "the run was interrupted")
