"""What docstrings say of the settings of a model: the one text behind lint, schema and guide."""

import inspect
import re
from typing import get_args

from pydantic import BaseModel

__all__ = ["describe", "model_at", "summarise"]

ENTRY = re.compile(r"^(?P<names>\w+(?:, \w+)*): (?P<text>.*)$")


def summarise(model: type[BaseModel]) -> str:
    """The docstring of a model without what it says of single settings."""
    return inspect.cleandoc(model.__doc__ or "").partition("\n\nAttributes:")[0]


def describe(model: type[BaseModel]) -> dict[str, str]:
    """What the `Attributes:` of a model's docstring say of each setting."""
    texts: dict[str, str] = {}
    names: list[str] = []
    section = inspect.cleandoc(model.__doc__ or "").partition("\n\nAttributes:\n")[2]
    for line in section.partition("\n\n")[0].splitlines():
        if line.startswith("    ") and not line.startswith("     ") and (entry := ENTRY.match(line.strip())):
            names = entry["names"].split(", ")
            texts |= dict.fromkeys(names, entry["text"])
        else:
            texts |= {name: f"{texts[name]} {line.strip()}" for name in names}
    return texts


def model_at(model: type[BaseModel], path: tuple[str | int, ...]) -> type[BaseModel]:
    """The model of the settings that stand beside the last one of a path, which begins at `model`."""
    for part in path[:-1]:
        field = model.model_fields.get(str(part))
        model = (field and nested_model(field.annotation)) or model
    return model


def nested_model(annotation: object) -> type[BaseModel] | None:
    """The first model that a type mentions: that of a table, of the items of an array, of named tables."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := nested_model(inner))), None)
