"""Digests of files, and the listing of a folder that holds nothing but plain files."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from gatewright.core.model import Model

__all__ = [
    "FileEntry",
    "Listing",
    "Sha256",
    "hash_bytes",
    "hash_file",
    "list_folder",
    "read_sums",
    "write_sums",
]

BACKSLASH = "\\"
UNESCAPES = {"\\\\": BACKSLASH, "\\n": "\n", "\\r": "\r"}
ESCAPES = str.maketrans({letter: escape for escape, letter in UNESCAPES.items()})
ESCAPED = re.compile(r"\\[\\nr]")
SUMS_LINE = re.compile(r"(?P<escaped>\\?)(?P<digest>[0-9a-f]{64})  (?P<path>.+)", re.DOTALL)

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class FileEntry(Model):
    """A file of the evidence: its path relative to the folder of its check, its size and its digest."""

    path: str
    bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256


@dataclass(frozen=True)
class Listing:
    """What a folder holds, as paths relative to it: plain files, and strangers (links, pipes, devices)."""

    files: tuple[str, ...]
    strangers: tuple[str, ...]


def list_folder(folder: Path) -> Listing:
    """List a folder and those below, sorted; a folder that does not exist holds nothing."""
    files: list[str] = []
    strangers: list[str] = []
    for path, is_plain in scan(folder):
        (files if is_plain else strangers).append(path)
    return Listing(tuple(sorted(files)), tuple(sorted(strangers)))


def scan(folder: Path) -> Iterator[tuple[str, bool]]:
    """Each entry below a folder, and whether it is a plain file; links are never followed."""
    waiting = [""]  # no recursion: an enemy's folders are as deep as they like
    while waiting:
        below = waiting.pop()
        try:
            entries = list(os.scandir(folder / below))
        except FileNotFoundError:
            continue
        for entry in entries:
            path = f"{below}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                waiting.append(f"{path}/")
            else:
                yield path, entry.is_file(follow_symlinks=False)


def hash_bytes(data: bytes) -> str:
    """SHA-256 as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def hash_file(folder: Path, path: str) -> FileEntry:
    """Size and digest of a file, without holding it in memory."""
    with (folder / path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileEntry(path=path, bytes=file.tell(), sha256=digest)


def write_sums(entries: dict[str, str]) -> bytes:
    """Digests by path as the text that `sha256sum --check` reads, whatever bytes a path is made of."""
    text = "".join(sums_line(path, digest) for path, digest in sorted(entries.items()))
    return text.encode(errors="surrogateescape")


def sums_line(path: str, digest: str) -> str:
    """One line; it begins with a backslash where the path is escaped (GNU coreutils manual, "md5sum")."""
    escaped = path.translate(ESCAPES)
    return f"{'' if escaped == path else BACKSLASH}{digest}  {escaped}\n"


def read_sums(data: bytes) -> dict[str, str]:
    """Digests by path from what `write_sums` wrote; lines of another form are left out."""
    lines = data.decode(errors="surrogateescape").split("\n")
    found = (SUMS_LINE.fullmatch(line) for line in lines)
    return {
        unescaped(match["path"]) if match["escaped"] else match["path"]: match["digest"]
        for match in found
        if match
    }


def unescaped(path: str) -> str:
    """A path as `sums_line` got it."""
    return ESCAPED.sub(lambda match: UNESCAPES[match[0]], path)
