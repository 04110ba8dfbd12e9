"""The client's side of an event stream: server-sent events as the HTML standard has them read."""

from dataclasses import dataclass

__all__ = ["EventSourceParser", "ServerEvent"]


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event as a browser would dispatch it."""

    id: str
    type: str
    data: str


class EventSourceParser:
    """Reads a stream piece by piece (WHATWG HTML, section 9.2.6); lines end with LF, as ours do.

    `last_event_id` is what a client sends as `Last-Event-ID` when it comes back, `comments` what keeps a
    connection alive, `retry_ms` how long to wait before.
    """

    def __init__(self, last_event_id: str = "") -> None:
        self.last_event_id = last_event_id
        self.comments = 0
        self.retry_ms: int | None = None
        self._rest = b""
        self._fields: dict[str, list[str]] = {}

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """The events that are whole with this piece; one that is cut off is never dispatched."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        return [event for line in lines if (event := self._take(line.decode())) is not None]

    def _take(self, line: str) -> ServerEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not name:
            self.comments += 1
        elif name == "retry" and value.isdigit():
            self.retry_ms = int(value)
        else:
            self._fields.setdefault(name, []).append(value)
        return None

    def _dispatch(self) -> ServerEvent | None:
        """End a block: its id counts in any case, but without data it is no event."""
        fields, self._fields = self._fields, {}
        self.last_event_id = fields.get("id", [self.last_event_id])[-1]
        if "data" not in fields:
            return None
        kind = fields.get("event", ["message"])[-1]
        return ServerEvent(self.last_event_id, kind, "\n".join(fields["data"]))
