"""From plain values to OpenSLO's models; whatever does not fit is refused by name, all of it."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gatewright.slo.openslo.model import LONGEST, Document, Path, Refusal, RefusedError, field_name
from gatewright.slo.openslo.wire import API_VERSION, FIELDS, INLINE, KINDS, REFERENCE, Kind

__all__ = ["Parsed", "nearest", "parse"]

NO_KEYS = (REFERENCE, INLINE, "[key]")
"""What pydantic adds to a path."""
NO_MAPPING = ("model_type", "dict_type", "model_attributes_type")
REQUIRED = "OpenSLO v1 requires it"


@dataclass(frozen=True)
class Parsed:
    """A document that is what OpenSLO says it should be."""

    document: Document
    title: str
    model: Kind

    def refusal(self, refused: RefusedError) -> Refusal:
        """A refusal of one of its values."""
        return refusal_of(self.document, self.title, refused.path, refused.message, refused.remedy)


def parse(document: Document) -> Parsed | tuple[Refusal, ...]:
    """Read one document; or all reasons why it can't be read."""
    title = title_of(document.content)
    try:
        model = model_of(document.content).model_validate(document.content)
    except RefusedError as refused:
        return (refusal_of(document, title, refused.path, refused.message, refused.remedy),)
    except ValidationError as error:
        return tuple(explain(error, document, title))
    except RecursionError:
        return (refusal_of(document, title, (), "is nested too deeply"),)
    return Parsed(document, title, model)


def refusal_of(document: Document, title: str, path: Path, why: str, remedy: str = "") -> Refusal:
    """A refusal of the value at a path."""
    return Refusal(document.file, document.line_of(path), title, field_name(path), why, remedy)


def title_of(content: object) -> str:
    """Kind and name of a document as far as they can be told: `SLO/checkout`."""
    if not isinstance(content, dict):
        return "document"
    metadata = content.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    parts = (content.get("kind"), name)
    return "/".join(part[:LONGEST] if isinstance(part, str) and part else "?" for part in parts)


def model_of(content: object) -> type[Kind]:
    """The model of a document, by its version and kind."""
    if not isinstance(content, dict):
        raise RefusedError(
            (), "is no mapping of keys to values", remedy="an OpenSLO document starts with apiVersion"
        )
    version, kind = content.get("apiVersion"), content.get("kind")
    if version != API_VERSION:
        raise RefusedError(
            ("apiVersion",), f"is {shown(version)}", remedy=f"write the document in {API_VERSION}"
        )
    if not isinstance(kind, str) or kind not in KINDS:
        raise RefusedError(("kind",), f"is {shown(kind)}", remedy=f"OpenSLO v1 has {', '.join(KINDS)}")
    return KINDS[kind]


def explain(error: ValidationError, document: Document, title: str) -> Iterator[Refusal]:
    """Every error of a document in one line each."""
    for each in error.errors(include_url=False):
        path = tuple(part for part in each["loc"] if part not in NO_KEYS)
        why, remedy = words_for(each)
        yield refusal_of(document, title, path, why, remedy)


def words_for(error: ErrorDetails) -> tuple[str, str]:
    """What is wrong with a value, and what to do about it."""
    kind, value = error["type"], error["input"]
    if kind == "missing":
        return "is missing", REQUIRED
    if kind == "extra_forbidden":
        return "is no field of OpenSLO v1 here", nearest(str(error["loc"][-1]), FIELDS)
    if kind in NO_MAPPING:
        return f"is {shown(value)}", "it must be a mapping of keys to values"
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    message = message[:1].lower() + message[1:]
    if isinstance(value, dict | list):
        return message, ""
    return f"is {shown(value)}", f"it {message}"


def nearest(name: str, known: list[str], *, otherwise: str = "remove it") -> str:
    """The known name that was probably meant; what else to do where there is none."""
    matches = difflib.get_close_matches(name[:LONGEST], known, n=1)
    return f"did you mean {matches[0]}?" if matches else otherwise


def shown(value: object) -> str:
    """A value in a few words."""
    if value is None:
        return "missing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and abs(value) >= 10**LONGEST:
        return "a huge number"
    text = repr(value) if isinstance(value, str | int | float) else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
