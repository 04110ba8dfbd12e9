"""Log lines, one JSON object each or one line of text; nobody can forge one, and none tells a secret."""

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO

from multyagents_api.domain.redaction import redact
from multyagents_api.observing.work import facts

__all__ = ["ACCESS", "LogFormat", "configure", "format_from", "formatter"]

ACCESS = logging.getLogger("multyagents_api.access")
"""One line for each request, where an operator asks for it."""

MOST_MESSAGE_CHARACTERS = 8_000
MOST_STACK_CHARACTERS = 32_000

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Line breaks, escape sequences of terminals, marks that turn the direction of text, halves of characters."""


class LogFormat(StrEnum):
    """How log lines look."""

    JSON = "json"
    TEXT = "text"


def format_from(environment: Mapping[str, str]) -> LogFormat | None:
    """What `MULTYAGENTS_LOG_FORMAT` says; None where it says nothing.

    Raises:
        ValueError: it says something else; the message is for the operator.
    """
    chosen = environment.get("MULTYAGENTS_LOG_FORMAT")
    if not chosen:
        return None
    if chosen not in set(LogFormat):
        raise ValueError(f"MULTYAGENTS_LOG_FORMAT is {chosen!r}, but must be one of: {', '.join(LogFormat)}")
    return LogFormat(chosen)


class _Record:
    """What a line says of a record, without secrets and without what could end the line."""

    def __init__(self, record: logging.LogRecord) -> None:
        self.time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
        self.level = record.levelname.lower()
        self.logger = record.name
        self.message = _clean(_said(record), MOST_MESSAGE_CHARACTERS)
        told: dict[str, object] = getattr(record, "facts", {})
        self.facts: dict[str, object] = {**facts(), **{name: _plain(value) for name, value in told.items()}}
        self.exception = ""
        self.stack: list[str] = []
        if record.exc_info and record.exc_info[0] is not None:
            self.exception = f"{record.exc_info[0].__module__}.{record.exc_info[0].__qualname__}"
            whole = redact("".join(traceback.format_exception(*record.exc_info)).rstrip("\n"))
            self.stack = [_escape(line) for line in whole[-MOST_STACK_CHARACTERS:].split("\n")]


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON, in ASCII; times are RFC 3339, in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        seen = _Record(record)
        line: dict[str, object] = {
            "time": seen.time,
            "level": seen.level,
            "logger": seen.logger,
            "message": seen.message,
            **seen.facts,
        }
        if seen.exception:
            line["exception"] = {"type": seen.exception, "stack": "\n".join(seen.stack)}
        return json.dumps(line)


class TextFormatter(logging.Formatter):
    """A record as one line of text; the lines of a stack follow, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and its stack."""
        seen = _Record(record)
        known = "".join(f" {name}={value}" for name, value in seen.facts.items())
        head = f"{seen.time} {seen.level:<8} {seen.logger}: {seen.message}{known}"
        return "\n    ".join([head, *seen.stack])


def _said(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a line with arguments that don't fit is still worth reading
        return str(record.msg)


def _plain(value: object) -> object:
    return value if isinstance(value, int | float) else _clean(str(value), MOST_MESSAGE_CHARACTERS)


def _clean(text: str, most: int) -> str:
    return _escape(redact(text)[:most])


def _escape(text: str) -> str:
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def formatter(chosen: LogFormat) -> logging.Formatter:
    """What writes lines in that format."""
    return JsonFormatter() if chosen is LogFormat.JSON else TextFormatter()


def configure(
    level: str, chosen: LogFormat | None = None, *, access: bool = False, stream: TextIO | None = None
) -> None:
    """Let this process log to its standard error output, everybody in the same way.

    Args:
        level: the least level that is logged.
        chosen: the format; text on a terminal and JSON elsewhere where none is chosen.
        access: whether each request gets a line; these are of level `info`, and logged at any level.
        stream: where to instead.
    """
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(chosen or (LogFormat.TEXT if stream.isatty() else LogFormat.JSON)))
    handler.addFilter(_is_news)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    ACCESS.setLevel(logging.INFO if access else logging.CRITICAL)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_crash


def _is_news(record: logging.LogRecord) -> bool:
    """Not what uvicorn says of a failed request: we said it before, and know which request it was."""
    return not (record.name == "uvicorn.error" and record.msg == "Exception in ASGI application\n")


def _log_crash(kind: type[BaseException], error: BaseException, _trace: object) -> None:
    failed = (kind, error, error.__traceback__)
    logging.getLogger("multyagents_api").critical("the process failed", exc_info=failed)
