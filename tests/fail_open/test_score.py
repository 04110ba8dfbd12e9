"""The scorer of gates is fair and can't be satisfied by refusing everything."""

import json
import re
from pathlib import Path

import pytest
from fail_open import score
from fail_open.corpus import FAMILIES, FOLDER, read_cases
from fail_open.gates import Gate, read_gate
from fail_open.trial import try_cases

ADAPTERS = FOLDER / "gates"
PATIENCE = ("--timeout", "120", "--jobs", "2")
"""On a machine that does much else, an answer that comes late is still an answer."""
PAGE = FOLDER.parents[1] / "docs" / "fail-open.md"


def outcomes(tmp_path: Path, *arguments: str) -> tuple[int, dict[str, str]]:
    """The scorer's exit code, and what became of every case."""
    file = tmp_path / "score.json"
    code = score.main([*arguments, "--json", str(file)])
    [gate] = json.loads(file.read_bytes())["gates"]
    return code, {outcome["case"]: outcome["outcome"] for outcome in gate["outcomes"]}


def test_a_gate_that_passes_everything_falls_open_everywhere(tmp_path: Path) -> None:
    code, found = outcomes(tmp_path, "--gate", "true")
    assert code == 1
    offered = {word for word in found.values() if word != "not offered"}
    assert offered == {"fell open", "passed"}
    assert {name.partition("-")[0] for name, word in found.items() if word == "fell open"} == set(FAMILIES)


def test_a_gate_that_refuses_everything_fails_the_controls(tmp_path: Path) -> None:
    code, found = outcomes(tmp_path, "--gate", "false")
    assert code == 1
    assert {word for word in found.values() if word != "not offered"} == {"held", "refused"}
    assert all(
        (word == "refused") is name.startswith("control-")
        for name, word in found.items()
        if word in {"held", "refused"}
    )


def test_a_gate_without_a_judging_command_is_not_asked_about_yesterday(tmp_path: Path) -> None:
    _, found = outcomes(tmp_path, "--gate", "true")
    asked = {case.name for case in read_cases() if case.kind in {"run", "rerun"} and not case.keeps}
    assert {name for name, word in found.items() if word != "not offered"} == asked


def test_exit_codes_alone_hold_what_exits_badly(tmp_path: Path) -> None:
    """The commands of a case really run: where one of them does not exit 0, the plain gate stops."""
    adapter = str(ADAPTERS / "plain" / "adapter.toml")
    code, found = outcomes(tmp_path, adapter, "--only", "process-good-")
    assert code == 1
    assert found == {
        "process-good-results-bad-exit": "held",
        "process-good-exit-bad-results": "fell open",
        "process-good-exit-failing-report": "fell open",
    }


def test_a_gate_that_gives_no_answer_does_not_pass(tmp_path: Path) -> None:
    code, found = outcomes(tmp_path, "--gate", "sleep 60", "--timeout", "0.05", "--only", "usage-error")
    assert (code, found) == (0, {"process-usage-error": "held"})


def test_a_gate_that_refuses_the_clean_project_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    """What can't be made can't be spoiled."""
    assert score.main(["--gate", "false", "--judge", "true", "--only", "staleness-yesterday"]) == 2
    assert capsys.readouterr().err == "score: false does not pass the clean project (exit codes [1, 1])\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name a gate"),
        (["--gate", "run {all}"], "there is no placeholder 'all'"),
        (["no-such.toml"], "no-such.toml"),
        (["--gate", "true", "--markdown", str(FOLDER / "README.md")], "has no place for a score"),
        (["--gate", "true", "--markdown", "no-such.md"], "no-such.md"),
    ],
)
def test_what_can_not_be_used_is_said_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score.main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_the_table_in_a_page_is_renewed_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{score.BEGIN}old{score.END}\nafter\n", encoding="utf-8")
    score.main(["--gate", "true", "--name", "yes", "--only", "waivers-", "--markdown", str(page)])
    text = page.read_text(encoding="utf-8")
    assert re.fullmatch(r"before\n.*\| family \| cases \| yes \|.*\nafter\n", text, re.DOTALL)
    assert "old" not in text
    assert re.search(r"\| waivers \| (\d+) \| 0/\1 \|", text)


def test_commands_find_their_project(tmp_path: Path) -> None:
    """All that a command may name is filled in, also below a folder with blanks in its name."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    gate = Gate("demo", "test -f {python} -a {project} -ef . -a {run} = one", here=folder)
    assert gate.answer(gate.gate, folder, "one", limit_s=20) == 0


def test_the_published_table_is_about_this_corpus() -> None:
    """As many cases in each family as there are, for each of the three gates."""
    text = PAGE.read_text(encoding="utf-8")
    for family in FAMILIES:
        number = sum(case.family == family for case in read_cases())
        assert f"| {family} | {number} |" in text
    for adapter in ADAPTERS.glob("*/adapter.toml"):
        assert f"{read_gate(adapter).name}" in text


@pytest.mark.end_to_end
def test_our_gate_holds_cases_and_passes_controls(tmp_path: Path) -> None:
    """By its command line, as anybody else's is scored: a quarter of all; within this process it is asked each."""
    cases = read_cases()
    some = [
        case for number, case in enumerate(cases) if case.is_control or case.kind == "kill" or not number % 4
    ]
    assert {case.kind for case in some} == {case.kind for case in cases}
    found = try_cases(
        read_gate(ADAPTERS / "gatewright" / "adapter.toml"), some, tmp_path, limit_s=120, jobs=2
    )
    assert {outcome.word for outcome in found} == {"held", "passed"}
    assert sum(outcome.passed for outcome in found) == sum(case.is_control for case in some)


@pytest.mark.end_to_end
def test_a_gate_of_nox_and_invoke_is_really_run(tmp_path: Path) -> None:
    """It passes what is clean, holds a plain failure, and falls for a result that an earlier run left."""
    adapter = str(ADAPTERS / "nox-invoke" / "adapter.toml")
    _, found = outcomes(tmp_path, adapter, *PATIENCE, "--only", "control-")
    assert {word for word in found.values() if word != "not offered"} == {"passed"}
    _, found = outcomes(tmp_path, adapter, *PATIENCE, "--only", "earlier-run")
    assert found["staleness-result-left-by-an-earlier-run"] == "fell open"
    _, found = outcomes(tmp_path, adapter, "--only", "process-good-")
    assert set(found.values()) == {"held"}
