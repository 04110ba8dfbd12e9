"""A small project with a policy, whose checks leave evidence without measuring anything."""

import json
from pathlib import Path

from gatewright.execution.project import Project

__all__ = ["CLEAN_POLICY", "make_project", "policy_with"]

MEASURE = '''\
"""Leaves the result of a test run and of a suite."""

import json
import os
import sys
from datetime import UTC, datetime

folder = os.environ["GATEWRIGHT_EVIDENCE"]


def junit(passed=3, failed=0, skipped=0):
    cases = ["<testcase classname='demo' name='passed%d'/>" % n for n in range(passed)]
    cases += ["<testcase classname='demo' name='failed%d'><failure/></testcase>" % n for n in range(failed)]
    cases += ["<testcase classname='demo' name='skipped%d'><skipped/></testcase>" % n for n in range(skipped)]
    write("junit.xml", "<testsuites><testsuite>%s</testsuite></testsuites>" % "".join(cases))


def report(verdict="PASS", **changes):
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


def write(name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


print("measuring in", folder)
exec(sys.argv[1])
'''

CLEAN_POLICY = """\
schema_version = 1

[gate]
keep = 3

[checks.unit]
steps = [["{python}", "-I", "-S", "measure.py", "junit()"]]
results = ["junit.xml"]
min_collected = 3
max_age_s = 3600

[checks.stress]
steps = [["{python}", "-I", "-S", "measure.py", "report()"]]
results = ["report.json"]
min_schedules = 100
min_samples = 1000
max_age_s = 3600

[checks.stress.limits.latency_p95_ms]
max = 100.0
"""


def policy_with(*steps: str, results: tuple[str, ...] = ("junit.xml",), more: str = "") -> str:
    """A policy with one check, `unit`, whose steps run code against the helpers of `measure.py`."""
    commands = ", ".join(f'["{{python}}", "-I", "-S", "measure.py", {json.dumps(code)}]' for code in steps)
    return (
        f"schema_version = 1\n[checks.unit]\nsteps = [{commands}]\nresults = {json.dumps(results)}\n{more}\n"
    )


def make_project(root: Path, policy: str = CLEAN_POLICY) -> Project:
    """Write a project: a policy, the measuring script and an ignore file."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "gate.toml").write_text(policy, encoding="utf-8")
    (root / "measure.py").write_text(MEASURE, encoding="utf-8")
    (root / ".gitignore").write_text("docs/evidence/**\n__pycache__/\n", encoding="utf-8")
    return Project(root)
