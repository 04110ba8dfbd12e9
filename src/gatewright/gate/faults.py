"""What makes a document no policy: each fault with its place in the document, and what helps."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gatewright.gate.documented import describe, model_at

__all__ = ["Fault", "find_faults"]

WORDS = {
    "tuple_type": "must be an array, [...]",
    "list_type": "must be an array, [...]",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "too_short": "must not be empty",
}
"""What TOML calls that which pydantic names by the types of Python."""

REMEDIES = {"nothing_required": 'leave "required = false" out of one'}
"""What helps against faults of the policy as a whole, which no setting is for."""


@dataclass(frozen=True)
class Fault:
    """One fault: its place, what is wrong, and what helps."""

    path: tuple[str | int, ...]
    message: str
    remedy: str

    def __str__(self) -> str:
        place = ".".join(map(str, self.path)) or "the policy"
        hint = f"; {self.remedy}" if self.remedy.startswith("did you mean") else ""
        return f"{place}: {self.message}{hint}"


def find_faults(model: type[BaseModel], document: object, error: ValidationError) -> Iterator[Fault]:
    """The faults that pydantic found, in its order.

    Args:
        model: what the document should be.
        document: what `tomllib` read.
        error: what pydantic says.
    """
    for details in error.errors(include_url=False, include_input=False, include_context=False):
        path = place_of(document, details)
        # Where all items of an array are faulty pydantic also says that it is empty.
        if details["type"] != "too_short" or not value_at(document, path):
            yield explain(model, path, details)


def value_at(document: object, path: tuple[str | int, ...]) -> object:
    """What stands at a place of a document; None where nothing does."""
    for part in path:
        document = step_into(document, part)
    return document


def place_of(document: object, details: ErrorDetails) -> tuple[str | int, ...]:
    """Where in the document a fault is; pydantic's own marks (`[key]`, members of unions) are left out."""
    path: list[str | int] = []
    for part in details["loc"]:
        inner = step_into(document, part)
        if inner is not None:
            path.append(part)
            document = inner
        elif details["type"] == "missing" and part == details["loc"][-1]:
            path.append(part)
    return tuple(path)


def step_into(document: object, part: str | int) -> object | None:
    """What lies below a key or an index; None, which TOML does not know, where there is no such thing."""
    inner: object = None
    if isinstance(document, dict):
        inner = document.get(part)
    elif isinstance(document, list) and isinstance(part, int) and part < len(document):
        inner = document[part]
    return inner


def explain(model: type[BaseModel], path: tuple[str | int, ...], details: ErrorDetails) -> Fault:
    """A fault in plain words."""
    nearby, name = model_at(model, path), str(path[-1]) if path else ""
    if details["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(name, nearby.model_fields, n=1)
        remedy = f"did you mean {nearest[0]}?" if nearest else "take it out"
        return Fault(path, "there is no such setting", remedy)
    meaning = find_meaning(model, path)
    if details["type"] == "missing":
        return Fault(path, "is missing", f"add {meaning or name}")
    message = WORDS.get(details["type"], details["msg"].removeprefix("Value error, "))
    return Fault(path, message, REMEDIES.get(details["type"], meaning))


def find_meaning(model: type[BaseModel], path: tuple[str | int, ...]) -> str:
    """What the innermost documented setting of a path is for, with its name; empty where none is."""
    for length in range(len(path), 0, -1):
        name = str(path[length - 1])
        if text := describe(model_at(model, path[:length])).get(name):
            return f"{name}: {text}"
    return ""
