"""What a command may say of its result beside its exit code: a file of its own, which nobody trusts."""

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["InvalidResult", "read_result"]

MOST_BYTES = 256 * 1024
FIELDS = frozenset({"message", "handoff", "quality_gates"})


class InvalidResult(Exception):  # noqa: N818 - what happened
    """The file that a command left as its result can't be used; the message says why."""


def read_result(file: Path) -> Mapping[str, Any]:
    """The fields of a callback that a command wrote; none where it wrote no file.

    Raises:
        InvalidResult: it is no plain file, too large, no JSON object, or names other fields.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InvalidResult(f"its result can't be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidResult("its result is no plain file")
    with os.fdopen(descriptor, "rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise InvalidResult(f"its result is larger than {MOST_BYTES} bytes")
    return _fields(content)


def _fields(content: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(content)
        json.dumps(said, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise InvalidResult("its result is no JSON") from None
    if not isinstance(said, dict):
        raise InvalidResult("its result is no JSON object")
    if unknown := sorted(said.keys() - FIELDS):
        raise InvalidResult(f"its result has an unknown field {unknown[0][:100]!r}")
    return said
