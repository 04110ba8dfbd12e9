"""The process of a local runner: an HTTP server whose life frames the work."""

import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from multyagents_api.runner.attempts import Attempts
from multyagents_api.runner.confinement import hide_from_others
from multyagents_api.runner.local_app import build_local_app
from multyagents_api.runner.local_runner import working
from multyagents_api.runner.local_settings import LocalSettings
from multyagents_api.runner.reporting import ApiClient
from multyagents_api.serving import write_port

__all__ = ["serve"]

CONNECTIONS_S = 2


class Server(uvicorn.Server):
    """A server that writes down its port once it listens."""

    def __init__(self, config: uvicorn.Config, port_file: Path | None) -> None:
        super().__init__(config)
        self._port_file = port_file

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then tell the port."""
        await super().startup(sockets)
        if self.started and self._port_file is not None and sockets:
            write_port(self._port_file, sockets[0].getsockname()[1])


def serve(
    settings: LocalSettings, listening: socket.socket, *, port_file: Path | None, log_level: str
) -> None:
    """Take attempts on and do them until told to stop; then end in order, and return."""
    hide_from_others()
    attempts = Attempts(settings)
    own = dict(os.environ)

    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with ApiClient(settings.api_url, settings.token) as api, working(settings, attempts, api, own):
            yield

    config = uvicorn.Config(
        build_local_app(attempts, settings.secret, lifespan),
        log_level=log_level,
        log_config=None,  # its loggers log as all others do
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=CONNECTIONS_S,
    )
    Server(config, port_file).run(sockets=[listening])
