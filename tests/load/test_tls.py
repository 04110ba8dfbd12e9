"""The client for TLS verifies certificates, adds nothing to requests, and sends nothing twice."""

import asyncio
from functools import partial

import pytest
from fakes.loopback import CLOSE, OK, Heard, with_client

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.load import (
    Origin,
    RequestTemplate,
    open_sender,
    run_on_fast_loop,
)
from gatewright.load.exchange import OutOfConnectionsError
from gatewright.load.tls import TlsClient


@pytest.fixture
def with_tls(tls_server):
    """Runs a scenario with a server behind TLS."""
    return partial(
        with_client, client_type=TlsClient, server_tls=tls_server.context, ca_file=tls_server.ca_file
    )


def test_connections_are_opened_ahead_and_used_again(with_tls):
    """Two are open before the first request, and none is added for requests after each other."""

    async def scenario(client, server, ask):
        await client.warm(2)
        assert server.asked == []
        assert await ask("/a") == (404, b"/a")
        assert await ask("/b") == (404, b"/b")
        assert server.connections == 2

    with_tls(scenario)


def test_requests_at_once_get_connections_of_their_own(with_tls):
    """No request waits for another one's answer, and what is given up hears nothing more."""

    async def scenario(client, server, ask):
        held = [asyncio.ensure_future(ask("/hold")) for _ in range(3)]
        assert await ask("/free") == (404, b"/free")
        waiting = Heard()
        sending = client.send(RequestTemplate("GET", "/hold", client.origin).fill(), waiting)
        while len(server.held) < 4:  # noqa: ASYNC110 - bounded by the scenario's timeout
            await asyncio.sleep(0)
        sending.abort()
        server.release()
        assert await asyncio.gather(*held) == [(404, b"/hold")] * 3
        assert not waiting.future.done()

    with_tls(scenario)


def test_the_request_is_sent_as_it_is(with_tls):
    """Path, host, headers and length as the lean client sends them, and no header of aiohttp's own."""

    async def scenario(client, server, ask):
        template = RequestTemplate(
            "POST", "/a%2Fb?c={}", client.origin, body={"n": 1}, headers={"X-Token": "t"}
        )
        for request in (template.fill("%25"), RequestTemplate("POST", "/empty", client.origin).fill()):
            heard = Heard()
            client.send(request, heard)
            await heard.future
            sent = server.received.pop()
            assert set(lines(sent)) == set(lines(request.encoded))

    with_tls(scenario)


def lines(message):
    head, _, body = message.partition(b"\r\n\r\n")
    first, *headers = head.split(b"\r\n")
    return [
        first,
        body,
        *(b":".join([name.lower(), value]) for name, _, value in (h.partition(b":") for h in headers)),
    ]


def test_a_request_whose_connection_is_lost_is_not_sent_again(with_tls):
    """The server closes a used connection instead of answering: that is a failure, and no second request."""

    async def scenario(client, server, ask):
        await ask("/a")
        with pytest.raises(ConnectionResetError):
            await ask("/gone", CLOSE)
        assert server.asked == ["/a", "/gone"]

    with_tls(scenario)


def test_the_safety_limit_is_the_generators_fault(with_tls):
    """Beyond it a request is refused with an error of its own kind."""

    async def scenario(client, server, ask):
        held = asyncio.ensure_future(ask("/hold"))
        while not server.held:  # noqa: ASYNC110 - bounded by the scenario's timeout
            await asyncio.sleep(0)
        with pytest.raises(OutOfConnectionsError):
            await ask("/a")
        server.release()
        await held

    with_tls(scenario, safety_limit=1)


def test_cookies_are_not_kept(with_tls):
    """Each request is what its journey says."""

    async def scenario(client, server, ask):
        await ask("/set", OK + b"set-cookie: a=b\r\ncontent-length: 0\r\n\r\n")
        await ask("/a")
        assert b"cookie" not in server.received[-1].lower()

    with_tls(scenario)


def test_an_unknown_issuer_is_named_with_the_remedy(tls_server):
    """One line at warm-up, before anything is measured."""

    async def scenario(client, server, ask):
        with pytest.raises(GatewrightError) as refusal:
            await client.warm(1)
        assert str(refusal.value) == (
            f"the certificate of {client.origin.url} can't be verified: unable to get local issuer certificate; "
            "pass --ca-file with the certificate of its issuer"
        )

    with_client(scenario, client_type=TlsClient, server_tls=tls_server.context)


def test_a_certificate_of_another_host_is_named(tls_server):
    """Trusting its issuer is not enough."""

    async def scenario(client, server, ask):
        with pytest.raises(GatewrightError, match=r"can't be verified: Hostname mismatch.*; use a host name"):
            await client.warm(1)

    with_client(
        scenario,
        client_type=TlsClient,
        server_tls=tls_server.context,
        host="localhost",
        ca_file=tls_server.ca_file,
    )


def test_a_server_without_tls_is_named():
    """Plain HTTP behind https."""

    class Plain(asyncio.Protocol):
        def connection_made(self, transport):
            transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def main():
        listening = await asyncio.get_running_loop().create_server(Plain, "127.0.0.1", 0)
        origin = Origin("127.0.0.1", listening.sockets[0].getsockname()[1], secure=True)
        try:
            with pytest.raises(GatewrightError, match=f"no TLS with {origin.url}"):
                async with open_sender(origin):
                    pass
        finally:
            listening.close()

    run_on_fast_loop(main())


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_without_certificates_is_refused(tmp_path, content):
    """It is named, with what is wrong."""
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)

    async def main():
        with pytest.raises(ConfigurationError, match=r"ca\.pem can't be used as --ca-file"):
            async with open_sender(Origin("127.0.0.1", 1, secure=True), ca_file=file):
                pass

    run_on_fast_loop(main())
