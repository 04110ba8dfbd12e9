"""A name is a name, wherever it comes from and whatever writes it: nothing that it says becomes structure."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from fakes.sealed import CLOCK, CheckMade, open_run_folder, report
from fakes.verdicts import HOSTILE
from markdown_it import MarkdownIt

from gatewright.core.escape import printable
from gatewright.core.redaction import Redactor
from gatewright.evidence.digest import list_folder
from gatewright.execution.judge import verify_run
from gatewright.gate.decision import VerdictDocument
from gatewright.report.excerpt import render_excerpt
from gatewright.report.findings import located_findings
from gatewright.report.github import annotations
from gatewright.report.text import render_explanation, render_verdict_text
from gatewright.report.writers import FORMATS

PLAIN = "plain name"
LONG = 1000
NAMES = {
    **{f"known {number}": name for number, name in enumerate(HOSTILE)},
    "end of a script": "</script><script>alert(1)</script>",
    "end of a style": "</style></title></textarea>",
    "end of a comment": "--><img src=x onerror=alert(1)>",
    "end of CDATA": "]]><failure/>",
    "attribute": "\" onmouseover=alert(1) x='",
    "workflow command": "::error file=a.py,line=1::forged",
    "workflow command on its own line": "a\n::stop-commands::x\r\n::set-output name=a::b",
    "encoded line end": "%0A::error::forged%0D%25",
    "table": "| a | b |\n|---|---|\n| c | d |",
    "heading and rule": "# PASS\n\n---\n\n===",
    "list": "\n- item\n1. item\n> quote",
    "link": "[PASS](javascript:alert(1)) <http://evil> http://evil www.evil ![](x)",
    "reference": "[a]: http://evil\n[^1]: note",
    "code": "```\ncode\n``` ` `` ~~~",
    "html entity": "&lt;b&gt; &#60; &nbsp; &copy",
    "details": "<details open><summary>x</summary>",
    "footnote and task": "[x] [ ] [^1] @user #1 :smile: ~~no~~ **no**",
    "terminal": "\x1b[31mPASS\x1b[0m\x1b]0;title\x07\r\x08\x9b2J",
    "bidirectional": "\u202eSSAP\u2066\u2069\u200f\u061c",
    "right to left": "פסק דין עובר",
    "joined emoji": "👩\u200d👩\u200d👧\u200d👦\ufe0f",
    "zero width": "a\u200bb\ufeffc\u00add",
    "line separators": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "nothing but spaces": "   \t  ",
    "very long": "x" * 5_000,
    "long without end": "(" * 2_000,
    "template": "{{7*7}} ${x} %s {0} $(id) `id`",
    "path": "../../../../etc/passwd",
    "formula": '=HYPERLINK("http://evil")',
}
POLICY = """\
schema_version = 1
[checks.unit]
steps = [["tool"]]
results = ["junit.xml"]
[checks.stress]
required = false
steps = [["tool"]]
results = ["report.json"]
limits = { latency_p95_ms = { max = 1.0 } }
"""


def xml_text(name: str) -> str:
    """A name in a test report; what no XML can hold comes as its escape, as test runners do it."""
    allowed = (
        each
        if each in "\t\n\r"
        or (each >= " " and not "\ud800" <= each <= "\udfff" and each not in "\ufffe\uffff")
        else f"\\x{ord(each):02x}"
        for each in name
    )
    return escape("".join(allowed), quote=True).replace("\n", "&#10;").replace("\r", "&#13;")


def evidence(name: str, file: str) -> dict[str, CheckMade]:
    """A test of that class, name and message failed, and a suite tells it in every field but its pointer."""
    text = xml_text(name)
    junit = (
        f'<testsuites><testsuite name="{text}" file="{xml_text(file)}"><testcase classname="{text}" name="{text}" file="{xml_text(file)}" line="3">'
        f'<failure message="{text}" type="{text}">{text}</failure></testcase>'
        f'<testcase classname="c" name="{text}2"><skipped message="{text}"/></testcase></testsuite></testsuites>'
    )
    told = name.encode(errors="backslashreplace").decode()  # JSON of evidence holds no lone surrogate
    reason = dict.fromkeys(("rule", "message", "artifact", "expected", "observed", "see", "command"), told)
    made = report(
        "FAIL", suite=told, reasons=[reason | {"pointer": "/a"}], metrics={told: 1.5, "latency_p95_ms": 12.5}
    )
    return {
        "unit": CheckMade({"junit.xml": junit}, ending={"exit_code": 1}),
        "stress": CheckMade({"report.json": made}, ending={"exit_code": 1}),
    }


@dataclass(frozen=True)
class Told:
    """A run about a name, in all its forms."""

    folder: Path
    document: VerdictDocument


def tell(root: Path, name: str, file: str = "tests/a.py") -> Told:
    run = open_run_folder(root, POLICY, evidence(name, file))
    packages = run.environment.model_copy(
        update={"packages": {printable(name): printable(name)}, "cpu": printable(name)}
    )
    run = replace(run, formats=tuple(FORMATS), environment=packages)
    return Told(run.folder, run.close(CLOCK))


class Outline(HTMLParser):
    """The elements of a page with the names of their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Any] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not [name for name, _ in attrs if name.startswith("on")]
        assert not [value for name, value in attrs if name in {"href", "src"} and "script:" in str(value)]
        self.found.append((tag, sorted(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.found.append("comment")

    def handle_pi(self, data: str) -> None:
        self.found.append("instruction")


def markdown_outline(text: str) -> list[str]:
    """The blocks and marks of a document; texts and the escapes within them are none."""
    parser = MarkdownIt("gfm-like", {"linkify": False})
    tokens = [each for token in parser.parse(text) for each in (token, *(token.children or ()))]
    return [token.type for token in tokens if token.type not in {"text", "text_special", "inline"}]


FIELD = re.compile(r"[A-Za-z][\w$-]{0,39}")


def json_outline(value: Any) -> Any:
    """Keys and lists, without what they hold; names that stand as keys are in one place alone."""
    if isinstance(value, dict):
        known = {key if FIELD.fullmatch(key) else "a name": inner for key, inner in value.items()}
        return {key: json_outline(inner) for key, inner in sorted(known.items())}
    if isinstance(value, list):
        return [json_outline(inner) for inner in value]
    return type(value).__name__


def xml_outline(text: str) -> list[tuple[str, list[str]]]:
    return [(element.tag, sorted(element.attrib)) for element in ET.fromstring(text).iter()]


OUTLINES: dict[str, Callable[[str], Any]] = {
    "markdown": markdown_outline,
    "github": markdown_outline,
    "html": lambda text: Outline(text).found,
    "junit": xml_outline,
    "ctrf": lambda text: json_outline(json.loads(text)),
    "sarif": lambda text: json_outline(json.loads(text)),
}


def forms(told: Told) -> Iterator[tuple[str, str]]:
    """Everything that a person or a machine is shown, by its name."""
    for name, form in FORMATS.items():
        yield name, (told.folder / form.file).read_text(encoding="utf-8")
    yield "terminal", render_verdict_text(told.document, colour=False)
    yield "explain", render_explanation(told.document, None)
    yield "show", render_excerpt(told.folder, "stress/report.json")
    findings = located_findings(told.document, told.folder, Redactor({}))
    yield "annotations", "".join(f"{line}\n" for line in annotations(findings))


HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def hidden(text: str) -> set[str]:
    """Characters that nobody sees, apart from line ends."""
    return {letter for letter in text if unicodedata.category(letter) in HIDDEN} - {"\n", "\r", "\t"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return dict(forms(tell(tmp_path_factory.mktemp("plain") / "project", PLAIN)))


def test_every_form_has_an_outline_here() -> None:
    assert OUTLINES.keys() == FORMATS.keys()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_changes_no_structure(name: str, plain: dict[str, str], tmp_path: Path) -> None:
    """A form about a hostile name is built as the same form about a plain one."""
    told = tell(tmp_path / "project", NAMES[name])
    assert verify_run(None, told.folder).problems == ()
    for form, text in forms(told):
        text.encode()
        if form == "html" and len(NAMES[name]) > LONG:  # the page says less of what has no end
            assert not {str(each) for each in Outline(text).found} - {
                str(each) for each in Outline(plain[form]).found
            }
        elif form in OUTLINES:
            assert OUTLINES[form](text) == OUTLINES[form](plain[form]), form
        else:
            assert text.count("\n") == plain[form].count("\n"), form
            assert not hidden(text), form
        if form in {"markdown", "github", "html", "junit"}:
            assert not hidden(text), form
    assert list_folder(told.folder).strangers == ()


@pytest.mark.parametrize("name", NAMES)
def test_an_annotation_is_one_command_of_ours(name: str, tmp_path: Path) -> None:
    """Runners read commands at the beginning of a line; what a name says is behind `::` and escaped."""
    told = tell(tmp_path / "project", NAMES[name], file=NAMES[name])
    lines = annotations(located_findings(told.document, told.folder, Redactor({})))
    assert lines
    for line in lines:
        assert line.startswith(("::error ", "::warning ", "::notice "))
        assert "\n" not in line
        assert "\r" not in line
