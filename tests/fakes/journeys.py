"""Journeys that other processes can import: `fakes.journeys:Ask`."""

from gatewright.load import Call, RequestTemplate

__all__ = ["Ask", "Refused"]


class Ask:
    """Asks for a thing, then for it once more."""

    steps = ("ask", "again")

    def __init__(self, origin):
        self._template = RequestTemplate("GET", "/things/{}", origin)

    def run(self):
        for step in range(len(self.steps)):
            (yield Call(step, self._template.fill(step))).expect(200)


class Refused:
    """A journey that can't be made."""

    def __init__(self, origin):
        raise RuntimeError(f"nobody lets us in at {origin.url}")
