"""A lane is opened by the scheme of its origin, with its first connections, and closed again."""

import asyncio
import builtins

import pytest
from fakes.loopback import House, Server

from gatewright.core.errors import GatewrightError
from gatewright.load import (
    Call,
    OpenLoop,
    Origin,
    Outcome,
    RequestTemplate,
    constant_arrivals,
    open_sender,
    run_on_fast_loop,
)


class Ask:
    """A journey of one request."""

    steps = ("ask",)

    def __init__(self, origin):
        self.request = RequestTemplate("GET", "/a", origin).fill()

    def run(self):
        (yield Call(0, self.request)).expect(404)


@pytest.mark.parametrize("secure", [False, True])
def test_an_open_loop_runs_over_either_lane(secure, tls_server):
    """Connections are open before the first run, and gone after the last."""

    async def main():
        server = House()
        listening = await asyncio.get_running_loop().create_server(
            lambda: Server(server), "127.0.0.1", 0, ssl=tls_server.context if secure else None
        )
        origin = Origin("127.0.0.1", listening.sockets[0].getsockname()[1], secure)
        trust = {"ca_file": tls_server.ca_file} if secure else {}
        async with asyncio.timeout(10), open_sender(origin, connections=3, **trust) as lane:
            while server.connections < 3:  # noqa: ASYNC110 - bounded by the timeout
                await asyncio.sleep(0)
            assert not lane.in_process
            loop = OpenLoop(lane, Ask(origin), constant_arrivals(100, 0.1))
            recording = await loop.run(lambda recording, now: False)
        assert recording.count(Outcome.SUCCEEDED, 0, len(recording)) == 10
        async with asyncio.timeout(10):
            while not all(transport.is_closing() for transport in server.transports):  # noqa: ASYNC110 - likewise
                await asyncio.sleep(0)
        listening.close()

    run_on_fast_loop(main())


def refusal(origin, **options):
    """What opening a lane says."""

    async def main():
        async with open_sender(origin, **options):
            pass

    with pytest.raises(GatewrightError) as error:
        run_on_fast_loop(main())
    return str(error.value)


@pytest.mark.parametrize("secure", [False, True])
def test_a_server_that_takes_no_connection_is_named(secure, free_port):
    """One line, before anything is measured."""
    origin = Origin("127.0.0.1", free_port, secure)
    assert refusal(origin).startswith(f"no connection to {origin.url}: ")


def test_tls_without_its_library_tells_what_to_install(monkeypatch):
    """One line with the command."""
    real = builtins.__import__

    def missing(name, *arguments):
        if name == "gatewright.load.tls":
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", missing)
    assert refusal(Origin("localhost", 443, secure=True)) == (
        "https://localhost:443 needs aiohttp, which is not installed; pip install 'gatewright[tls]'"
    )


def test_certificates_for_a_plain_server_are_a_mistake(tls_server):
    """Silence would let one believe that something is verified."""
    words = refusal(Origin("localhost", 80), ca_file=tls_server.ca_file)
    assert words == "http://localhost:80 shows no certificate; leave --ca-file out, or use https"
