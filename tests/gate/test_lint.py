"""Every problem of a policy is told with its line, its place and its remedy; good policies have none."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gatewright.gate.lint import LintReport, lint_policy
from gatewright.gate.lint_rules import Severity, Surroundings
from gatewright.gate.sessions import Sessions

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


def test_a_good_policy_has_no_problems() -> None:
    assert lint(GOOD).problems == ()


@pytest.mark.parametrize(
    ("old", "new", "found", "message", "remedy"),
    [
        # the form
        ("min_collected = 3", "min_collected =", (15, "error", ""), "this is not TOML", "toml.io"),
        (
            "min_collected = 3",
            "min_collected = 3\nmin_collected = 4",
            (16, "error", ""),
            "not TOML",
            "toml.io",
        ),
        ("min_collected = 3", 'min_collected = "3', (15, "error", ""), "not TOML", "toml.io"),
        (
            "min_collected",
            "min_colected",
            (15, "error", "checks.unit.min_colected"),
            "no such",
            "min_collected?",
        ),
        ("min_collected", "zzz", (15, "error", "checks.unit.zzz"), "no such setting", "take it out"),
        ("[gate]", "[gates]", (3, "error", "gates"), "no such setting", "did you mean gate?"),
        ("measured", "mesured", (5, "error", "gate.mesured"), "no such setting", "did you mean measured?"),
        ("factory", "factry", (25, "error", "slo.shop.journeys.buy.factory"), "is missing", "module:name"),
        (
            "min_collected = 3",
            'min_collected = "3"',
            (15, "error", "checks.unit.min_collected"),
            "integer",
            "proof",
        ),
        (
            "min_collected = 3",
            "min_collected = 3.0",
            (15, "error", "checks.unit.min_collected"),
            "integer",
            "proof",
        ),
        (
            "min_collected = 3",
            "min_collected = true",
            (15, "error", "checks.unit.min_collected"),
            "integer",
            "proof",
        ),
        ("exclusive = true", "exclusive = 1", (21, "error", "checks.load.exclusive"), "boolean", "beside it"),
        (
            "min_collected = 3",
            "min_collected = 3\ntimeout_s = 0",
            (16, "error", "checks.unit.timeout_s"),
            "greater",
            "seconds",
        ),
        ("schema_version = 1\n", "\n", (1, "error", "schema_version"), "is missing", "add schema_version"),
        ("[checks.load]", "[checks.Load]", (17, "error", "checks.Load"), "pattern", ""),
        ('"stress.py", ', "7, ", (11, "error", "checks.unit.steps.1.1"), "string", "in order"),
        (
            '["junit.xml", "report.json"]',
            '["junit.xml", "a.txt"]',
            (13, "error", "checks.unit.results.1"),
            "pattern",
            "files that",
        ),
        (
            "[checks.load]",
            "required = false\n[checks.load]\nrequired = false",
            (1, "error", ""),
            "no check is required",
            "",
        ),
        (
            "min_collected = 3",
            "min_collected = 3\nlimits.p95 = {}",
            (16, "error", "checks.unit.limits.p95"),
            "needs a min or a max",
            "bounds",
        ),
        (
            "min_collected = 3",
            "min_collected = 3\nlimits.p95 = { mx = 1.0 }",
            (16, "error", "checks.unit.limits.p95.mx"),
            "no such",
            "did you mean max?",
        ),
        # sessions
        (
            '"tests"',
            '"test"',
            (8, "error", "checks.unit.session"),
            "defines no session test",
            "did you mean tests?",
        ),
        ('"tests"', '"zzz"', (8, "error", "checks.unit.session"), "defines no session zzz", "define it"),
        # steps
        (
            '["gatewright", "slo"',
            '["nox", "-s", "x"], ["gatewright", "slo"',
            (18, "warning", "checks.load.steps.0"),
            "calls Nox itself",
            'session = "NAME"',
        ),
        (
            '["gatewright", "slo"',
            '["{python}", "-m", "nox"], ["gatewright", "slo"',
            (18, "warning", "checks.load.steps.0"),
            "calls Nox itself",
            "session",
        ),
        (
            '"{profile}"',
            '"{profil}"',
            (11, "warning", "checks.unit.steps.1.3"),
            "nobody fills in {profil}",
            "did you mean {profile}?",
        ),
        (
            '"{profile}"',
            '"{home}"',
            (11, "warning", "checks.unit.steps.1.3"),
            "nobody fills in {home}",
            "{python}, {evidence}, {profile}, {root}",
        ),
        (
            '"run", "shop"',
            '"run", "shpo"',
            (18, "error", "checks.load.steps.0.3"),
            "no load shpo",
            "did you mean shop?",
        ),
        ('"run", "shop"', '"run", "zzz"', (18, "error", "checks.load.steps.0.3"), "no load zzz", "[slo.zzz]"),
        # results
        (
            "--junit-xml={evidence}/junit.xml",
            "-q",
            (13, "warning", "checks.unit.results.0"),
            "junit.xml",
            "{evidence}/junit.xml",
        ),
        # what passes on nothing
        ("min_collected = 3", "", (7, "warning", "checks.unit"), "single test or sample", "min_collected"),
        ("exclusive = true", "", (17, "warning", "checks.load"), "beside it", "exclusive = true"),
        # publishing
        (
            "docs/evidence/unit/latest.log",
            "docs/evidence/latest.json",
            (14, "error", "checks.unit.publish.step-1.log"),
            "belongs to the gate",
            "another place",
        ),
        (
            "docs/evidence/unit/latest.log",
            "docs/evidence/runs/x.log",
            (14, "error", "checks.unit.publish.step-1.log"),
            "belongs to the gate",
            "another place",
        ),
        (
            "docs/evidence/unit/latest.log",
            "gate.toml",
            (14, "error", "checks.unit.publish.step-1.log"),
            "belongs to the gate",
            "another place",
        ),
        (
            "docs/evidence/unit/latest.log",
            "docs/evidence/./history.jsonl",
            (14, "error", "checks.unit.publish.step-1.log"),
            "belongs",
            "another place",
        ),
        (
            '{ "step-1.log"',
            '{ "step-2.log" = "docs/evidence//unit/latest.log", "step-1.log"',
            (14, "error", "checks.unit.publish.step-1.log"),
            "overlaps",
            "two places",
        ),
        (
            '{ "step-1.log"',
            '{ "step-2.log" = "docs/evidence/unit", "step-1.log"',
            (14, "error", "checks.unit.publish.step-1.log"),
            "overlaps with docs/evidence/unit, where unit publishes",
            "two places",
        ),
        (
            '{ "step-1.log"',
            '{ "step-2.log" = "docs/evidence/unit/latest.log/x", "step-1.log"',
            (14, "error", "checks.unit.publish.step-1.log"),
            "overlaps",
            "two places",
        ),
        # waivers
        ("2026-03-31", "2026-04-01", (33, "warning", "waivers.0.expires"), "ends in 31 days", "earlier"),
        (
            "2026-03-31",
            "2026-02-28",
            (33, "warning", "waivers.0.expires"),
            "ended on 2026-02-28",
            "sign it anew",
        ),
        (
            "2026-03-31",
            '"soon"',
            (33, "error", "waivers.0.expires"),
            "does nothing: must be a day",
            "mend it",
        ),
        ('owner = "ada"', "", (28, "error", "waivers.0.owner"), "does nothing: is missing", "mend it"),
        # what newcomers write
        (
            '["{python}", "-m", "pytest", "--junit-xml={evidence}/junit.xml"]',
            '"pytest"',
            (10, "error", "checks.unit.steps.0"),
            "must be an array",
            "commands",
        ),
        (
            '["junit.xml", "report.json"]',
            '"junit.xml"',
            (13, "error", "checks.unit.results"),
            "array",
            "files",
        ),
        ("[checks.unit]", "[[checks]]", (7, "error", "checks"), "must be a table", "by name"),
        (
            "min_collected = 3",
            "limits.x = 3",
            (15, "error", "checks.unit.limits.x"),
            "must be a table",
            "bounds of metrics",
        ),
        (
            '["{python}", "-m", "pytest", "--junit-xml={evidence}/junit.xml"]',
            '["pytest --junit-xml={evidence}/junit.xml"]',
            (10, "warning", "checks.unit.steps.0"),
            "one word",
            '["pytest", "--junit-xml={evidence}/junit.xml", ...]',
        ),
        (
            '"stress.py", ',
            '"stress.py", "&&", ',
            (11, "warning", "checks.unit.steps.1.2"),
            "no shell reads the command, so && is given",
            '["sh", "-c", "..."]',
        ),
        (
            '"stress.py", ',
            '"stress.py", "${HOME}/x", ',
            (11, "warning", "checks.unit.steps.1.2"),
            "no shell",
            "sh",
        ),
        (
            '"junit.xml", "report',
            '"{evidence}/junit.xml", "report',
            (13, "error", "checks.unit.results.0"),
            "from the check's folder",
            '"junit.xml"',
        ),
        (
            'check = "unit"',
            'check = "unti"',
            (30, "warning", "waivers.0.check"),
            "no check unti",
            "did you mean unit?",
        ),
        (
            'check = "unit"',
            'check = "zzz"',
            (30, "warning", "waivers.0.check"),
            "no check zzz",
            "take the waiver out",
        ),
        # packages
        (
            '"shop.races"',
            '"store"',
            (4, "warning", "gate.scenarios.0"),
            "no package store",
            "correct its name",
        ),
        (
            '"shop.measured:API"',
            '"store.x:API"',
            (5, "warning", "gate.measured"),
            "no package store.x",
            "correct",
        ),
        # secrets
        (
            "[gate]",
            "# password = hunter2hunter2\n[gate]",
            (3, "error", ""),
            "looks like a secret",
            "environment",
        ),
        (
            '"stress.py", ',
            '"stress.py", "--token", "abcdef123456", ',
            (11, "error", "checks.unit.steps.1.3"),
            "looks like a secret",
            "environment",
        ),
        (
            "http://127.0.0.1",
            "http://ada:secret@127.0.0.1",
            (24, "error", ""),
            "looks like a secret",
            "environment",
        ),
    ],
)
def test_a_problem_has_its_line_place_and_remedy(
    old: str, new: str, found: tuple[int, str, str], message: str, remedy: str
) -> None:
    assert GOOD.count(old) >= 1
    problems = {
        (each.line, each.severity.value, each.place): each
        for each in lint(GOOD.replace(old, new, 1)).problems
        if message in each.message
    }
    assert list(problems) == [found]
    assert remedy in problems[found].remedy


@pytest.mark.parametrize("expires", [date(2026, 3, 1), date(2026, 3, 31)])
def test_the_first_and_the_last_day_of_a_waiver_are_good(expires: date) -> None:
    assert lint(GOOD.replace("2026-03-31", str(expires))).problems == ()


def test_all_problems_are_told_from_the_top_and_one_hides_no_other() -> None:
    """A check that is broken does not keep the others, nor the waivers, from being looked at."""
    text = (
        GOOD.replace("min_collected = 3", "min_collected = -1\nspeed = 9")
        .replace("exclusive = true", "")
        .replace("2026-03-31", "2026-02-01")
        .replace('"shop.races"', '"store"')
        .replace("schema_version = 1", "schema_version = 3")
    )
    assert told(text) == [
        (1, "error", "schema_version"),
        (4, "warning", "gate.scenarios.0"),
        (15, "error", "checks.unit.min_collected"),
        (16, "error", "checks.unit.speed"),
        (18, "warning", "checks.load"),
        (34, "warning", "waivers.0.expires"),
    ]


@pytest.mark.parametrize("value", ["3", '"x"', "[1, 2]", "[[1]]", "{ a = 1 }", "2026-03-01", "true"])
@pytest.mark.parametrize("key", ["checks", "gate", "slo", "waivers"])
def test_whatever_stands_in_place_of_a_table_is_told(key: str, value: str) -> None:
    text = f"schema_version = 1\n{key} = {value}\n"
    assert any(severity == "error" for _, severity, _ in told(text))


def test_bytes_that_are_no_text_are_told_with_their_line() -> None:
    report = lint_policy(b"a = 1\nb = '\xff'\n", "gate.toml", AROUND)
    assert [(each.line, each.message) for each in report.problems] == [(2, "this is no UTF-8 text")]


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"\xef\xbb\xbf" + GOOD.encode(), 1, "byte-order mark"),
        (b"\na = " + b"9" * 5000 + b"\n\n", 2, "1000 digits"),
        (b"#" * (256 * 1024 + 1), 1, "at most 256 KiB"),
        (b"\n\n[" + b".".join([b"a"] * 999) + b"]\n", 3, "dots"),
    ],
)
def test_hostile_bytes_cost_one_line(data: bytes, line: int, message: str) -> None:
    [problem] = lint_policy(data, "gate.toml", AROUND).problems
    assert (problem.line, problem.severity) == (line, Severity.ERROR)
    assert message in problem.message
    assert problem.remedy


def test_a_document_that_ends_too_early_is_told_at_its_end() -> None:
    assert told("a = 1\nb = [") == [(2, "error", "")]


def test_two_checks_may_not_publish_to_one_place() -> None:
    text = GOOD.replace(
        "exclusive = true", 'exclusive = true\npublish = { "a" = "docs/evidence/unit/latest.log" }'
    )
    assert told(text) == [(22, "error", "checks.load.publish.a")]


def test_many_copies_may_overlap_with_one() -> None:
    """Also where the one around them is named last, and another begins with the same letters."""
    places = {"a": "docs/x/y", "b": "docs/x.log", "c": "docs/x/z", "d": "docs/x"}
    text = GOOD.replace("exclusive = true", f"exclusive = true\npublish = {toml(places)}")
    assert told(text) == [(22, "error", "checks.load.publish.d")] * 2


def toml(table: dict[str, str]) -> str:
    return "{ " + ", ".join(f'{key} = "{value}"' for key, value in table.items()) + " }"


@pytest.mark.parametrize(
    "place",
    [
        "docs/evidence/history.head.json",
        "docs/evidence/.gate-lock",
        "docs/evidence",
        ".",
        "docs//evidence/latest.md",
    ],
)
def test_nothing_is_published_over_what_the_gate_writes(place: str) -> None:
    text = GOOD.replace("exclusive = true", f'exclusive = true\npublish = {{ a = "{place}" }}')
    assert (22, "error", "checks.load.publish.a") in told(text)


def test_an_unknown_noxfile_is_told_once_for_each_session() -> None:
    around = Surroundings(NOW, Sessions(problem="noxfile.py can't be read: gone"), lambda _: True)
    [problem] = lint(GOOD, around).problems
    assert (problem.line, problem.severity, problem.message) == (
        8,
        Severity.ERROR,
        "noxfile.py can't be read: gone",
    )


def test_a_noxfile_that_computes_names_is_only_doubted() -> None:
    around = Surroundings(NOW, Sessions(frozenset({"lint"}), is_certain=False), lambda _: True)
    assert told(GOOD, around) == [(8, "warning", "checks.unit.session")]


@pytest.mark.parametrize(
    "step",
    [
        '["sh", "-c", "x | y > ${HOME}/{evidence}/junit.xml", "&&"]',
        '["/bin/bash", "-c", "$X", ";"]',
        '["a b", "x"]',
        '["grep", "a && b$", "{evidence}/junit.xml"]',
    ],
)
def test_what_a_shell_reads_or_no_shell_would_is_good(step: str) -> None:
    old = '["{python}", "-m", "pytest", "--junit-xml={evidence}/junit.xml"]'
    assert [each for each in lint(GOOD.replace(old, step)).problems if ".steps" in each.place] == []


def test_an_array_whose_items_are_all_faulty_is_not_empty_as_well() -> None:
    assert told(GOOD.replace('["junit.xml", "report.json"]', '["/junit.xml"]')) == [
        (13, "error", "checks.unit.results.0")
    ]
    assert told(GOOD.replace('["junit.xml", "report.json"]', "[]")) == [(13, "error", "checks.unit.results")]


@pytest.mark.parametrize(
    ("gate", "limit", "places"),
    [
        ("true", '{ max_increase = 0.1, first_runs = "warn" }', ["checks.load.limits.x.first_runs"]),
        ("false", '{ max_increase = 0.1, first_runs = "warn" }', []),
        ("true", "{ max_increase = 0.1 }", []),
        ("true", "{ max = 0.1 }", []),
    ],
)
def test_first_runs_that_can_never_pass_are_told(gate: str, limit: str, places: list[str]) -> None:
    text = GOOD.replace("[gate]", f"[gate]\nwarn_blocks = {gate}")
    text = text.replace("exclusive = true", f"exclusive = true\nlimits.x = {limit}")
    assert [place for _, _, place in told(text)] == places


def test_a_session_of_its_own_may_call_nox() -> None:
    assert lint(GOOD.replace('"stress.py"', '"-m", "nox"')).problems == ()


def test_commands_of_the_full_profile_are_looked_at_too() -> None:
    text = GOOD.replace("min_collected = 3", 'min_collected = 3\nfull_steps = [["{pyhton}", "{evidence}/x"]]')
    assert told(text) == [
        (13, "warning", "checks.unit.results.0"),
        (16, "warning", "checks.unit.full_steps.0.0"),
    ]


def test_secrets_are_not_repeated() -> None:
    report = lint(GOOD.replace('"stress.py"', '"--password=hunter2hunter2"'))
    assert report.count(Severity.ERROR)
    assert "hunter2" not in report.model_dump_json()


def test_what_a_policy_names_is_told_in_harmless_text() -> None:
    report = lint(GOOD + '\n[checks."\\u001b[2J\\u202e"]\nsteps = 1\n')
    assert report.problems
    assert all(each.place.isprintable() and each.message.isprintable() for each in report.problems)


@pytest.mark.parametrize("policy", [Path(__file__).parents[2] / "gate.toml"], ids=["own"])
def test_the_policy_of_this_repository_has_no_problems(policy: Path) -> None:
    from gatewright.execution.surroundings import look_around  # noqa: PLC0415 - needed here alone

    report = lint_policy(policy.read_bytes(), policy.name, look_around(policy.parent, NOW))
    assert report.problems == ()
