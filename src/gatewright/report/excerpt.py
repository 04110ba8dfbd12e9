"""A place in the evidence for the terminal: the value at a JSON Pointer, or the end of a text."""

import json
from pathlib import Path, PurePosixPath

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.core.escape import lines_of, printable_lines
from gatewright.evidence.strict import EvidenceError, parse_json, read_bytes, value_at

__all__ = ["EvidenceUnreadableError", "render_excerpt"]

SHOWN_LINES = 200
SHOWN_TAIL = 60


class EvidenceUnreadableError(GatewrightError):
    """The place is not there, or what lies there can't be read."""


def render_excerpt(folder: Path, place: str) -> str:
    """What lies at a place, as text without control characters.

    Args:
        folder: the evidence folder that the path is relative to.
        place: `path` or `path#pointer`, as reasons name it.

    Raises:
        ConfigurationError: a path that leaves the folder.
        EvidenceUnreadableError: there is no such file or value.
    """
    path, _, pointer = place.partition("#")
    if not path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ConfigurationError(f"{place!r} is no place in the evidence", remedy="copy it from: explain")
    try:
        data = read_bytes(folder / path)
        if path.endswith(".json"):
            return render_json(parse_json(data, name=path), pointer, path)
    except EvidenceError as error:
        raise EvidenceUnreadableError(error.message) from None
    return render_text(data.decode(errors="replace"))


def render_json(document: object, pointer: str, path: str) -> str:
    """The value at a pointer, indented."""
    try:
        value = value_at(document, pointer)
    except LookupError:
        raise EvidenceUnreadableError(f"{path} has nothing at {pointer}") from None
    lines = json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    left_out = [f"... and {len(lines) - SHOWN_LINES} more lines"] if len(lines) > SHOWN_LINES else []
    return printable_lines("\n".join([*lines[:SHOWN_LINES], *left_out]))


def render_text(text: str) -> str:
    """The end of a text, where logs tell how things went."""
    lines = lines_of(text)
    left_out = [f"... {len(lines) - SHOWN_TAIL} lines before"] if len(lines) > SHOWN_TAIL else []
    return printable_lines("\n".join([*left_out, *lines[-SHOWN_TAIL:]]))
