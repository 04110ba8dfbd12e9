"""Files under exploration: opening, reading, writing and moving them are points, named by the file's name.

Only what the program itself asks for: libraries read files of their own (templates, modules) at will.
"""

import builtins
import functools
import io
import os
import pathlib
import sys
from collections.abc import Callable
from typing import Any

from gatewright.race.points.substitution import Replacement, frame_is_of_program
from gatewright.race.scheduler import current_scheduler

__all__ = ["file_replacements"]

OF_PATHS = (
    "open", "read_text", "read_bytes", "write_text", "write_bytes", "exists", "is_file", "unlink", "rename",
    "replace", "touch", "hardlink_to", "symlink_to",
)  # fmt: skip
OF_OS_PATH = ("exists", "isfile", "getsize", "getmtime")
OF_OS = ("open", "replace", "rename", "remove", "unlink", "link", "symlink", "stat")


def file_replacements() -> list[Replacement]:
    """What stands in for each way to a file."""
    return [
        Replacement(builtins, "open", _opening(builtins.open)),
        Replacement(io, "open", _opening(io.open)),
        *(_of(os, name) for name in OF_OS),
        *(_of(os.path, name) for name in OF_OS_PATH),
        *(_of(pathlib.Path, name) for name in OF_PATHS if name in vars(pathlib.Path)),
    ]


def _opening(genuine: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(genuine)
    def stand_in(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        _stand("open for writing" if set(mode) & set("wax+") else "open", file)
        return genuine(file, mode, *args, **kwargs)

    return stand_in


def _of(owner: Any, name: str) -> Replacement:
    genuine = vars(owner)[name]

    @functools.wraps(genuine)
    def stand_in(file: Any, *args: Any, **kwargs: Any) -> Any:
        _stand(name, file)
        return genuine(file, *args, **kwargs)

    return Replacement(owner, name, stand_in)


def _stand(what: str, file: Any) -> None:
    scheduler = current_scheduler()
    if scheduler is None or not scheduler.controls or isinstance(file, int):
        return
    if frame_is_of_program(sys._getframe(2)):  # noqa: SLF001 - a whole traceback would be slow
        scheduler.distrust()  # what is written becomes seen at any time until the file is closed
        scheduler.pause(f"{what} {pathlib.PurePath(os.fsdecode(file)).name}")
