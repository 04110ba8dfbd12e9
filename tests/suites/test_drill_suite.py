"""Suites of drills: what is violated fails, what was not looked at is not a PASS, and the report says which."""

import json
import threading

import pytest

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.core.verdict import ExitCode, State, Verdict
from gatewright.evidence.adapters.suite import read_suite
from gatewright.suites.arguments import Figure
from gatewright.suites.drill import (
    Drill,
    DrillReport,
    DrillSuite,
    DrillSuiteConfig,
    Expectation,
    NotHere,
    drill_command,
    run_drill_suite,
)
from gatewright.suites.drill.markdown import render

ALIVE = Expectation("alive", "the service answers")
WHOLE = Expectation("whole", "nothing acknowledged is lost")


def holding(log):
    log.note("killed it")
    log.expect("alive")
    log.expect("whole")
    log.measure("recovery_ms", 12.5)
    log.repeated()


def violating(log):
    holding(log)
    log.expect("whole", ["run 7 is gone", "run 8 is gone"])


def negligent(log):
    log.expect("alive")


def breaking(log):
    holding(log)
    raise KeyError("a defect of the drill")


def impossible(_log):
    raise GatewrightError("the server did not start", remedy="free its port")


def elsewhere(_log):
    raise NotHere("there is no database server")


def drill(run, name="kill", place=""):
    return Drill(name, "kills the service", (ALIVE, WHOLE), run, place)


def report_of(*drills, **config):
    suite = DrillSuite("restarts", drills, "python -m restarts")
    return run_drill_suite(suite, DrillSuiteConfig(**config))


def test_a_drill_whose_expectations_hold_passes():
    """With its counts, figures and course."""
    report = report_of(drill(holding))
    assert (report.verdict, report.reasons) == (Verdict.PASS, ())
    assert (report.counts.collected, report.counts.passed, report.counts.samples) == (2, 2, 1)
    assert report.metrics == {"kill_repetitions": 1, "kill_recovery_ms": 12.5}
    assert [moment.what for moment in report.drills[0].timeline] == ["killed it"]


def test_a_violation_fails_and_points_to_its_place():
    """The reason has the first words, and the command that carries out this drill alone."""
    report = report_of(drill(holding), drill(violating, "cut", "sqlite"))
    assert report.verdict is Verdict.FAIL
    (reason,) = report.reasons
    assert (reason.rule, reason.pointer) == ("restarts/whole", "/drills/1/expectations/1")
    assert "run 7 is gone" in reason.message
    assert reason.observed == "violated 1 of 2 times"
    assert reason.command == "python -m restarts --drill cut --database sqlite"


@pytest.mark.parametrize("run", [negligent, breaking, impossible])
def test_what_could_not_be_looked_at_is_inconclusive(run):
    """An expectation that was never evaluated, a drill that breaks, a service that does not start."""
    report = report_of(drill(run), drill(holding, "other"))
    assert [result.verdict for result in report.drills] == [Verdict.INCONCLUSIVE, Verdict.PASS]
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.reasons[0].rule == "restarts/conclusive"


def test_a_violation_before_a_drill_breaks_stays_a_failure():
    """What was seen was seen."""

    def both(log):
        violating(log)
        raise OSError("gone")

    assert report_of(drill(both)).verdict is Verdict.FAIL


def test_what_this_machine_can_not_run_is_skipped_and_told():
    """The rest decides; where nothing is left, nothing is known."""
    report = report_of(drill(elsewhere, place="postgresql"), drill(holding, place="sqlite"))
    assert (report.verdict, report.counts.skipped) == (Verdict.PASS, 1)
    assert report.skipped[0].reason == "there is no database server"
    assert report_of(drill(elsewhere)).verdict is Verdict.INCONCLUSIVE


def test_the_gate_reads_the_report():
    """As any suite's: its state, counts and figures."""
    report = report_of(drill(violating))
    result = read_suite("report.json", report.model_dump_json().encode())
    assert (result.state, result.counts.failed) == (State.FAIL, 1)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"drills": ("cut",)}, "no drill 'cut'; there are kill"),
        ({"places": ("oracle",)}, "no database 'oracle'; there are sqlite"),
    ],
)
def test_unknown_names_are_refused(config, message):
    """With those that there are."""
    with pytest.raises(ConfigurationError, match=message):
        report_of(drill(holding, place="sqlite"), **config)


def test_the_markdown_makes_names_harmless():
    """A violation may quote what a hostile service said."""

    def hostile(log):
        log.expect("alive", ["<script>|`"])
        log.expect("whole")

    text = render(report_of(drill(hostile)))
    assert "<script>" not in text
    assert text.startswith("# restarts: FAIL")


def test_drills_on_different_places_go_on_side_by_side():
    """Those on one place come one after the other; the report has them in their order."""
    met, done = threading.Barrier(2, timeout=30), []

    def together(log):
        met.wait()
        holding(log)

    def second(log):
        done.append(len(done))
        holding(log)

    def last_of_all(_log):
        raise SystemExit

    drills = [
        drill(together, "a", "sqlite"),
        drill(second, "b", "sqlite"),
        drill(together, "a", "postgresql"),
        drill(elsewhere, "c", "postgresql"),
    ]
    suite = DrillSuite("restarts", drills, "python -m restarts", side_by_side=True)
    report = run_drill_suite(suite, DrillSuiteConfig())
    assert report.verdict is Verdict.PASS
    assert [result.title for result in report.drills] == ["a on sqlite", "b on sqlite", "a on postgresql"]
    assert [each.drill for each in report.skipped] == ["c"]
    ending = DrillSuite("restarts", [drill(last_of_all, place="sqlite")], "", side_by_side=True)
    with pytest.raises(SystemExit):
        run_drill_suite(ending, DrillSuiteConfig())


def run_command(tmp_path, *arguments, run=holding, environment=None):
    suite = DrillSuite("restarts", [drill(run)], "python -m restarts")
    seen = []

    def suite_run(config, progress):
        seen.append(config)
        return run_drill_suite(suite, config, progress=progress)

    profiles = {
        "quick": DrillSuiteConfig(output=tmp_path),
        "full": DrillSuiteConfig(profile="full", output=tmp_path),
    }
    code = drill_command(
        suite_run,
        profiles,
        arguments,
        program="python -m restarts",
        suite="restarts",
        description="Restarts.",
        environment=environment or {},
        figures={"seed": Figure("chance", 1, "of chance")},
        prefix="RESTARTS_",
    )
    return code, seen


def test_the_command_writes_evidence_and_exits_by_the_verdict(tmp_path, capsys):
    """FAIL is 1, and the terminal says what did not hold."""
    code, _ = run_command(tmp_path, run=violating)
    assert code == ExitCode.FAIL
    report = DrillReport.model_validate(json.loads((tmp_path / "latest.json").read_text()))
    assert report.verdict is Verdict.FAIL
    assert "run 7 is gone" in capsys.readouterr().out


def test_flags_outrank_the_environment(tmp_path):
    """Which outranks the profile."""
    _, (config,) = run_command(tmp_path, environment={"RESTARTS_CHANCE": "5", "GATEWRIGHT_PROFILE": "full"})
    assert (config.seed, config.profile) == (5, "full")
    _, (config,) = run_command(tmp_path, "--chance", "6", environment={"RESTARTS_CHANCE": "5"})
    assert (config.seed, config.profile) == (6, "quick")


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        ((), {"RESTARTS_CHANCE": "many"}),
        ((), {"RESTARTS_LUCK": "1"}),
        (("--chance", "1.5"), {}),
        (("--drill", "x"), {}),
    ],
)
def test_what_can_not_be_used_is_refused_in_one_line(tmp_path, capsys, arguments, environment):
    """Exit code 2, and no PASS of an earlier run is left."""
    code, _ = run_command(tmp_path, *arguments, environment=environment)
    assert code == ExitCode.USAGE
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_an_interrupted_suite_leaves_no_pass(tmp_path):
    """`latest.json` says that it was interrupted, and the exit code that of Ctrl-C."""
    run_command(tmp_path)

    def interrupted(_log):
        raise KeyboardInterrupt

    code, _ = run_command(tmp_path, run=interrupted)
    assert code == 130
    assert json.loads((tmp_path / "latest.json").read_text())["verdict"] == "INCONCLUSIVE"


def test_a_folder_that_can_not_be_written_to_is_refused(tmp_path, capsys):
    """In one line, before anything is done."""
    file = tmp_path / "taken"
    file.touch()
    code, seen = run_command(tmp_path, "--output-dir", str(file / "deeper"))
    assert (code, seen) == (ExitCode.USAGE, [])
    assert "can't be written to" in capsys.readouterr().err
