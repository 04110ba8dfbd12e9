"""Checks the documentation: every relative link leads somewhere, every command and test it names exists."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from bootstrap.places import ROOT
from launcher import COMMANDS

__all__ = ["Names", "check_page", "names_of", "pages"]

LINK = re.compile(r"\]\((?!\w+:|#)([^)\s]+?)(?:#[^)]*)?\)")
CODE = re.compile(r"```.*?```|^ {4}.*?$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
WORDS = {
    "nox": re.compile(r"\bnox (?:-R )?-s ([a-z_]+)"),
    "invoke": re.compile(r"\binvoke (?!-)([a-z-]+)"),
    "multyagents": re.compile(r"scripts/multyagents (?!-)([a-z][a-z0-9-]+)"),
}
FILE = re.compile(r"(?:^|[\s`(])(?:\./)?((?:scripts|apps|\.ci|tests|requirements)/[\w./-]*\w)")
TESTS = re.compile(r"\]\(([^)\s]*/test_\w+\.py)\)((?:[\s,]*`test_\w+`)+)")
"""A link to a file of tests, and the tests of it that are meant."""
RULES = "## Every rule and its test"
"""Below it, each row of a table is a rule."""
ROW = re.compile(r"^\| (?!-)(?!rule \|)([^|]+) \|.*$", re.MULTILINE)

Names = dict[str, set[str]]
"""For each program, the words that it knows."""


def main() -> int:
    """Print what is wrong; 0 when nothing is."""
    names = names_of(ROOT)
    complaints = [complaint for page in pages(ROOT) for complaint in check_page(page, names, ROOT)]
    print("\n".join(complaints) or "links and commands of the documentation: all there")
    return 1 if complaints else 0


def pages(root: Path) -> list[Path]:
    """The pages that people write; what runs leave under docs/evidence is not among them."""
    written = [*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("docs/adr/*.md")]
    return sorted([*written, *root.glob("docs/evidence/**/README.md"), *root.glob("examples/**/*.md")])


def names_of(root: Path) -> Names:
    """The sessions, tasks and launcher commands of this project."""
    aliases = {alias for command in COMMANDS.values() for alias in command.aliases}
    return {
        "nox": set(decorated(root / "noxfile.py", "session")),
        "invoke": {name.replace("_", "-") for name in decorated(root / "tasks.py", "task")},
        "multyagents": aliases | set(COMMANDS),
    }


def decorated(file: Path, decorator: str) -> Iterator[str]:
    """The functions of a module that carry a decorator of this name."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        found = [each.func if isinstance(each, ast.Call) else each for each in node.decorator_list]
        if any(ast.unparse(each).rpartition(".")[2] == decorator for each in found):
            yield node.name


def check_page(page: Path, names: Names, root: Path) -> Iterator[str]:
    """What is wrong with one page, a line each."""
    text, where = page.read_text(encoding="utf-8"), page.relative_to(root)
    for link in sorted({unquote(match[1]) for match in LINK.finditer(text)}):
        if not (page.parent / link).exists():
            yield f"{where}: the link to {link} leads nowhere"
    code = "\n".join(CODE.findall(text))
    for program, pattern in WORDS.items():
        for word in sorted(set(pattern.findall(code)) - names[program]):
            yield f"{where}: {program} knows no {word}"
    for file in sorted(set(FILE.findall(code))):
        if not any((folder / file).exists() for folder in (root, root / "apps" / "api")):
            yield f"{where}: there is no {file}"
    yield from (f"{where}: {complaint}" for complaint in check_tests(text, page.parent))


def check_tests(text: str, folder: Path) -> Iterator[str]:
    """Which tests that a page names are not there, and which of its rules name none."""
    for file, named in TESTS.findall(text):
        for name in sorted(set(re.findall(r"\w+", named)) - tests_of(folder / file)):
            yield f"{file} has no {name}"
    for row in ROW.finditer(text.partition(f"{RULES}\n")[2].partition("\n## ")[0]):
        if not TESTS.search(row[0]):
            yield f"no test is named for the rule {row[1]!r}"


def tests_of(file: Path) -> set[str]:
    """The tests of a file; none where there is no such file."""
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    body = ast.parse(file.read_text(encoding="utf-8")).body if file.exists() else []
    return {node.name for node in body if isinstance(node, functions)}


if __name__ == "__main__":
    sys.exit(main())
