"""A request to end is treated like Ctrl-C: children are ended, and what is written says so."""

import signal
from types import FrameType
from typing import NoReturn

__all__ = ["end_as_by_ctrl_c"]

REQUESTS_TO_END = ("SIGTERM", "SIGHUP")


def end_as_by_ctrl_c() -> None:
    """From now on, whoever asks this process to end raises KeyboardInterrupt in its main thread.

    A request that the process was started to ignore (`nohup`) stays ignored.
    """
    for name in REQUESTS_TO_END:
        number = getattr(signal, name, None)  # Windows knows no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)


def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """The handler."""
    raise KeyboardInterrupt
