"""Which request, run, task and attempt the present work is about; log lines and calls to runners say so."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, NamedTuple

__all__ = ["NO_WORK", "WORK", "Work", "about", "facts", "outgoing"]

_ID = re.compile(r"[0-9]{1,19}")
_IN_PATH = ("run_id", "task_id")


class Work(NamedTuple):
    """What is known of some work; a request makes one, so making it must be cheap.

    Args:
        request_id: the caller's own name for the request, or ours.
        trace: the headers of W3C Trace Context that came with the request, or continue it.
        scope: the ASGI scope; once a route is found, it tells the ids in the path.
        ids: other ids, by the names that log lines use.
    """

    request_id: str = ""
    trace: Mapping[str, str] = MappingProxyType({})
    scope: Mapping[str, Any] = MappingProxyType({})
    ids: Mapping[str, int] = MappingProxyType({})


NO_WORK = Work()
WORK: ContextVar[Work] = ContextVar("work", default=NO_WORK)


@contextmanager
def about(**ids: int) -> Iterator[None]:
    """Do something that is about a `run_id`, a `task_id`, an `attempt`."""
    work = WORK.get()
    token = WORK.set(work._replace(ids={**work.ids, **ids}))
    try:
        yield
    finally:
        WORK.reset(token)


def facts() -> dict[str, str | int]:
    """What a log line says about the present work: only what is known; ids are strings, as on the wire."""
    work = WORK.get()
    known: dict[str, str | int] = {}
    if work.request_id:
        known["request_id"] = work.request_id
    if parent := work.trace.get("traceparent"):
        known["trace_id"] = parent.split("-")[1]
    path: Mapping[str, str] = work.scope.get("path_params", {})
    known.update({name: path[name] for name in _IN_PATH if _ID.fullmatch(path.get(name, ""))})
    known.update({name: str(value) for name, value in work.ids.items() if name != "attempt"})
    if "attempt" in work.ids:
        known["attempt"] = work.ids["attempt"]
    return known


def outgoing() -> Mapping[str, str]:
    """The headers by which whoever is called can tell that it is part of the same trace."""
    return WORK.get().trace
