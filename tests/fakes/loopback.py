"""A loopback server whose paths say how it answers, and a receiver that can be awaited."""

import asyncio

from gatewright.load import HttpClient, Origin, RequestTemplate, run_on_fast_loop

OK = b"HTTP/1.1 200 OK\r\n"
CLOSE = "close"


class Server(asyncio.Protocol):
    """One connection of a loopback server whose path says how it answers."""

    def __init__(self, house):
        self.house = house

    def connection_made(self, transport):
        self.transport = transport
        self.house.transports.append(transport)
        self.house.arrived.set()

    def data_received(self, data):
        path = data.split()[1].decode()
        self.house.asked.append(path)
        self.house.received.append(data)
        if path in self.house.scripts:
            self.play(self.house.scripts[path])
        elif path == "/hold":
            self.house.held.append(self.transport)
        elif path == "/close":
            self.transport.close()
        else:
            self.transport.write(answer(path))
            if path == "/last":
                self.transport.close()

    def play(self, script):
        for part in script:
            if part is CLOSE:
                self.transport.close()
            else:
                self.transport.write(part)


class House:
    """What all connections of a server share."""

    def __init__(self):
        self.transports = []
        self.held = []
        self.asked = []
        self.received = []
        self.scripts = {}
        self.arrived = asyncio.Event()

    @property
    def connections(self):
        return len(self.transports)

    def release(self):
        for transport in self.held:
            transport.write(answer("/hold"))


def answer(path):
    if path == "/chunked":
        return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    if path == "/rubbish":
        return b"\x00\x01 no HTTP at all\r\n\r\n"
    keep = b"connection: close\r\n" if path == "/last" else b""
    return b"HTTP/1.1 404 Not Found\r\n" + keep + b"content-length: %d\r\n\r\n%s" % (len(path), path.encode())


class Heard:
    """A receiver that can be awaited."""

    def __init__(self):
        self.future = asyncio.get_running_loop().create_future()

    def answered(self, status, body):
        self.future.set_result((status, body))

    def broken(self, error):
        self.future.set_exception(error)


def with_client(scenario, *, client_type=HttpClient, server_tls=None, host="127.0.0.1", **options):
    """Run a scenario with a client and a fresh server, plain or behind TLS; bounded in time."""

    async def main():
        server = House()
        listening = await asyncio.get_running_loop().create_server(
            lambda: Server(server), "127.0.0.1", 0, ssl=server_tls
        )
        port = listening.sockets[0].getsockname()[1]
        client = client_type(Origin(host, port, secure=server_tls is not None), **options)

        async def ask(path, *script, method="GET"):
            if script:
                server.scripts[path] = script
            heard = Heard()
            client.send(RequestTemplate(method, path, client.origin).fill(), heard)
            return await heard.future

        try:
            async with asyncio.timeout(10):
                return await scenario(client, server, ask)
        finally:
            closing = client.close()
            if closing is not None:
                await closing
            listening.close()
            for transport in server.transports:
                transport.abort()
            await asyncio.sleep(0)

    return run_on_fast_loop(main())
