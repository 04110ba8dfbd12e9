"""The command of every check in the corpus: leaves the result of a test run, or of a suite.

    python measure.py FOLDER CODE

CODE is Python that is run against the helpers below; FOLDER is where results go. It is copied into the project of
each case.
"""

import json
import os  # noqa: F401 - for the code of cases
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)


def junit(passed=3, failed=0, skipped=0):
    """Leave `junit.xml` as pytest would write it."""
    cases = [f"<testcase classname='demo' name='passed{n}'/>" for n in range(passed)]
    cases += [f"<testcase classname='demo' name='failed{n}'><failure/></testcase>" for n in range(failed)]
    cases += [f"<testcase classname='demo' name='skipped{n}'><skipped/></testcase>" for n in range(skipped)]
    suite = f"<testsuite name='demo' tests='{len(cases)}' failures='{failed}' errors='0' skipped='{skipped}'>"
    write("junit.xml", f"<testsuites>{suite}{''.join(cases)}</testsuite></testsuites>")


def report(verdict="PASS", **changes):
    """Leave `report.json`: a verdict, what was counted and measured, and when."""
    now = datetime.now(UTC).isoformat()
    document = {
        "schema_version": "demo/1",
        "suite": "demo",
        "verdict": verdict,
        "reasons": [],
        "counts": {"schedules": 500, "samples": 2000},
        "metrics": {"latency_p95_ms": 12.5},
        "started_at": now,
        "finished_at": now,
        "details of the suite": {"which": "the judge leaves aside"},
    }
    write("report.json", json.dumps(document | changes))


def read(name):
    """A file of the folder."""
    return (folder / name).read_text(encoding="utf-8")


def write(name, text):
    """Write a file of the folder."""
    (folder / name).write_text(text, encoding="utf-8")


def wait(seconds):
    """Take longer than anybody should wait."""
    time.sleep(seconds)


print("measuring in", folder)
exec(sys.argv[2])
