"""What the lint of a policy says, word for word: the line, the place, what is wrong, and what to do about it."""

import pytest
from gate.test_lint import AROUND, GOOD, lint

from gatewright.gate.lint import lint_policy


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "min_collected = 3",
            "min_collected =",
            ["15 : this is not TOML: Invalid value (at line 15, column 16); see https://toml.io/en/v1.0.0"],
        ),
        ("min_collected", "zzz", ["15 checks.unit.zzz: there is no such setting; take it out"]),
        ("[gate]", "[gates]", ["3 gates: there is no such setting; did you mean gate?"]),
        (
            "factory",
            "factry",
            [
                "25 slo.shop.journeys.buy.factory: is missing; add factory: `module:name` of what is called with the service's `Origin` and gives a `gatewright.load.Journey`.",
                "25 slo.shop.journeys.buy.factry: there is no such setting; did you mean factory?",
            ],
        ),
        (
            "schema_version = 1\n",
            "\n",
            ["1 schema_version: is missing; add schema_version: the form of the policy, 1."],
        ),
        (
            'reason = "is being mended"\n',
            "",
            ["28 waivers.0.reason: the waiver does nothing: is missing; mend it, or take it out"],
        ),
        (
            'check = "unit"',
            'check = "unot"',
            ["30 waivers.0.check: the policy has no check unot; did you mean unit?"],
        ),
        (
            'check = "unit"',
            'check = "zzzzz"',
            ["30 waivers.0.check: the policy has no check zzzzz; take the waiver out"],
        ),
        (
            "expires = 2026-03-31",
            "expires = 2026-02-28",
            ["33 waivers.0.expires: the waiver ended on 2026-02-28; take it out, or sign it anew"],
        ),
        (
            "expires = 2026-03-31",
            "expires = 2026-04-01",
            [
                "33 waivers.0.expires: the waiver ends in 31 days and does nothing before 30 days are left; let it end earlier"
            ],
        ),
        (
            'session = "tests"',
            'session = "test"',
            ["8 checks.unit.session: noxfile.py defines no session test; did you mean tests?"],
        ),
        (
            'session = "tests"',
            'session = "zzz"',
            ["8 checks.unit.session: noxfile.py defines no session zzz; define it"],
        ),
        (
            'session = "tests"\nsteps = [\n  ["{python}", "-m", "pytest"',
            'steps = [\n  ["nox", "-s", "tests"',
            [
                '9 checks.unit.steps.0: the step calls Nox itself, and the evidence knows nothing of its environment; let the gate start it: session = "NAME"'
            ],
        ),
        (
            'session = "tests"\nsteps = [\n  ["{python}", "-m", "pytest"',
            'steps = [\n  ["{python}", "-m", "nox", "-s", "tests"',
            [
                '9 checks.unit.steps.0: the step calls Nox itself, and the evidence knows nothing of its environment; let the gate start it: session = "NAME"'
            ],
        ),
        (
            'session = "tests"\nsteps = [\n  ["{python}", "-m", "pytest"',
            'steps = [\n  ["a", "b", "c", "nox"',
            [],
        ),
        (
            "min_collected = 3\n",
            "",
            [
                "7 checks.unit: the check would pass on a single test or sample; say how much it must measure: min_collected, min_samples or min_schedules"
            ],
        ),
        (
            "min_samples = 100\nexclusive = true\n",
            "min_samples = 100\n",
            [
                "17 checks.load: the check measures a load, and other checks may run beside it; exclusive = true"
            ],
        ),
        (
            "min_samples = 100\nexclusive = true\n",
            "min_collected = 1\n",
            [
                "17 checks.load: the check measures a load, and other checks may run beside it; exclusive = true"
            ],
        ),
        (
            '["gatewright", "slo", "run", "shop"]',
            '["gatewright", "slo", "run", "shap"]',
            ["18 checks.load.steps.0.3: the policy declares no load shap; did you mean shop?"],
        ),
        (
            '["gatewright", "slo", "run", "shop"]',
            '["gatewright", "slo", "run", "zzzzzz"]',
            ["18 checks.load.steps.0.3: the policy declares no load zzzzzz; declare it: [slo.zzzzzz]"],
        ),
        ('["gatewright", "slo", "run", "shop"]', '["gatewright", "slo", "run", "--all"]', []),
        ('["gatewright", "slo", "run", "shop"]', '["gatewright", "slo", "run"]', []),
        (
            '"--profile", "{profile}"',
            '"--profile", "{profil}"',
            [
                "11 checks.unit.steps.1.3: nobody fills in {profil}, and the command gets it as it is; did you mean {profile}?"
            ],
        ),
        (
            '"--profile", "{profile}"',
            '"--profile", "{zzz}"',
            [
                "11 checks.unit.steps.1.3: nobody fills in {zzz}, and the command gets it as it is; {python}, {evidence}, {profile}, {root}"
            ],
        ),
        (
            '"--profile", "{profile}"',
            '"--token", "abcdef123456"',
            [
                "11 checks.unit.steps.1.3: this looks like a secret, and every run keeps a copy of the policy; let the command read it from its environment"
            ],
        ),
        (
            'scenarios = ["shop.races"]',
            'scenarios = ["shap.races"]',
            [
                "4 gate.scenarios.0: there is no package shap.races in this project or environment; correct its name, or install it where the gate runs"
            ],
        ),
        (
            'measured = "shop.measured:API"',
            'measured = "shap.measured:API"',
            [
                "5 gate.measured: there is no package shap.measured in this project or environment; correct its name, or install it where the gate runs"
            ],
        ),
        (
            'scenarios = ["shop.races"]',
            'scenarios = ["sh op!.races"]',
            [
                "4 gate.scenarios.0: there is no package sh?op?.races in this project or environment; correct its name, or install it where the gate runs"
            ],
        ),
        (
            '"docs/evidence/unit/latest.log"',
            '"docs/evidence/latest.json"',
            [
                "14 checks.unit.publish.step-1.log: docs/evidence/latest.json belongs to the gate itself; publish to another place"
            ],
        ),
        (
            '"docs/evidence/unit/latest.log" }',
            '"docs/a", "b.log" = "docs/a/b" }',
            [
                "14 checks.unit.publish.b.log: docs/a/b overlaps with docs/a, where unit publishes; use two places"
            ],
        ),
        (
            'results = ["junit.xml", "report.json"]',
            'results = ["junit.xml", "other.json"]',
            [
                "13 checks.unit.results.1: no command of steps names other.json, so it will be missing; let one write it to {evidence}/other.json"
            ],
        ),
        (
            "min_collected = 3",
            "min_collected = 3\nlimits.p95 = {}",
            ["16 checks.unit.limits.p95: needs a min or a max; limits: bounds of metrics by name."],
        ),
        (
            "[checks.load]",
            "required = false\n[checks.load]\nrequired = false",
            [
                (
                    "1 : no check is required, so nothing could ever block a release;"
                    ' leave "required = false" out of one'
                )
            ],
        ),
        (
            "min_collected = 3",
            'min_collected = "3"',
            [
                "15 checks.unit.min_collected: Input should be a valid integer; min_collected: how many tests must have been collected; fewer are no proof."
            ],
        ),
        (
            "exclusive = true",
            "exclusive = 1",
            [
                "21 checks.load.exclusive: Input should be a valid boolean; exclusive: nothing else runs beside it."
            ],
        ),
    ],
)
def test_a_problem_is_told_in_words_that_help(old: str, new: str, told: list[str]) -> None:
    assert old in GOOD
    problems = lint(GOOD.replace(old, new, 1)).problems
    assert [f"{each.line} {each.place}: {each.message}; {each.remedy}" for each in problems] == told


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\xff", (1, "this is no UTF-8 text", "save it as UTF-8")),
        (b"\n\xff\n", (2, "this is no UTF-8 text", "save it as UTF-8")),
        (b"a = 1\nb = 2\n\xff", (3, "this is no UTF-8 text", "save it as UTF-8")),
    ],
)
def test_bytes_that_are_no_text_are_found_by_their_line(data: bytes, told: tuple[int, str, str]) -> None:
    (problem,) = lint_policy(data, "gate.toml", AROUND).problems
    assert (problem.line, problem.message, problem.remedy) == told


def test_what_toml_does_not_place_is_placed_at_its_end() -> None:
    """One problem, and where to read about the format."""
    (problem,) = lint_policy(b"[", "gate.toml", AROUND).problems
    assert problem.line == 1
    assert problem.message.startswith("this is not TOML: ")
    assert problem.remedy == "see https://toml.io/en/v1.0.0"
    (problem,) = lint_policy(b"a = 1\n\n\nb = [", "gate.toml", AROUND).problems
    assert problem.line == 4
