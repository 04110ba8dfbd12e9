"""What every tool's script prints: one line of JSON."""

import json
import sys
import time
from contextlib import contextmanager

SECONDS = 6.0
"""As long as this a tool may search, if it does not end by itself."""

SCHEDULES = 300
"""So many schedules are run to tell schedules per second."""


def asked():
    """The race, and whether to stop at the first harm."""
    return sys.argv[1], sys.argv[2] == "search"


@contextmanager
def clock():
    """Seconds since the beginning, for as long as it runs."""
    began = time.perf_counter()
    yield lambda: time.perf_counter() - began


def tell(*, found, schedules, seconds, remark=""):
    """The result."""
    print(json.dumps({"found": bool(found), "schedules": schedules, "seconds": seconds, "remark": remark}))
