"""Where paths of this machine really lead; looking creates nothing."""

import errno
import os
from pathlib import Path

__all__ = ["RealPaths"]


class RealPaths:
    """The file system that the service sees, which its runners share."""

    def resolve(self, path: str) -> str:
        """An absolute path without symlinks, whether or not all of it exists.

        Raises:
            OSError: it leads nowhere: through a circle of symlinks, or through what is no directory.
            ValueError: it leads to a name that is no text.
        """
        try:
            resolved = os.path.realpath(path, strict=True)
        except FileNotFoundError:
            resolved = os.path.realpath(path)
            if resolved != path:  # the target of a symlink to nowhere has not been looked at yet
                return self.resolve(resolved)
            if any(part.is_symlink() for part in (Path(path), *Path(path).parents)):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path) from None
        resolved.encode()
        return resolved
