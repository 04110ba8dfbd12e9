"""The tables of the guide, written from the models."""

import json

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gatewright.gate.documented import describe

__all__ = ["TITLES", "settings_table"]

TITLES = {
    "Policy": "The whole file",
    "Gate": "`[gate]`",
    "Check": "`[checks.NAME]`",
    "Signing": "`[signing]`",
    "Load": "`[slo.NAME]`",
    "Outputs": "`[outputs]`",
    "Waiver": "`[[waivers]]`",
    "ResultFile": "A result, `{ path = ..., format = ... }`",
    "FlakyBudget": "`flaky_budget`",
    "Limit": "`limits.METRIC`",
    "DeclaredJourney": "`[slo.NAME.journeys.JOURNEY]`",
    "DeclaredObjective": "`[[slo.NAME.objectives]]`",
    "DeclaredStage": "`[[slo.NAME.stages]]`",
    "DeclaredNeeds": "`[slo.NAME.needs]`",
    "DeclaredBudget": "`[slo.NAME.budget]`",
    "DeclaredSlices": "`[[slo.NAME.slices]]`",
}
"""The headings of the guide, by the model whose settings stand below them."""


def settings_table(model: type[BaseModel]) -> str:
    """The heading of a model, and a row for each of its settings."""
    texts = describe(model)
    rows = [
        f"| `{name}` | {default_of(field)} | {texts[name].rstrip('.,')} |"
        for name, field in model.model_fields.items()
    ]
    head = [f"### {TITLES[model.__name__]}", "", "| setting | default | what it is for |", "|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"


def default_of(field: FieldInfo) -> str:
    """What holds where a setting is left out."""
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel) or value is None or value in ("", (), {}):
        return ""
    return f"`{json.dumps(value)}`"
