"""A disk that a drill can fill: a small tmpfs that only the server sees, or a limit on its files' size."""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gatewright.core.errors import NotHere

__all__ = ["LimitedFiles", "SmallDisk", "SmallTmpfs", "small_disk"]

SIZE = "200m"
"""More than the write-ahead log takes by itself (125 MiB), so that it is the ballast that fills the disk."""

BLOCKS_BYTES = (1024 * 1024, 4096)
BALLAST = "ballast"
WAYS = (("unshare", "--mount"), ("unshare", "--map-root-user", "--mount"))
MOUNT = 'mount -t tmpfs -o size={size} tmpfs "$0" && exec "$@"'


class SmallDisk(Protocol):
    """Where a server keeps its files, and what can be done to that; servers are told by process id."""

    @property
    def folder(self) -> Path:
        """Where the files are, as the server sees it."""
        ...

    def command(self, words: Sequence[str]) -> tuple[str, ...]:
        """What starts a server that sees the disk."""
        ...

    def view(self, server: int) -> Path:
        """The disk as this process can reach it."""
        ...

    def fill(self, server: int) -> None:
        """Leave no room for what is longer than it is now."""
        ...

    def free(self, server: int) -> None:
        """Make room again."""
        ...


@dataclass(frozen=True)
class SmallTmpfs:
    """A tmpfs in a mount namespace of the server: gone with the server, and seen by nobody else.

    Attributes:
        folder: where it is mounted.
        way: what starts a command in a mount namespace of its own.
    """

    folder: Path
    way: Sequence[str]

    def command(self, words: Sequence[str]) -> tuple[str, ...]:
        """The words after those that make the namespace and mount the disk in it."""
        return (*self.way, "sh", "-c", MOUNT.format(size=SIZE), str(self.folder), *words)

    def view(self, server: int) -> Path:
        """The folder through the server's eyes."""
        return Path(f"/proc/{server}/root{self.folder}")

    def fill(self, server: int) -> None:
        """Write ballast until nothing more goes in."""
        for size in BLOCKS_BYTES:
            with suppress(OSError), (self.view(server) / BALLAST).open("ab", buffering=0) as ballast:
                while ballast.write(bytes(size)):
                    pass

    def free(self, server: int) -> None:
        """Throw the ballast off."""
        (self.view(server) / BALLAST).unlink()


@dataclass(frozen=True)
class LimitedFiles:
    """No disk of its own: the server's files must not grow while it is *full* (`RLIMIT_FSIZE`, EFBIG).

    Attributes:
        folder: of the files.
    """

    folder: Path

    def command(self, words: Sequence[str]) -> tuple[str, ...]:
        """The words as they are."""
        return tuple(words)

    def view(self, server: int) -> Path:  # noqa: ARG002 - everybody sees the same
        """The folder."""
        return self.folder

    def fill(self, server: int) -> None:
        """Let no file become longer than the shortest that grows is now: the write-ahead log."""
        log = min((file.stat().st_size for file in self.folder.glob("*-wal")), default=0)
        self._limit(server, log)

    def free(self, server: int) -> None:
        """Let files grow again."""
        self._limit(server, resource.RLIM_INFINITY)

    @staticmethod
    def _limit(server: int, size: int) -> None:
        _, most = resource.prlimit(server, resource.RLIMIT_FSIZE)
        size = most if size == resource.RLIM_INFINITY else size
        resource.prlimit(server, resource.RLIMIT_FSIZE, (size, most))


@contextmanager
def small_disk() -> Iterator[SmallDisk]:
    """The best that this machine allows.

    Raises:
        NotHere: it allows neither.
    """
    if sys.platform != "linux":
        raise NotHere("neither mount namespaces nor limits of other processes are known here")
    with tempfile.TemporaryDirectory(prefix="multyagents-disk-") as name:
        folder = Path(name)
        ways = (SmallTmpfs(folder, way) for way in WAYS)
        yield next((disk for disk in ways if works(disk)), LimitedFiles(folder))


def works(disk: SmallTmpfs) -> bool:
    """Whether this user may mount it."""
    with suppress(FileNotFoundError):
        return subprocess.run(disk.command(["true"]), capture_output=True, check=False).returncode == 0
    return False
