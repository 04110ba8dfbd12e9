"""Locust's users: each makes journeys through Locust's fast client, at its own place in the period."""

import ssl
from pathlib import Path
from typing import ClassVar

import gevent
from gevent.event import Event
from gevent.timeout import Timeout
from locust import FastHttpUser
from locust.contrib.fasthttp import LocustBadStatusCode
from locust.exception import StopUser

from gatewright.load import Answer, Request
from gatewright.plugins.locust.walk import Beat, NoAnswerError, Walker

__all__ = ["JourneyUser", "Stage"]

BODILESS = {"GET", "HEAD"}
LATE = "no answer within the deadline"


class Stage:
    """What the users of a worker share.

    Attributes:
        target: base URL of the service; a master can't change it.
        deadline_s: a run that takes longer is given up.
        trust: the certificates that are believed behind TLS.
        begun: set when the master says so.
        walker: makes the runs; there once the pace is known.
    """

    def __init__(self, target: str, deadline_s: float, ca_file: Path | None) -> None:
        self.target = target
        self.deadline_s = deadline_s
        self.trust = ssl.create_default_context(cafile=ca_file)
        self.begun = Event()
        self.walker: Walker | None = None


class JourneyUser(FastHttpUser):  # type: ignore[misc] # Locust is not there where types are checked
    """One user; without retries, redirects and cookies, none of which our own client has either."""

    stage: ClassVar[Stage]
    host = "http://not-told.invalid"
    insecure = False
    max_retries = 0

    def __init__(self, environment: object) -> None:
        self.ssl_context_factory = lambda: self.stage.trust
        super().__init__(environment)
        assert self.stage.walker is not None, "users are spawned after the pace is known"
        self._walker = self.stage.walker
        self.client.base_url = self.stage.target
        self.client.client.cookiejar = None
        self._beat: Beat = self._walker.enter()
        self._due: float | None = None
        self._free = 0.0

    def on_start(self) -> None:
        """Wait for the beginning, then for the first run."""
        self.stage.begun.wait()
        gevent.sleep(self.wait_time())

    def on_stop(self) -> None:
        """The last run was made."""
        self._walker.leave()

    def wait_time(self) -> float:
        """Seconds to the next run, at a constant throughput."""
        self._due = self._walker.next_due(self._beat)
        self._free = self._walker.clock()
        return 0.0 if self._due is None else max(0.0, self._due - self._free)

    def walk(self) -> None:
        """Make one run; after the end there is none."""
        if self._due is None:
            raise StopUser
        deadline = Timeout.start_new(self.stage.deadline_s)
        try:
            self._walker.walk(self.ask, self._due, self._free)
        finally:
            deadline.close()

    tasks = (walk,)

    def ask(self, request: Request, step: str) -> Answer:
        """Send a request and wait for its answer, whatever its status is.

        Raises:
            NoAnswerError: there is none.
        """
        body = request.body if request.body or request.method not in BODILESS else None
        # Without this header Locust asks for compression, which our own client does not.
        headers = {"accept-encoding": "identity", **dict(request.headers)}
        try:
            with self.client.request(
                request.method,
                request.target,
                name=step,
                data=body,
                headers=headers,
                allow_redirects=False,
                catch_response=True,
            ) as response:
                error = response.request_meta["exception"]
                status, content = response.status_code, response.content
        except Timeout:
            raise NoAnswerError(LATE) from None
        if isinstance(error, Timeout):
            raise NoAnswerError(LATE)
        if error is not None and not isinstance(error, LocustBadStatusCode):
            raise NoAnswerError(type(error).__name__)
        return Answer(status, content or b"")
