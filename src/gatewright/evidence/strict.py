"""Read files that may have been written by an enemy: a typed value, or a clear refusal in one line."""

import itertools
import json
import math
import os
import stat
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, TypeVar

from pydantic import BaseModel, ValidationError

from gatewright.core.escape import clipped
from gatewright.core.verdict import State

__all__ = [
    "EvidenceError",
    "json_pointer",
    "open_plain",
    "parse_json",
    "parse_model",
    "read_bytes",
    "read_model",
    "value_at",
]

MAXIMUM_BYTES = 64 * 1024 * 1024
MAXIMUM_DIGITS = 19
"""The digits of the greatest 64-bit integer; no count or size in evidence has more."""

PIECE = 256 * 1024
MAXIMUM_MESSAGE = 500
MAXIMUM_INDEX_DIGITS = 9

BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")

M = TypeVar("M", bound=BaseModel)


class EvidenceError(Exception):
    """A file that can't be used as evidence.

    Args:
        message: what is wrong; kept as one line of bounded length, since parts of it may come from the file.
        state: how a check ends that rests on this file.
        pointer: JSON Pointer to the place in the file, where there is one.
    """

    def __init__(self, message: str, *, state: State = State.INVALID, pointer: str = "") -> None:
        self.message = clipped(message, MAXIMUM_MESSAGE)
        super().__init__(self.message)
        self.state = state
        self.pointer = pointer


def open_plain(path: Path) -> BinaryIO:
    """Open a plain file for reading; links and devices are refused.

    Raises:
        EvidenceError: MISSING when there is no such file, TAMPERED for anything but a plain file, INVALID for
            one that can't be read.
    """
    try:
        # A device or a named pipe would block an open that waits.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise EvidenceError(f"there is no {path.name}", state=State.MISSING) from None
    except OSError as error:
        state = State.TAMPERED if path.is_symlink() else State.INVALID
        reason = "a link, not a file" if path.is_symlink() else f"unreadable: {error.strerror}"
        raise EvidenceError(f"{path.name} is {reason}", state=state) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise EvidenceError(f"{path.name} is not a plain file", state=State.TAMPERED)
    return os.fdopen(descriptor, "rb")


def read_bytes(path: Path, *, limit: int = MAXIMUM_BYTES) -> bytes:
    """Read a plain file of bounded size.

    Raises:
        EvidenceError: as `open_plain`, and INVALID for a file that is larger than `limit` bytes.
    """
    with open_plain(path) as file:
        # Asked for all at once, a small file would cost the memory of the largest.
        pieces = list(itertools.islice(iter(lambda: file.read(PIECE), b""), limit // PIECE + 1))
    data = b"".join(pieces)
    if len(data) > limit:
        raise EvidenceError(f"{path.name} is larger than {limit} bytes")
    return data


def read_model(path: Path, model: type[M], *, limit: int = MAXIMUM_BYTES) -> M:
    """Read a JSON file into a model, strictly.

    Raises:
        EvidenceError: with the state of a check that rests on this file.
    """
    return parse_model(read_bytes(path, limit=limit), model, name=path.name)


def parse_model(data: bytes, model: type[M], *, name: str) -> M:
    """Parse JSON into a model; what JSON allows and evidence does not is refused.

    Raises:
        EvidenceError: INVALID, naming the file, the reason and the place.
    """
    parse_json(data, name=name)
    try:
        return model.model_validate_json(data, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        pointer = json_pointer(first["loc"])
        raise EvidenceError(f"{name}: {first['msg']} at {pointer or '/'}", pointer=pointer) from None


def parse_json(data: bytes, *, name: str) -> object:
    """Parse JSON that no two parsers read differently.

    Raises:
        EvidenceError: INVALID for byte order marks, duplicate keys, and numbers that are none or too great.
    """
    if data.startswith(BYTE_ORDER_MARKS):
        raise EvidenceError(f"{name} begins with a byte order mark")
    try:
        value: object = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=refuse_duplicates,
            parse_constant=refuse_constant,
            parse_int=refuse_huge,
            parse_float=refuse_infinite,
        )
    except UnicodeDecodeError as error:
        raise EvidenceError(f"{name} is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise EvidenceError(f"{name} is not JSON: {error.msg} at line {error.lineno}") from None
    except RecursionError:
        raise EvidenceError(f"{name} is nested too deeply") from None
    except EvidenceError as error:
        raise EvidenceError(f"{name} {error.message}") from None
    return value


def value_at(document: object, pointer: str) -> object:
    """The value at a JSON Pointer (RFC 6901).

    Raises:
        LookupError: there is none.
    """
    value = document
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value[key]
        elif isinstance(value, list) and key.isascii() and key.isdigit() and len(key) <= MAXIMUM_INDEX_DIGITS:
            value = value[int(key)]
        else:
            raise LookupError(pointer)
    return value


def refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Two values under one key: every reader would pick the one it likes."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise EvidenceError(f"has the key {twice[:60]!r} twice in one object")
    return found


def refuse_constant(constant: str) -> object:
    """`NaN > limit` is false, so a figure that is none would meet every limit."""
    raise EvidenceError(f"holds {constant}, which is not a number")


def refuse_huge(digits: str) -> int:
    """An integer that no count has, and that costs time to convert."""
    if len(digits.lstrip("-")) > MAXIMUM_DIGITS:
        raise EvidenceError(f"holds an integer of {len(digits)} digits")
    return int(digits)


def refuse_infinite(text: str) -> float:
    """`1e999` is infinity in disguise."""
    number = float(text)
    if not math.isfinite(number):
        raise EvidenceError(f"holds {text[:20]}, which is not finite")
    return number


def json_pointer(location: Iterable[str | int]) -> str:
    """A place in a JSON document as RFC 6901 writes it."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)
