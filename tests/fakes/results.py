"""Result files for tests: the real samples, and what becomes of them when a part is changed."""

import copy
import json
from pathlib import Path
from typing import Any

from gatewright.evidence.results import Format, Result, read_result

__all__ = ["GONE", "SAMPLES", "changed", "read_document", "read_text", "sample"]

SAMPLES = Path(__file__).parents[1] / "evidence" / "adapters" / "samples"
GONE = object()
"""As a new value: the key, or the entry, is taken out."""


def sample(name: str) -> Any:
    """A sample as a document of its own."""
    return json.loads((SAMPLES / name).read_bytes())


def changed(document: Any, *changes: tuple[str, object]) -> Any:
    """A copy with other values at some places, given as `a/0/b`; `-` stands for the end of a list."""
    result = copy.deepcopy(document)
    for place, value in changes:
        *path, last = [int(part) if part.isdigit() else part for part in place.split("/")]
        target = result
        for part in path:
            target = target[part]
        if value is GONE:
            del target[last]
        elif last == "-":
            target.append(value)
        else:
            target[last] = value
    return result


def read_document(folder: Path, document: object, format: Format | None = None) -> Result:  # noqa: A002
    """What the one entrance says of a JSON document."""
    return read_text(folder, json.dumps(document), "result.json", format)


def read_text(folder: Path, text: str, name: str, format: Format | None = None) -> Result:  # noqa: A002
    """What the one entrance says of a text under a name."""
    (folder / name).write_text(text, encoding="utf-8")
    return read_result(folder, name, format)
