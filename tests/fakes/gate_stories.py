"""Gates with a past, each of which ends in another way: what pages and their pictures are made of."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path

from fakes.gate_runs import FakeGate, Planted, failing_race, failing_slo, junit, passing_race, passing_slo

__all__ = ["HOSTILE", "STORIES", "doubtful", "failing", "hostile", "many", "passing", "waived"]

POLICY = """\
schema_version = 1

[gate]
keep = 40

[checks.tests]
session = "tests"
steps = [["{python}", "-m", "pytest"]]
full_steps = [["{python}", "-m", "pytest", "--all"]]
results = ["junit.xml"]
min_collected = 100
max_skipped = 5

[checks.race-stress]
steps = [["{python}", "race_suite.py"]]
results = ["report.json"]
min_schedules = 50

[checks.slo-smoke]
steps = [["{python}", "slo_suite.py"]]
results = ["report.json"]
min_samples = 400
exclusive = true
"""
RACE = ("python", "race_suite.py", "--profile", "quick")
SLO = ("python", "slo_suite.py", "--profile", "quick")
HOSTILE = (
    "</title></style></script><script>window.owned=1;alert(1)</script><img src=x onerror=alert(1)>"
    "\" ' javascript:alert(1) \x1b[2J \x00 \u202egnol \u2066 \ufffe"
)


def good(number: int) -> dict[str, Planted]:
    """What the checks leave in a good run; figures differ a little from run to run."""
    chance = random.Random(number)
    report = passing_slo()
    figures = {
        name: value * chance.uniform(0.9, 1.15) if "latency_p" in name else value
        for name, value in report["metrics"].items()
    }
    return {
        "tests": Planted({"junit.xml": junit(2841, skipped=3)}, duration_s=chance.uniform(86, 97)),
        "race-stress": Planted({"report.json": passing_race()}, argv=RACE, duration_s=chance.uniform(46, 54)),
        "slo-smoke": Planted(
            {"report.json": report | {"metrics": figures}}, argv=SLO, duration_s=chance.uniform(20, 24)
        ),
    }


def with_past(root: Path, runs: int = 11) -> FakeGate:
    """A gate with earlier runs: one failed, one left no evidence of a check."""
    gate = FakeGate(root, POLICY)
    for number in range(runs):
        checks = good(number)
        if number == 4:
            checks["tests"] = Planted({"junit.xml": junit(2838, failed=3)}, exit_code=1, duration_s=71.0)
        if number == 7:
            del checks["slo-smoke"]
        gate.run(checks, number=number)
    return gate


def passing(root: Path) -> FakeGate:
    """All is well."""
    gate = with_past(root)
    gate.run(good(11), number=11)
    return gate


def failing(root: Path) -> FakeGate:
    """A race was lost and a promise about latency broken, with uncommitted changes in the tree."""
    gate = with_past(root)
    raced = Planted({"report.json": failing_race()}, argv=RACE, exit_code=1, duration_s=31.4)
    loaded = Planted({"report.json": failing_slo()}, argv=SLO, exit_code=1, duration_s=19.2)
    gate.run(good(11) | {"race-stress": raced, "slo-smoke": loaded}, number=11, dirty=True)
    return gate


def doubtful(root: Path) -> FakeGate:
    """One check left nothing, another skipped too much in an environment that was not its own."""
    gate = with_past(root, 3)
    checks = good(3)
    del checks["slo-smoke"]
    checks["tests"] = Planted({"junit.xml": junit(2841, skipped=9)}, isolated=False, duration_s=90.3)
    gate.run(checks, number=3, commit="unknown", dirty=None)
    return gate


def waived(root: Path) -> FakeGate:
    """A broken promise that somebody answers for, and a waiver that is over."""
    waivers = """
[[waivers]]
id = "cold-cache"
check = "slo-smoke"
reason = "The cache of the new region is cold until the import has run; measured by hand."
owner = "team-orders"
expires = 2026-11-28

[[waivers]]
id = "old"
check = "tests"
reason = "A fixture leaks."
owner = "team-core"
expires = 2026-10-01
"""
    gate = FakeGate(root, POLICY + waivers)
    loaded = Planted({"report.json": failing_slo()}, argv=SLO, exit_code=1, duration_s=19.2)
    gate.run(good(0) | {"slo-smoke": loaded}, number=0)
    return gate


def many(root: Path) -> FakeGate:
    """Two hundred checks, a few of which fail, and some of which are advisory."""
    names = [f"service-{number:03}" for number in range(200)]
    chance = random.Random(200)
    policy = "schema_version = 1\n" + "".join(
        f'[checks.{name}]\nsteps = [["check"]]\nresults = ["junit.xml"]\n'
        f"required = {'true' if number % 7 else 'false'}\n"
        for number, name in enumerate(names)
    )
    gate = FakeGate(root, policy)
    for number in range(3):
        bad = {names[3 + number]} if number < 2 else {names[11], names[42], names[133]}
        checks = {
            name: Planted(
                {"junit.xml": junit(chance.randint(3, 90), failed=int(name in bad))},
                exit_code=int(name in bad),
                duration_s=chance.uniform(1, 90),
            )
            for name in names
            if name not in {names[17], names[55]}
        }
        gate.run(checks, number=number)
    return gate


def hostile(root: Path) -> FakeGate:
    """Every name that evidence holds tries to become something else than a name."""
    gate = FakeGate(root, POLICY)
    gate.run(good(0), number=0)
    race, slo = failing_race(), failing_slo()
    scenario = race["scenarios"][0]
    example = scenario["counterexample"] | {
        "violations": {HOSTILE: [HOSTILE]},
        "broken_at": {},
        "command": HOSTILE,
        "steps": [{"actor": HOSTILE, "label": HOSTILE, "waited": True, "preempts": HOSTILE}] * 3,
        "operations": [],
    }
    race["scenarios"] = [scenario | {"scenario": HOSTILE, "counterexample": example}]
    race["reasons"] = [
        {"rule": HOSTILE, "message": HOSTILE, "artifact": artifact, "pointer": HOSTILE, "expected": HOSTILE}
        | {"observed": HOSTILE, "see": HOSTILE, "command": HOSTILE}
        for artifact in ("javascript:alert(1)", "../../../../etc/passwd", "report.json")
    ]
    slo["scenarios"] = [slo["scenarios"][0] | {"name": HOSTILE, "remarks": [HOSTILE]}]
    slo["metrics"] = {HOSTILE + "p95": 1.0}
    files = {"report.json": race, 'report "><b> #?.json': "{}"}
    gate.run(
        good(1)
        | {
            "tests": Planted(
                {"junit.xml": junit(200, failed=1, name="&lt;b&gt;x")}, argv=(HOSTILE,), exit_code=1
            ),
            "race-stress": Planted(files, exit_code=1),
            "slo-smoke": Planted({"report.json": slo}, exit_code=1),
        },
        number=1,
    )
    return gate


STORIES: Mapping[str, Callable[[Path], FakeGate]] = {
    "pass": passing,
    "fail": failing,
    "doubt": doubtful,
    "waived": waived,
    "many": many,
    "hostile": hostile,
}
