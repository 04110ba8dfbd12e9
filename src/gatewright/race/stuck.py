"""Who waits for what, and who goes round in circles: the report of schedules that come to no end."""

import asyncio
import linecache
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from gatewright.race.schedule import Trace

__all__ = ["circling", "waiting_place", "whereabouts"]

LOOKED_AT = 200
SHOWN_CIRCLES = 3
SHOWN_SOURCE = 80
ASYNCIO_FOLDER = Path(asyncio.__file__).parent
POINTS_FOLDER = Path(__file__).parent / "points"


def circling(trace: Trace) -> str:
    """What the last steps of a schedule were, the most frequent first."""
    last = trace.steps[-LOOKED_AT:]
    if not last:
        return "nobody came to a point"
    counts = Counter((step.actor, step.label) for step in last).most_common(SHOWN_CIRCLES)
    places = [f"{actor} {times} times at {label}" for (actor, label), times in counts]
    return f"of the last {len(last)} steps {', '.join(places)}"


def whereabouts(ready: bool, blocked: bool, holders: Sequence[str]) -> str:  # noqa: FBT001 - two facts
    """Whether an actor waits where it stands, and for whose lock of a database."""
    if blocked:
        return f"waits for a lock of {' and '.join(holders)}" if holders else "waits for a lock"
    return "stands" if ready else "waits"


def waiting_place(task: asyncio.Task[Any]) -> str:
    """Where in its program a task waits, and for what: `in run (app.py:7: await go.wait()) for an Event`."""
    frames = [each for each in _frames(task.get_coro()) if not _is_of(POINTS_FOLDER, each)]
    own = [frame for frame in frames if not _is_of(ASYNCIO_FOLDER, frame)]
    what = next((_owner(frame) for frame in frames[::-1] if _is_of(ASYNCIO_FOLDER, frame)), "")
    awaited = f" for {'an' if what[0] in 'AEIOU' else 'a'} {what}" if what else ""
    return f"{f'in {_place(own[-1])}' if own else ''}{awaited}".strip() or "for something that never comes"


def _frames(awaited: Any) -> Iterator[FrameType]:
    """The frames of a coroutine that waits, from the outermost to the innermost."""
    while awaited is not None:
        for kind in ("cr", "gi", "ag"):
            frame: FrameType | None = getattr(awaited, f"{kind}_frame", None)
            if frame is not None:
                yield frame
                awaited = getattr(awaited, f"{kind}_yieldfrom" if kind == "gi" else f"{kind}_await")
                break
        else:
            return


def _is_of(folder: Path, frame: FrameType) -> bool:
    return Path(frame.f_code.co_filename).parent == folder


def _owner(frame: FrameType) -> str:
    """The class of a method, or a function's own name."""
    return frame.f_code.co_qualname.partition(".")[0]


def _place(frame: FrameType) -> str:
    code, line = frame.f_code, frame.f_lineno
    source = linecache.getline(code.co_filename, line).strip()[:SHOWN_SOURCE]
    return f"{code.co_name} ({Path(code.co_filename).name}:{line}{f': {source}' if source else ''})"
