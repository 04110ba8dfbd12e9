"""A server for other processes: answers as journeys of `fakes.journeys` expect, unless they behave otherwise.

Usage: python picky_server.py PORT_FILE
"""

import asyncio
import sys
from pathlib import Path

import httptools

__all__: list[str] = []

ANSWERS = {
    ("GET", b"/things/0"): (200, b"set-cookie: seen=1; Path=/\r\n"),
    ("GET", b"/things/1"): (200, b""),
    ("GET", b"/readyz"): (200, b""),
    ("GET", b"/asked"): (200, b""),
    ("GET", b"/moved"): (302, b"location: /things/1\r\n"),
    ("POST", b"/things"): (201, b""),
}
BODY = b'{"name":"tea"}'
ANSWER_AFTER_S = 0.005


class Connection(asyncio.Protocol):
    """Refuses cookies, compression and any body but tea; `/asked` tells how many things were asked for."""

    asked = 0

    def connection_made(self, transport):
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data):
        self.parser.feed_data(data)

    def on_message_begin(self):
        self.headers, self.body, self.path = {}, b"", b""

    def on_url(self, url):
        self.path += url

    def on_header(self, name, value):
        self.headers[name.lower()] = value

    def on_body(self, body):
        self.body += body

    def on_message_complete(self):
        method = self.parser.get_method().decode()
        status, headers = ANSWERS.get((method, self.path), (404, b""))
        compressed = self.headers.get(b"accept-encoding", b"identity") != b"identity"
        if b"cookie" in self.headers or compressed or self.body != (BODY if method == "POST" else b""):
            status = 400
        Connection.asked += self.path.startswith(b"/things")
        body = b"%d" % Connection.asked if self.path == b"/asked" else b"ok"
        answer = b"HTTP/1.1 %d Answer\r\n%scontent-length: %d\r\n\r\n%s" % (status, headers, len(body), body)
        asyncio.get_running_loop().call_later(ANSWER_AFTER_S, self.transport.write, answer)


async def main(port_file):
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    tell(port_file, server.sockets[0].getsockname()[1])
    await server.serve_forever()


def tell(port_file, port):
    new = port_file.with_suffix(".new")
    new.write_text(str(port), encoding="ascii")
    new.replace(port_file)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
