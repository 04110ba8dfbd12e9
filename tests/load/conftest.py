"""A virtual clock's event loop and a fake service, so that minutes of load take milliseconds."""

import asyncio
import selectors
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from gatewright.load import Call, OpenLoop, StepFailedError


class VirtualSelector(selectors.DefaultSelector):
    """Instead of waiting, moves the clock."""

    moment = 1000.0

    def select(self, timeout=None):
        assert timeout is not None, "nothing is left that could happen"
        self.moment += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when all have to wait."""

    def __init__(self):
        self._clock = VirtualSelector()
        super().__init__(self._clock)

    def time(self):
        return self._clock.moment

    def hold_up(self, seconds):
        """This process is not given the CPU for a while."""
        self._clock.moment += seconds


class FakeSending:
    def __init__(self):
        self.aborted = False

    def abort(self):
        self.aborted = True


class FakeService:
    """Answers every request after `answer_s`, but none during a stall: those wait for its end.

    `answer_s` None never answers. `on_send` may raise or hold up the loop.
    """

    def __init__(self, loop, *, answer_s=0.01, stall=(0.0, 0.0), status=200, on_send: Callable | None = None):
        self.loop = loop
        self.answer_s = answer_s
        self.stall = stall
        self.status = status
        self.on_send = on_send
        self.requests = []
        self.sendings = []

    def send(self, request, receiver):
        self.requests.append(request)
        if self.on_send is not None:
            self.on_send(len(self.requests))
        sending = FakeSending()
        self.sendings.append(sending)
        if self.answer_s is not None:
            done = self.loop.time() + self.answer_s
            begin, end = self.stall
            self.loop.call_at(max(done, end) if begin <= done else done, self._answer, receiver, sending)
        return sending

    def _answer(self, receiver, sending):
        if not sending.aborted:
            receiver.answered(self.status, b"%d" % len(self.requests))


class OneStep:
    """A journey of a single request."""

    steps = ("ask",)

    def run(self):
        answer = yield Call(0, b"ask")
        if answer.status != 200:
            raise StepFailedError(f"answered {answer.status}")


@pytest.fixture
def virtual_loop():
    loop = VirtualLoop()
    yield loop
    loop.close()


@pytest.fixture
def fake_service(virtual_loop):
    """Constructs a fake service on the virtual loop."""
    return lambda **options: FakeService(virtual_loop, **options)


@pytest.fixture
def one_step():
    return OneStep()


@pytest.fixture
def load(virtual_loop, one_step):
    """Runs an open loop against a service in virtual time."""

    def run(service, arrivals, *, journey=one_step, observer=lambda recording, now: False, **options):
        loop = OpenLoop(service, journey, arrivals, clock=virtual_loop.time, **options)
        return virtual_loop.run_until_complete(loop.run(observer))

    return run


@dataclass(frozen=True)
class TlsServer:
    """A server's side of TLS on 127.0.0.1, and the file of the issuer to trust."""

    context: ssl.SSLContext
    ca_file: Path


@pytest.fixture(scope="session")
def tls_server(tmp_path_factory):
    """A certificate for 127.0.0.1, made for these tests."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ca_file = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    return TlsServer(context, ca_file)


@pytest.fixture
def free_port():
    """A port of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]
