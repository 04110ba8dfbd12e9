"""The lines, or the single instructions, of chosen files as points of threads.

A line is a point only if it can touch what others see: one that merely moves local variables is none. The
point's name is the file's name and the line's text.
"""

import contextlib
import dis
import gc
import linecache
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, TypeAlias

__all__ = ["Granularity", "LinePoints"]

Stop: TypeAlias = Callable[[str], None]

MONITORING: Any = getattr(sys, "monitoring", None)
"""Watches single functions at next to no cost, from Python 3.12 on."""

HARMLESS = (
    "LOAD_FAST", "STORE_FAST", "DELETE_FAST", "LOAD_CONST", "LOAD_SMALL_INT", "LOAD_CLOSURE", "MAKE_CELL",
    "RETURN_", "JUMP_", "POP_TOP", "POP_EXCEPT", "PUSH_NULL", "PUSH_EXC_INFO", "COPY", "SWAP", "BUILD_",
    "IS_OP", "NOP", "RESUME", "CACHE", "PRECALL", "KW_NAMES", "EXTENDED_ARG", "NOT_TAKEN", "RERAISE",
    "LOAD_ASSERTION_ERROR",
)  # fmt: skip
"""What begins so only moves what is local to a function."""


class Granularity(StrEnum):
    """What stands between two points."""

    LINE = "line"
    OPCODE = "opcode"


class LinePoints:
    """Knows which places of the watched files are points, and stops threads there.

    Args:
        stop: called in the running thread with the name of each point.
        granularity: lines, or single instructions, which is slower by far and sees races within a line.
    """

    def __init__(self, stop: Stop, granularity: Granularity = Granularity.LINE) -> None:
        self._stop = stop
        self._granularity = granularity
        self._files: frozenset[str] = frozenset()
        self._labels: dict[CodeType, dict[int, str]] = {}

    def watch(self, files: Iterable[Path]) -> None:
        """Take the points from these files."""
        self._files = frozenset(str(file) for file in files)
        self._labels.clear()

    @contextlib.contextmanager
    def in_thread(self) -> Iterator[None]:
        """Stop the running thread at its points."""
        if MONITORING is not None:  # see watching()
            yield
            return
        sys.settrace(self._enter_frame)
        try:
            yield
        finally:
            sys.settrace(None)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Where the interpreter can watch single functions for all threads, let it."""
        if MONITORING is None:
            yield
            return
        with _monitored(self._granularity, self._at_place, self._codes()):
            yield

    def _enter_frame(self, frame: FrameType, _event: str, _argument: object) -> Any:
        if frame.f_code.co_filename not in self._files:
            return None
        if self._granularity is Granularity.OPCODE:
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._step

    def _step(self, frame: FrameType, event: str, _argument: object) -> Any:
        if event == "line":
            self._at_place(frame.f_code, frame.f_lineno)
        elif event == "opcode":
            self._at_place(frame.f_code, frame.f_lasti)
        return self._step

    def _at_place(self, code: CodeType, place: int) -> Any:
        """Stop at a line, or at the offset of an instruction, unless it can touch nothing."""
        labels = self._labels.get(code)
        if labels is None:
            labels = self._labels[code] = self._points_of(code)
        if (label := labels.get(place)) is None:
            return None if MONITORING is None else MONITORING.DISABLE
        self._stop(label)
        return None

    def _points_of(self, code: CodeType) -> dict[int, str]:
        by_offset = self._granularity is Granularity.OPCODE
        points = {}
        line: int | None = None
        for instruction in dis.get_instructions(code):
            position = instruction.positions
            line = position.lineno if position is not None and position.lineno else line
            if line and not instruction.opname.startswith(HARMLESS):
                points[instruction.offset if by_offset else line] = _label_of(code.co_filename, line)
        return points

    def _codes(self) -> list[CodeType]:
        """The code of every function there is in the watched files, and of those within them."""
        functions = [each for each in gc.get_objects() if type(each) is FunctionType]
        left = [each.__code__ for each in functions if each.__code__.co_filename in self._files]
        found: dict[CodeType, None] = {}
        while left:
            code = left.pop()
            if code not in found:
                found[code] = None
                left += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        return list(found)


def _label_of(file: str, line: int) -> str:
    text = " ".join(linecache.getline(file, line).split())
    return f"{Path(file).name}: {text}"[:240]


@contextlib.contextmanager
def _monitored(
    granularity: Granularity, at_place: Callable[[CodeType, int], Any], codes: list[CodeType]
) -> Iterator[None]:
    events = MONITORING.events
    event = events.LINE if granularity is Granularity.LINE else events.INSTRUCTION
    tool = next(number for number in (4, 3, 5, 2, 1, 0) if MONITORING.get_tool(number) is None)
    MONITORING.use_tool_id(tool, "gatewright")
    MONITORING.register_callback(tool, event, at_place)
    MONITORING.restart_events()  # what another arena left out is asked for again
    for code in codes:
        MONITORING.set_local_events(tool, code, event)
    try:
        yield
    finally:
        for code in codes:
            MONITORING.set_local_events(tool, code, 0)
        MONITORING.register_callback(tool, event, None)
        MONITORING.free_tool_id(tool)
