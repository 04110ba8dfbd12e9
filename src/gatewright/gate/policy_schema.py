"""The JSON Schema of `gate.toml` for editors: what is accepted, with what each setting is for.

Source: JSON Schema 2020-12 (https://json-schema.org/draft/2020-12/release-notes).
"""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from gatewright.gate.demands import Limit
from gatewright.gate.documented import describe, summarise
from gatewright.gate.policy import Check, Policy
from gatewright.gate.waivers import Waiver

__all__ = ["EXAMPLES", "SCHEMA_ID", "policy_models", "policy_schema"]

SCHEMA_ID = "https://gatewright.dev/schemas/policy.schema.json"
"""A name, as `$id` is; nothing needs to be fetched from there."""

Schema = dict[str, Any]

CHECK: Schema = {
    "session": "tests",
    "steps": [["{python}", "-m", "pytest", "--junit-xml={evidence}/junit.xml"]],
    "results": ["junit.xml"],
    "min_collected": 100,
}
LIMIT: Schema = {"max": 250.0, "max_increase": 0.1, "warn_increase": 0.05, "first_runs": "warn"}
WAIVER: Schema = {
    "id": "slow-import",
    "check": "tests",
    "rule": "tests-pass",
    "reason": "a driver of the new platform is missing, and nobody is on it yet",
    "owner": "ada@example.org",
    "expires": "2027-01-31",
}
EXAMPLES: dict[type[BaseModel], Schema] = {
    Policy: {"schema_version": 1, "checks": {"tests": CHECK}, "waivers": [WAIVER]},
    Check: CHECK,
    Limit: LIMIT,
    Waiver: WAIVER,
}


def policy_schema() -> Schema:
    """The schema of a whole policy."""
    schema = Policy.model_json_schema(mode="validation")
    models = {model.__name__: model for model in policy_models()}
    definitions: dict[str, Schema] = schema.get("$defs", {})
    for name, definition in {**definitions, Policy.__name__: schema}.items():
        if name in models:
            explain(definition, models[name])
        for field in definition.get("properties", {}).values():
            leave_out_null(field)
            if "patternProperties" in field:
                field["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID} | schema


def policy_models(model: type[BaseModel] = Policy) -> Iterator[type[BaseModel]]:
    """Every model that a policy is made of, each once, the outer before the inner."""
    seen = [model]
    for each in seen:
        for field in each.model_fields.values():
            seen += [found for found in mentioned(field.annotation) if found not in seen]
    yield from (each for each in seen if each.__name__ != "BrokenWaiver")


def mentioned(annotation: object) -> Iterator[type[BaseModel]]:
    """The models that a type mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from mentioned(inner)


def explain(definition: Schema, model: type[BaseModel]) -> None:
    """Put into a definition what the docstring of its model says."""
    summary = " ".join(summarise(model).split())
    definition["title"] = summary.partition(". ")[0].rstrip(".")
    definition["description"] = summary
    for name, text in describe(model).items():
        definition["properties"][name]["description"] = text
    if model in EXAMPLES:
        definition["examples"] = [EXAMPLES[model]]


def leave_out_null(field: Schema) -> None:
    """TOML has no null: a setting that may be left out is still of one type where it stands."""
    others = [each for each in field.get("anyOf", ()) if each != {"type": "null"}]
    if len(others) == 1 and len(field["anyOf"]) > 1:
        del field["anyOf"]
        field |= others[0]
    if field.get("default", "") is None:
        del field["default"]
