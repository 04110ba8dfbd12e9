"""What is in good form and can hardly be meant: publishing, sessions, shells, first runs, secrets."""

from pathlib import Path

import pytest
from gate.linted import GOOD, NOW, lint, told

from gatewright.gate.lint import lint_policy
from gatewright.gate.lint_rules import Severity, Surroundings
from gatewright.gate.sessions import Sessions


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
