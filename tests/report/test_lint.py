"""Problems of a policy in forms for people and machines; no name breaks out of its form."""

import pytest

from gatewright.gate.lint import LintProblem, LintReport
from gatewright.gate.lint_rules import Severity
from gatewright.report.lint import LINT_FORMATS

PROBLEM = LintProblem(line=3, place="checks.x", severity=Severity.ERROR, message="is bad", remedy="mend it")


def rendered(form: str, file: str = "gate.toml", **changes: object) -> str:
    problem = PROBLEM.model_copy(update=changes)
    return LINT_FORMATS[form](LintReport(file=file, problems=(problem,)))


def test_a_line_tells_where_how_bad_what_and_what_to_do() -> None:
    assert rendered("text") == (
        "gate.toml:3: error: checks.x: is bad (mend it)\ngate.toml: 1 error, 0 warnings\n"
    )
    assert rendered("text", place="", remedy="").startswith("gate.toml:3: error: is bad\n")


def test_an_annotation_of_a_workflow_is_one_command() -> None:
    assert rendered("github") == "::error file=gate.toml,line=3::checks.x: is bad (mend it)\n"
    assert rendered("github", severity=Severity.WARNING).startswith("::warning file=")


@pytest.mark.parametrize("hostile", ["a\n::set-env name=X::y", "50%0A::x", "a,line=9::b:c"])
def test_names_do_not_break_out_of_an_annotation(hostile: str) -> None:
    text = rendered("github", file=hostile, message=hostile)
    assert text.count("\n") == 1
    properties = text.removeprefix("::error ").partition("::")[0]
    assert properties.count(",") == 1
    assert "%0A" not in text
