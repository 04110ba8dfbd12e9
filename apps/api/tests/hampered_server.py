"""The API with a planted fault in front of its dispatch route, for tests of the SLO suite only.

Arguments: the port file, the fault (`sleep` or `fail`), and its size (seconds, or every how manieth request).
"""

import asyncio
import itertools
import os
import socket
import sys
from pathlib import Path

import uvicorn

from multyagents_api.bootstrap import Settings, create_app


def sleeping(app, seconds):
    """Wait before each dispatch, as a slow query would."""

    async def hampered(scope, receive, send):
        if scope["type"] == "http" and scope["path"].endswith("/dispatch-ready"):
            await asyncio.sleep(seconds)
        await app(scope, receive, send)

    return hampered


def failing(app, every):
    """Answer some dispatches with 500, as a bug would."""
    numbers = itertools.count(1)

    async def hampered(scope, receive, send):
        if (
            scope["type"] == "http"
            and scope["path"].endswith("/dispatch-ready")
            and not next(numbers) % every
        ):
            await send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
        else:
            await app(scope, receive, send)

    return hampered


def main(port_file: Path, fault: str, size: float) -> None:
    """Serve on a free port until told to stop."""
    app = create_app(Settings.from_environment())
    hampered = sleeping(app, size) if fault == "sleep" else failing(app, int(size))
    listening = socket.create_server(("127.0.0.1", 0))
    temporary = port_file.with_name("port.new")
    temporary.write_text(str(listening.getsockname()[1]))
    os.replace(temporary, port_file)  # noqa: PTH105 - whole or not at all
    uvicorn.Server(uvicorn.Config(hampered, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
