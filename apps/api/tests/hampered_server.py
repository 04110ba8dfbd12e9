"""The API with a planted fault in front of its dispatch route, for tests of the SLO suite only.

Arguments: the port file, the fault, and its size; 0 plants nothing.

- `sleep`: so many seconds before each dispatch;
- `fail`: every so manieth dispatch answers 500;
- `leak`: so many bytes are kept at each dispatch;
- `growing`: each dispatch waits so many seconds longer than the one before;
- `rare`: so many seconds before 3% of all requests.
"""

import asyncio
import itertools
import os
import random
import socket
import sys
from pathlib import Path

import uvicorn

from multyagents_api.bootstrap import Settings, create_app


def sleeping(app, seconds):
    """Wait before each dispatch, as a slow query would."""

    async def hampered(scope, receive, send):
        if is_dispatch(scope):
            await asyncio.sleep(seconds)
        await app(scope, receive, send)

    return hampered


def failing(app, every):
    """Answer some dispatches with 500, as a bug would."""
    numbers = itertools.count(1)

    async def hampered(scope, receive, send):
        if is_dispatch(scope) and not next(numbers) % every:
            await send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
        else:
            await app(scope, receive, send)

    return hampered


def leaking(app, size):
    """Keep memory at each dispatch, as a cache without a bound would; written to, so that it is really taken."""
    kept = []

    async def hampered(scope, receive, send):
        if is_dispatch(scope):
            kept.append(b"x" * size)
        await app(scope, receive, send)

    return hampered


def growing(app, seconds):
    """Wait longer at each dispatch, as a scan of all that was ever stored would."""
    numbers = itertools.count()

    async def hampered(scope, receive, send):
        if is_dispatch(scope):
            await asyncio.sleep(seconds * next(numbers))
        await app(scope, receive, send)

    return hampered


def rare(app, seconds):
    """Wait before 3% of all requests, drawn by chance with a fixed seed."""
    chance = random.Random(3)

    async def hampered(scope, receive, send):
        if scope["type"] == "http" and chance.random() < 0.03:
            await asyncio.sleep(seconds)
        await app(scope, receive, send)

    return hampered


def is_dispatch(scope):
    return scope["type"] == "http" and scope["path"].endswith("/dispatch-ready")


FAULTS = {"sleep": sleeping, "fail": failing, "leak": leaking, "growing": growing, "rare": rare}
IN_WHOLE_NUMBERS = {"fail", "leak"}


def main(port_file: Path, fault: str, size: float) -> None:
    """Serve on a free port until told to stop."""
    app = create_app(Settings.from_environment())
    plant = FAULTS[fault]
    hampered = plant(app, int(size) if fault in IN_WHOLE_NUMBERS else size) if size else app
    listening = socket.create_server(("127.0.0.1", 0))
    temporary = port_file.with_name("port.new")
    temporary.write_text(str(listening.getsockname()[1]))
    os.replace(temporary, port_file)  # noqa: PTH105 - whole or not at all
    uvicorn.Server(uvicorn.Config(hampered, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
