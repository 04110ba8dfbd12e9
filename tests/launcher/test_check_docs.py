"""The documentation names only what exists."""

from pathlib import Path

import pytest
from check_docs import check_page, decorated

NAMES = {"nox": {"tests"}, "invoke": {"test"}, "multyagents": {"gate"}}


def complaints(folder: Path, text: str) -> list[str]:
    page = folder / "page.md"
    page.write_text(text)
    return list(check_page(page, NAMES, folder))


@pytest.mark.parametrize(
    "text",
    [
        "see [this page](page.md#part), [the web](https://example.org) and [below](#below)",
        "run `nox -s tests`, `invoke test` or `./scripts/multyagents gate --full`",
        "    ./scripts/multyagents gate",
        "in prose one may invoke a spirit",
        "`invoke --list` and `scripts/multyagents --help` name no command",
    ],
)
def test_what_exists_is_no_complaint(tmp_path: Path, text: str):
    """Links to this page and to the web, commands that are there, and mere words."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "multyagents").touch()
    assert complaints(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[gone](gone.md)", "page.md: the link to gone.md leads nowhere"),
        ("`nox -s lint`", "page.md: nox knows no lint"),
        ("```\ninvoke gate\n```", "page.md: invoke knows no gate"),
        ("run `scripts/gone.sh`", "page.md: there is no scripts/gone.sh"),
    ],
)
def test_what_does_not_exist_is_named(tmp_path: Path, text: str, complaint: str):
    """Each complaint says the page and the word."""
    assert complaints(tmp_path, text) == [complaint]


RULES = "## Every rule and its test\n\n| rule | where |\n|---|---|\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](tests/test_a.py) `test_one`, `test_two`", []),
        ("[a](tests/test_a.py) `test_one` and [b](tests/test_a.py) `test_three`", ["has no test_three"]),
        (f"{RULES}| all is well | [a](tests/test_a.py) `test_one` |\n", []),
        (f"{RULES}| all is well | [a](tests/test_a.py) |\n\n## Else\n\n| a | b |\n", ["'all is well'"]),
        (f"{RULES}| all is well | `test_one` |\n", ["'all is well'"]),
    ],
)
def test_tests_that_a_page_names_exist(tmp_path: Path, text: str, expected: list[str]):
    """A name belongs to the link before it; among the rules each row has one."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text("def test_one(): ...\nasync def test_two(): ...\n")
    found = complaints(tmp_path, text)
    assert len(found) == len(expected)
    assert all(part in line for part, line in zip(expected, found, strict=True)), found


def test_decorated_functions_are_found_by_reading(tmp_path: Path):
    """With or without arguments to the decorator; nothing is imported."""
    (tmp_path / "m.py").write_text(
        "@nox.session\ndef a(): ...\n@task(x=1)\ndef b(): ...\n@task\ndef c(): ...\n"
    )
    assert list(decorated(tmp_path / "m.py", "session")) == ["a"]
    assert list(decorated(tmp_path / "m.py", "task")) == ["b", "c"]
