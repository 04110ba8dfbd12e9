"""Reads every result that should be there and ends with 1 when one of them says that something is wrong."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task


@task
def judge(_context: Context) -> None:
    """Judge what the checks have left."""
    for check in json.loads(Path("checks.json").read_bytes())["checks"]:
        for path in map(Path, check["results"]):
            if path.suffix == ".xml":
                judge_tests(path)
            else:
                judge_report(path, check["demands"].get("limits", {}))


def judge_tests(path: Path) -> None:
    """No suite may count a failure or an error."""
    for suite in ET.parse(path).getroot().iter("testsuite"):
        if int(suite.get("failures", "0")) + int(suite.get("errors", "0")):
            raise Exit(f"{path}: tests failed", code=1)


def judge_report(path: Path, limits: dict) -> None:
    """The verdict must be PASS, and no metric beyond its limit."""
    report = json.loads(path.read_text(encoding="utf-8"))
    if report["verdict"] != "PASS":
        raise Exit(f"{path}: {report['verdict']}", code=1)
    for name, limit in limits.items():
        value = report["metrics"][name]
        if value > limit.get("max", value) or value < limit.get("min", value):
            raise Exit(f"{path}: {name} is {value}", code=1)
