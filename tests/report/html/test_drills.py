"""The drills on the verdict page: all of them in short, and the course of each that did not hold."""

import json

import pytest
from report.html.paged import text_of_one

from gatewright.suites.drill import Drill, DrillSuite, DrillSuiteConfig, Expectation, NotHere, run_drill_suite

WHOLE = Expectation("whole", "nothing acknowledged is lost")


def report_of(*runs):
    drills = [Drill(f"kill-{n}", "kills the service", (WHOLE,), run, "sqlite") for n, run in enumerate(runs)]
    suite = DrillSuite("restarts", drills, "python -m restarts")
    return json.loads(run_drill_suite(suite, DrillSuiteConfig()).model_dump_json())


def holding(log):
    log.repeated(3)
    log.expect("whole")


def violating(log):
    log.note("killed <b>it</b>")
    log.expect("whole", ["run <script>7</script> is gone"])


def absent(_log):
    raise NotHere("there is no database server")


def test_every_drill_is_told_in_short(tmp_path):
    """What it does, how often it did it, and how much of what must hold did."""
    text = text_of_one(tmp_path, report_of(holding, holding))
    for told in ("kill-0 on sqlite", "kills the service", "3 times", "1 of 1 hold"):
        assert told in text
    assert "Run it again" not in text.split("Drills")[-1].split("Trends")[0].split("Environment")[0]


def test_what_did_not_hold_is_told_with_its_course(tmp_path):
    """Harmless, whatever the service said, and with the command that does it again."""
    text = text_of_one(tmp_path, report_of(holding, violating))
    for told in (
        "nothing acknowledged is lost: violated 1 of 1 times",
        "run <script>7</script> is gone",
        "killed <b>it</b>",
        "python -m restarts --drill kill-1 --database sqlite",
    ):
        assert told in text


def test_what_this_machine_could_not_run_is_a_gap(tmp_path):
    """Beside what else was not checked."""
    assert "kill-1 on sqlite: there is no database server." in text_of_one(
        tmp_path, report_of(holding, absent)
    )


@pytest.mark.parametrize("damage", [{"drills": [{"drill": "x"}]}, {"drills": 7}])
def test_a_report_that_can_not_be_drawn_costs_a_note(tmp_path, damage):
    """And nothing else of the page."""
    text = text_of_one(tmp_path, report_of(holding) | damage)
    assert "is not drawn" in text
