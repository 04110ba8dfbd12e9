"""Everything that is wrong with a policy, each with its line, its place and its remedy; runs nothing."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError

from gatewright.core.escape import printable
from gatewright.core.model import Model
from gatewright.core.redaction import Redactor
from gatewright.gate.faults import find_faults
from gatewright.gate.lint_rules import (
    Remark,
    Severity,
    Surroundings,
    check_check,
    check_gate,
    check_publishing,
    check_waivers,
    error,
    find_endless_first_runs,
    secret,
)
from gatewright.gate.policy import Check, Gate, Policy, UnreadablePolicyError, decode_policy
from gatewright.gate.toml_lines import Lines

__all__ = ["LintProblem", "LintReport", "lint_policy"]

TOML_LINE = re.compile(r"\(at line (\d+), column \d+\)")
M = TypeVar("M", bound=BaseModel)


class LintProblem(Model):
    """One thing that is wrong with a policy: where, how bad, what, and what to do about it.

    `line` counts from 1; `place` names the setting, empty where a line alone is meant.
    """

    line: int
    place: str
    severity: Severity
    message: str
    remedy: str


class LintReport(Model):
    """All problems of a policy, in the order of its lines."""

    schema_version: Literal["gatewright.lint/1"] = "gatewright.lint/1"
    file: str
    problems: tuple[LintProblem, ...]

    def count(self, severity: Severity) -> int:
        """How many problems are that bad."""
        return sum(problem.severity is severity for problem in self.problems)


def lint_policy(data: bytes, file: str, around: Surroundings) -> LintReport:
    """Find everything that is wrong with a policy.

    Args:
        data: the bytes of the policy.
        file: how problems name it.
        around: what it refers to outside of itself.
    """
    try:
        text = decode_policy(data)
        document = tomllib.loads(text)
        lines = Lines(text)
    except UnreadablePolicyError as failure:
        return report(file, [error((), str(failure), failure.remedy, line=failure.line)])
    except (ValueError, RecursionError) as failure:
        found = TOML_LINE.search(str(failure))
        line = int(found[1]) if found else max(1, len(data.splitlines()))
        return report(
            file, [error((), f"this is not TOML: {failure}", "see https://toml.io/en/v1.0.0", line=line)]
        )
    return report(file, [*find_form(document), *find_meaning(document, around), *find_secrets(text)], lines)


def report(file: str, remarks: list[Remark], lines: Lines | None = None) -> LintReport:
    """Remarks as problems with their lines, from the top: each once, with its place where one is known."""
    problems = {
        LintProblem(
            line=each.line or (lines.of(each.path) if lines else 1),
            place=printable(".".join(map(str, each.path))),
            severity=each.severity,
            message=printable(each.message),
            remedy=printable(each.remedy),
        )
        for each in remarks
    }
    placed = {(each.line, each.message) for each in problems if each.place}
    told = (each for each in problems if each.place or (each.line, each.message) not in placed)
    ordered = sorted(told, key=lambda each: (each.line, each.severity, each.place, each.message))
    return LintReport(file=printable(file), problems=tuple(ordered))


def find_form(document: dict[str, object]) -> Iterator[Remark]:
    """What makes the document no policy: settings that are missing, unknown or of another type."""
    try:
        Policy.model_validate(document)
    except ValidationError as failure:
        for fault in find_faults(Policy, document, failure):
            yield error(fault.path, fault.message, fault.remedy)


def find_meaning(document: dict[str, object], around: Surroundings) -> Iterator[Remark]:
    """What the parts that are in good form can hardly mean; one broken part hides no other."""
    named = table(document.get("checks"))
    checks = {name: check for name, value in named.items() if (check := parse(Check, value))}
    loads = list(table(document.get("slo")))
    for name, check in checks.items():
        yield from check_check(name, check, loads, around)
    yield from check_publishing(checks)
    if gate := parse(Gate, document.get("gate", {})):
        yield from check_gate(gate, around)
        yield from find_endless_first_runs(gate, checks)
    yield from check_waivers(document.get("waivers", []), list(named), around.now)


def table(value: object) -> Mapping[str, object]:
    """A table of the document; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def parse(model: type[M], value: object) -> M | None:
    """A part of the document, if it is in good form."""
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def find_secrets(text: str) -> Iterator[Remark]:
    """Lines that hold what looks like a secret, also in comments."""
    redactor = Redactor({})
    for number, line in enumerate(text.split("\n"), start=1):
        if redactor.text(line) != line:
            yield secret((), line=number)
