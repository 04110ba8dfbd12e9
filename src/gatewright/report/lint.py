"""The problems of a policy as lines for people, as JSON, and as annotations of a GitHub workflow."""

from collections.abc import Callable, Mapping

from gatewright.gate.lint import LintProblem, LintReport
from gatewright.gate.lint_rules import Severity
from gatewright.report.github import escape_data, escape_property
from gatewright.report.text import plural

__all__ = ["LINT_FORMATS"]


def as_text(report: LintReport) -> str:
    """One line for each problem, as compilers write it, and a line that counts."""
    lines = [
        f"{report.file}:{problem.line}: {problem.severity.value}: {sentence(problem)}"
        for problem in report.problems
    ]
    counted = ", ".join(plural(report.count(severity), severity.value) for severity in Severity)
    return "\n".join([*lines, f"{report.file}: {counted}"]) + "\n"


def sentence(problem: LintProblem) -> str:
    """Place, message and remedy."""
    place = f"{problem.place}: " if problem.place else ""
    return f"{place}{problem.message}" + (f" ({problem.remedy})" if problem.remedy else "")


def as_json(report: LintReport) -> str:
    """The report as it is."""
    return report.model_dump_json(indent=2) + "\n"


def as_github(report: LintReport) -> str:
    """One workflow command for each problem.

    Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    return "".join(
        f"::{problem.severity.value} file={escape_property(report.file)},line={problem.line}"
        f"::{escape_data(sentence(problem))}\n"
        for problem in report.problems
    )


LINT_FORMATS: Mapping[str, Callable[[LintReport], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
}
