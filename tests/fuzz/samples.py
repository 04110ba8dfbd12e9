"""A valid document of a model, made from its JSON Schema: what mutations start from."""

import json
import re
from typing import Any

from pydantic import BaseModel

__all__ = ["sample_of"]

TEXTS = (
    "x",
    "unit",
    "run-1",
    "1/1",
    "demo/1",
    "module:name",
    "/path",
    "0" * 64,
    "sha256:" + "0" * 64,
    "0" * 40,
)
KNOWN = {"relative_error": 0.001}
"""Values that a validator wants and no schema tells, by the name of their field."""
FORMATS = {"date-time": "2026-11-21T12:00:00Z", "date": "2026-11-21"}


def sample_of(model: type[BaseModel]) -> bytes:
    """A document with every field of a model, optional ones too; lists and objects have one entry."""
    schema = model.model_json_schema()
    data = json.dumps(value_of(schema, schema.get("$defs", {}))).encode()
    model.model_validate_json(data, strict=True)
    return data


def value_of(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """A value that a schema allows."""
    if "$ref" in schema:
        return value_of(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return value_of(choices[0], definitions)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    make = {
        "object": lambda: object_of(schema, definitions),
        "array": lambda: array_of(schema, definitions),
        "string": lambda: text_of(schema),
        "integer": lambda: number_of(schema),
        "number": lambda: number_of(schema),
        "boolean": lambda: True,
        "null": lambda: None,
    }
    return make[schema.get("type", "object")]()


def object_of(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    found = {name: KNOWN.get(name, value_of(inner, definitions)) for name, inner in properties.items()}
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        found[text_of(schema.get("propertyNames", {}))] = value_of(more, definitions)
    for pattern, inner in schema.get("patternProperties", {}).items():
        found[text_of({"pattern": pattern})] = value_of(inner, definitions)
    return found


def array_of(schema: dict[str, Any], definitions: dict[str, Any]) -> list[Any]:
    if "prefixItems" in schema:
        return [value_of(inner, definitions) for inner in schema["prefixItems"]]
    return [value_of(schema.get("items", {}), definitions)] * max(1, schema.get("minItems", 1))


def text_of(schema: dict[str, Any]) -> str:
    if "format" in schema:
        return FORMATS[schema["format"]]
    pattern = schema.get("pattern", "")
    return next(text for text in TEXTS if re.search(pattern, text))


def number_of(schema: dict[str, Any]) -> float:
    low, high = schema.get("minimum", schema.get("exclusiveMinimum", 0)), schema.get("maximum")
    return low + 1 if high is None or low + 1 <= high else low
