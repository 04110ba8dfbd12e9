"""Files of lines that grow at their end: read from either end, a piece at a time. A line is what is ended."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gatewright.core.verdict import State
from gatewright.evidence.strict import EvidenceError, open_plain

__all__ = ["lines_at_the_end", "read_lines", "size_of", "unfinished_line", "without_unfinished_line"]

MAXIMUM_LINE_BYTES = 1024 * 1024
PIECE_BYTES = 64 * 1024


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file without their ends, from the first; none where there is no file.

    Raises:
        EvidenceError: it is no plain file, can't be read, or has a line that is too long.
    """
    with_file = open_if_there(path)
    if with_file is None:
        return
    with with_file as file:
        while line := file.readline(MAXIMUM_LINE_BYTES + 1):
            if line.endswith(b"\n"):
                yield line[:-1]
            elif len(line) > MAXIMUM_LINE_BYTES:
                raise too_long(path)


def lines_at_the_end(path: Path, count: int, *, end: int | None = None, start: int = 0) -> list[bytes]:
    """The last lines of a file, or of a part of it, without their ends; no more of it is read than that.

    Args:
        path: the file; none is as good as an empty one.
        count: how many lines at most.
        end: where the part ends, in bytes; the end of the file when None.
        start: where it begins.

    Raises:
        EvidenceError: as `read_lines`.
    """
    with_file = open_if_there(path)
    if with_file is None:
        return []
    with with_file as file:
        place = file.seek(0, os.SEEK_END) if end is None else end
        pieces: list[bytes] = []
        ends = unended = 0
        # One line end more than lines: the one before the first of them.
        while place > start and ends <= count:
            length = min(PIECE_BYTES, place - start)
            place -= length
            pieces.append(read_piece(file, place, length))
            first_end = pieces[-1].find(b"\n")
            unended = unended + length if first_end < 0 else first_end
            if unended > MAXIMUM_LINE_BYTES:
                raise too_long(path)
            ends += pieces[-1].count(b"\n")
    lines = b"".join(reversed(pieces)).split(b"\n")[:-1]  # what follows the last line end is no line yet
    return lines[-count:] if count else []


def unfinished_line(path: Path) -> bytes:
    """What follows the last line end of a file.

    Raises:
        EvidenceError: as `read_lines`.
    """
    with_file = open_if_there(path)
    if with_file is None:
        return b""
    with with_file as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - MAXIMUM_LINE_BYTES - 1)
        data = read_piece(file, start, size - start)
    if start and b"\n" not in data:
        raise too_long(path)
    return data[data.rfind(b"\n") + 1 :]


def without_unfinished_line(path: Path) -> None:
    """Cut off what follows the last line end of a file.

    Raises:
        EvidenceError: as `read_lines`.
        OSError: it can't be written.
    """
    torn = len(unfinished_line(path))
    with path.open("r+b") as file:
        file.truncate(file.seek(0, os.SEEK_END) - torn)
        os.fsync(file.fileno())


def size_of(path: Path) -> int:
    """The size of a file up to its last line end, in bytes; 0 where there is no file.

    Raises:
        EvidenceError: as `read_lines`.
    """
    with_file = open_if_there(path)
    if with_file is None:
        return 0
    with with_file as file:
        size = file.seek(0, os.SEEK_END)
    return size - len(unfinished_line(path))


def open_if_there(path: Path) -> BinaryIO | None:
    """A file for reading; None where there is none."""
    try:
        return open_plain(path)
    except EvidenceError as error:
        if error.state is State.MISSING:
            return None
        raise


def read_piece(file: BinaryIO, place: int, length: int) -> bytes:
    """A piece of a file."""
    file.seek(place)
    return file.read(length)


def too_long(path: Path) -> EvidenceError:
    """A line that no writer of ours has written."""
    return EvidenceError(f"{path.name} has a line of more than {MAXIMUM_LINE_BYTES} bytes")
