"""The network between two processes: it forwards, resets, swallows, and brings late what it held back."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from multyagents_api.scenarios.proxy import Proxy

PATIENCE_S = 30.0
A_MOMENT_S = 0.05


class Echo(socketserver.BaseRequestHandler):
    """Answers with what it hears, and keeps it."""

    def handle(self) -> None:
        while said := self.request.recv(1024):
            self.server.heard.append(said)
            self.server.arrived.set()
            self.request.sendall(said)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.heard: list[bytes] = []
        self.arrived = threading.Event()

    def handle_error(self, *_: object) -> None:
        """A client that was cut off."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as served:
        threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True).start()
        yield served
        served.shutdown()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with Proxy(server.server_address[1]) as between:
        yield between


def connected(proxy: Proxy):
    connection = socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE_S)
    return closing(connection)


def is_cut(proxy: Proxy) -> bool:
    """Whether a new connection is of no use: it is reset, or ends at once."""
    try:
        with connected(proxy) as connection:
            connection.sendall(b"a")
            return connection.recv(1) == b""
    except ConnectionError:
        return True


def nothing_comes(connection: socket.socket) -> bool:
    connection.settimeout(A_MOMENT_S)
    with pytest.raises(TimeoutError):
        connection.recv(1)
    connection.settimeout(PATIENCE_S)
    return True


def test_it_forwards_both_ways(proxy):
    """Several connections, and their ends."""
    with connected(proxy) as one, connected(proxy) as other:
        for connection, words in ((one, b"one"), (other, b"other")):
            connection.sendall(words)
            assert connection.recv(100) == words
        one.shutdown(socket.SHUT_WR)
        assert one.recv(100) == b""


def test_it_cuts_connections_old_and_new(proxy):
    """By a reset, as who has lost all state of them; mended, it takes new ones."""
    with connected(proxy) as old:
        old.sendall(b"a")
        assert old.recv(1) == b"a"
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            old.recv(1)
    assert is_cut(proxy)
    proxy.heal()
    with connected(proxy) as later:
        later.sendall(b"b")
        assert later.recv(1) == b"b"


def test_what_it_holds_back_arrives_late(proxy, server):
    """Also of a connection that was opened in the silence, and after the sender has gone."""
    proxy.silence()
    with connected(proxy) as waiting, connected(proxy) as leaving:
        waiting.sendall(b"a")
        leaving.sendall(b"b")
        leaving.shutdown(socket.SHUT_WR)
        assert nothing_comes(waiting)
        assert server.heard == []
        proxy.heal()
        assert waiting.recv(1) == b"a"
        assert leaving.recv(1) == b"b"
    assert sorted(server.heard) == [b"a", b"b"]


def test_it_can_keep_the_answers_only(proxy, server):
    """What was asked is done, and nobody hears of it before the network is mended."""
    with connected(proxy) as connection:
        connection.sendall(b"a")
        assert connection.recv(1) == b"a"
        server.arrived.clear()
        proxy.silence(answers_only=True)
        connection.sendall(b"b")
        assert server.arrived.wait(PATIENCE_S)
        assert nothing_comes(connection)
        proxy.heal()
        assert connection.recv(1) == b"b"


def test_nobody_listens_there():
    """Then a connection is reset, and the proxy goes on."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with Proxy(port) as between:
        assert is_cut(between)
        assert is_cut(between)
