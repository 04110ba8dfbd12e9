"""A policy without a problem, and what the lint says of it and of others."""

from datetime import UTC, date, datetime

from gatewright.gate.lint import LintReport, lint_policy
from gatewright.gate.lint_rules import Surroundings
from gatewright.gate.sessions import Sessions

__all__ = ["AROUND", "GOOD", "NOW", "TODAY", "lint", "told"]

NOW = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
TODAY = date(2026, 3, 1)
AROUND = Surroundings(NOW, Sessions(frozenset({"tests", "lint"})), lambda name: name.startswith("shop"))

GOOD = """\
schema_version = 1

[gate]
scenarios = ["shop.races"]
measured = "shop.measured:API"

[checks.unit]
session = "tests"
steps = [
  ["{python}", "-m", "pytest", "--junit-xml={evidence}/junit.xml"],
  ["{python}", "stress.py", "--profile", "{profile}", "{root}"],
]
results = ["junit.xml", "report.json"]
publish = { "step-1.log" = "docs/evidence/unit/latest.log" }
min_collected = 3

[checks.load]
steps = [["gatewright", "slo", "run", "shop"]]
results = ["report.json"]
min_samples = 100
exclusive = true

[slo.shop]
target = "http://127.0.0.1:8000"
journeys.buy = { factory = "shop:Buy" }
objectives = [{ metric = "success_ratio", at_least = 0.99 }]

[[waivers]]
id = "known"
check = "unit"
reason = "is being mended"
owner = "ada"
expires = 2026-03-31
"""


def lint(text: str, around: Surroundings = AROUND) -> LintReport:
    return lint_policy(text.encode(), "gate.toml", around)


def told(text: str, around: Surroundings = AROUND) -> list[tuple[int, str, str]]:
    return [(each.line, each.severity.value, each.place) for each in lint(text, around).problems]
