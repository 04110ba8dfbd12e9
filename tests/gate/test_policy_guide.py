"""The guide tells every setting as the code has it, and its example is one."""

from pathlib import Path

import pytest
from gate.settings import TITLES, settings_table
from gate.test_lint import AROUND
from pydantic import BaseModel

from gatewright.gate.documented import describe, model_at, summarise
from gatewright.gate.lint import lint_policy
from gatewright.gate.lint_rules import Severity
from gatewright.gate.policy import Check, Policy
from gatewright.gate.policy_schema import policy_models

GUIDE = (Path(__file__).parents[2] / "docs" / "guide-policy.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("model", [*policy_models()], ids=lambda model: model.__name__)
def test_every_setting_stands_in_the_guide(model: type[BaseModel]) -> None:
    """With its default, in the words of its docstring. Mend it by the text that is expected here."""
    assert settings_table(model) in GUIDE


def test_the_guide_has_no_other_tables_of_settings() -> None:
    headings = [line.removeprefix("### ") for line in GUIDE.splitlines() if line.startswith("### ")]
    assert sorted(headings) == sorted(TITLES.values())


def test_the_example_of_the_guide_has_no_errors() -> None:
    example = GUIDE.partition("```toml\n")[2].partition("```")[0]
    problems = lint_policy(example.encode(), "gate.toml", AROUND).problems
    assert [
        each for each in problems if each.severity is Severity.ERROR and "session" not in each.place
    ] == []


class Documented(BaseModel):
    """What it is.

    It has two paragraphs.

    Attributes:
        first: it goes
            over two lines: with a colon.
        second, third: both alike.

    And what comes after is not meant.
    """

    first: int
    second: int
    third: int


def test_a_docstring_tells_of_the_model_and_of_each_setting() -> None:
    assert summarise(Documented) == "What it is.\n\nIt has two paragraphs."
    assert describe(Documented) == {
        "first": "it goes over two lines: with a colon.",
        "second": "both alike.",
        "third": "both alike.",
    }
    assert describe(type("Bare", (BaseModel,), {"__doc__": None})) == {}


def test_a_path_leads_to_the_model_of_its_last_setting() -> None:
    assert model_at(Policy, ("gate",)) is Policy
    assert model_at(Policy, ("checks", "unit", "steps")) is Check
    assert model_at(Policy, ("checks", "unit", "limits", "p95", "max")).__name__ == "Limit"
    assert model_at(Policy, ("waivers", 0, "id")).__name__ == "Waiver"
    assert model_at(Policy, ("slo", "shop", "objectives", 0, "metric")).__name__ == "DeclaredObjective"
    assert model_at(Policy, ()) is Policy
