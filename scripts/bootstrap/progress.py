"""Says what is being set up and how long it took: a line that grows on a terminal, a whole line elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["say", "step"]

PROGRAM = "multyagents"


def say(message: str) -> None:
    """One line to the user, apart from what commands print as their result."""
    print(f"{PROGRAM}: {message}", file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Announce something that takes a while, and tell afterwards how long it took."""
    begin = time.monotonic()
    if sys.stderr.isatty():
        print(f"{PROGRAM}: {what} ...", end="", file=sys.stderr, flush=True)
        try:
            yield
        except BaseException:
            print(file=sys.stderr)
            raise
        print(f" {time.monotonic() - begin:.1f} s", file=sys.stderr, flush=True)
    else:
        yield
        say(f"{what}: {time.monotonic() - begin:.1f} s")
