"""One process at a time, by a lock on a file that the system drops when its holder dies."""

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["Exclusive"]

_RETRY_S = 0.2


class Exclusive:
    """A lock that processes of this machine share by the path of its file.

    Where the file system knows no locks, nobody waits: set-up is then as safe as its user is alone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Wait until nobody else holds the lock, then hold it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        _lock(self._descriptor)

    def release(self) -> None:
        """Let the next one go; releasing twice does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _lock(descriptor: int) -> None:
    try:
        import fcntl  # noqa: PLC0415 - Windows has none
    except ImportError:
        _lock_on_windows(descriptor)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:  # some network file systems
        return


def _lock_on_windows(descriptor: int) -> None:
    import msvcrt  # noqa: PLC0415 - only Windows has it

    while True:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore] # Windows only
        except OSError:
            time.sleep(_RETRY_S)
        else:
            return
