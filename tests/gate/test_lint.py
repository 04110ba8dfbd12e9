"""Every problem of a policy is told with its line, its place and its remedy; good policies have none."""

from datetime import date

import pytest
from gate.linted import AROUND, GOOD, lint, told

from gatewright.gate.lint import lint_policy
from gatewright.gate.lint_rules import Severity


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
