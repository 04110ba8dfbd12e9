"""What the lint of a policy says, word for word: the line, the place, what is wrong, and what to do about it."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from gate.linted import AROUND, GOOD, lint

from gatewright.gate.lint import lint_policy
from gatewright.gate.lint_rules import Surroundings
from gatewright.gate.sessions import Sessions


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


FULL = 'full_steps = [["{python}", "-m", "pytest", "--junit-xml={evidence}/full.xml"]]\n'


def words(old: str, new: str, around: Surroundings = AROUND) -> list[str]:
    assert old in GOOD
    problems = lint(GOOD.replace(old, new, 1), around).problems
    return [f"{each.line} {each.place}: {each.message}; {each.remedy}" for each in problems]


def test_results_of_the_full_profile_are_held_against_its_own_commands() -> None:
    """What only the other profile leaves is missing in this one."""
    write = "let one write it to {evidence}"
    assert words("min_collected = 3\n", f'min_collected = 3\n{FULL}full_results = ["full.xml"]\n') == []
    assert words(
        "min_collected = 3\n", f'min_collected = 3\n{FULL}full_results = ["full.xml", "a.json"]\n'
    ) == [
        f"17 checks.unit.full_results.1: no command of full_steps names a.json, so it will be missing; {write}/a.json"
    ]
    assert words("min_collected = 3\n", f"min_collected = 3\n{FULL}") == [
        f"13 checks.unit.results.0: no command of full_steps names junit.xml, so it will be missing; {write}/junit.xml",
        f"13 checks.unit.results.1: no command of full_steps names report.json, so it will be missing; {write}/report.json",
    ]


def test_a_waiver_that_is_broken_hides_no_other() -> None:
    second = GOOD[GOOD.index("[[waivers]]") :].replace('"known"', '"other"').replace("03-31", "02-28")
    assert words(
        'reason = "is being mended"\nowner = "ada"\nexpires = 2026-03-31\n', f"expires = 2026-03-31\n{second}"
    ) == [
        "28 waivers.0.owner: the waiver does nothing: is missing; mend it, or take it out",
        "28 waivers.0.reason: the waiver does nothing: is missing; mend it, or take it out",
        "37 waivers.1.expires: the waiver ended on 2026-02-28; take it out, or sign it anew",
    ]


def test_the_day_of_a_waiver_is_that_of_universal_time() -> None:
    """It is still the first of March here and there already the second."""
    ahead = replace(AROUND, now=datetime(2026, 3, 2, 1, 0, tzinfo=timezone(timedelta(hours=2))))
    assert words("2026-03-31", "2026-03-01", ahead) == []
    behind = replace(AROUND, now=datetime(2026, 3, 1, 23, 0, tzinfo=timezone(timedelta(hours=-2))))
    assert words("2026-03-31", "2026-03-01", behind) == [
        "33 waivers.0.expires: the waiver ended on 2026-03-01; take it out, or sign it anew"
    ]


def test_a_command_for_a_shell_is_told_to_be_none() -> None:
    step = '["{python}", "stress.py", "--profile", "{profile}", "{root}"]'
    assert words(step, '["make all fast report.json"]') == [
        (
            "11 checks.unit.steps.1: the whole command is one word: the name of a program with blanks in it; "
            'write every word on its own: ["make", "all", ...]'
        )
    ]
    assert words(step, '["tool", "report.json", "&&", "bash"]') == [
        (
            "11 checks.unit.steps.1.2: no shell reads the command, so && is given to it as it is; "
            'write steps of their own, or ["sh", "-c", "..."]'
        )
    ]
    assert words(step, '["bash", "&&", "report.json"]') == []
    assert words(step, '["env", "bash", "-c", "a && report.json", "$X"]') == []


def test_a_session_that_may_be_computed_is_only_looked_for() -> None:
    doubtful = replace(AROUND, sessions=Sessions(frozenset(), is_certain=False))
    assert words("min_samples", "min_samples", doubtful) == [
        "8 checks.unit.session: noxfile.py does not name a session tests; look whether it defines it"
    ]


def test_first_runs_that_warn_where_warnings_block_are_told_to_have_no_end() -> None:
    limits = '[checks.load.limits.p95]\nmax_increase = 0.1\nfirst_runs = "warn"\nmin_runs = 3\n'
    text = GOOD.replace("[gate]\n", "[gate]\nwarn_blocks = true\n", 1).replace(
        "[slo.shop]", f"{limits}\n[slo.shop]", 1
    )
    (problem,) = lint(text).problems
    assert problem.place == "checks.load.limits.p95.first_runs"
    assert (
        problem.message == "with warn_blocks first runs that warn don't pass, so none is ever compared with"
    )
    assert problem.remedy == "warn_blocks = false until 3 runs have passed"


def test_a_load_is_known_by_both_of_its_words() -> None:
    step = '["gatewright", "slo", "run", "shop"]]\nresults = ["report.json"]\nmin_samples = 100\nexclusive = true'
    for argv in ('["tool", "slo"]', '["tool", "run"]'):
        assert words(step, f'{argv}]\nresults = ["report.json"]\nmin_collected = 1') == []
