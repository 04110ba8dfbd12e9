"""Journeys that other processes can import: `fakes.journeys:Ask`."""

from gatewright.load import Call, RequestTemplate

__all__ = ["Ask", "Put", "Refused"]


class Ask:
    """Asks for a thing, then for it once more."""

    steps = ("ask", "again")

    def __init__(self, origin):
        self._template = RequestTemplate("GET", "/things/{}", origin)

    def run(self):
        for step in range(len(self.steps)):
            (yield Call(step, self._template.fill(step))).expect(200)


class Put:
    """Puts a thing there, is sent elsewhere, and finds nothing."""

    steps = ("put", "moved", "nothing")

    def __init__(self, origin):
        self._put = RequestTemplate("POST", "/things", origin, body={"name": "tea"}).fill()
        self._moved = RequestTemplate("GET", "/moved", origin).fill()
        self._nothing = RequestTemplate("GET", "/nothing", origin).fill()

    def run(self):
        (yield Call(0, self._put)).expect(201)
        (yield Call(1, self._moved)).expect(302)
        (yield Call(2, self._nothing)).expect(404)


class Refused:
    """A journey that can't be made."""

    def __init__(self, origin):
        raise RuntimeError(f"nobody lets us in at {origin.url}")
