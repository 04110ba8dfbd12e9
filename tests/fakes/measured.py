"""A small service in a git repository, to be compared with earlier revisions of itself."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

from gatewright.load import Call, Origin, RequestTemplate, StepFailedError
from gatewright.suites.slo.measured_service import MeasuredService

__all__ = ["SERVICE", "Repository"]

SERVER = """\
import asyncio, os, sys

DELAY_S, LOOPS, STATUS = {delay_s}, {loops}, {status}
ANSWER = b"HTTP/1.1 %d X\\r\\ncontent-length: 2\\r\\n\\r\\nok"

async def serve(reader, writer):
    try:
        while head := await reader.readuntil(b"\\r\\n\\r\\n"):
            sum(range(LOOPS))
            await asyncio.sleep(DELAY_S)
            writer.write(ANSWER % (200 if b" /readyz " in head else STATUS))
    except (asyncio.IncompleteReadError, ConnectionResetError):
        writer.close()

async def main(port_file):
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    with open(port_file + ".new", "w") as file:
        file.write(str(server.sockets[0].getsockname()[1]))
    os.replace(port_file + ".new", port_file)
    await server.serve_forever()

asyncio.run(main(sys.argv[1]))
"""


class OneGet:
    """A run of one request."""

    steps = ("get",)

    def __init__(self, origin: Origin) -> None:
        self._request = RequestTemplate("GET", "/", origin).fill()

    def run(self):
        if (yield Call(0, self._request)).status != 200:
            raise StepFailedError("refused")


SERVICE = MeasuredService(
    name="demo",
    command=("{python}", "-S", "{source}/server.py", "{port_file}"),
    journey=OneGet,
    locks=("requirements.txt",),
    rate=100.0,
)
NEVER_READY = replace(SERVICE, ready_path="/")


class Repository:
    """A git checkout whose server's behaviour tests set and commit."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.write(".gitignore", "docs/evidence/\n__pycache__/\n")
        self.write("gate.toml", "schema_version = 1\n")
        self.write("requirements.txt", "")
        self.server()
        self.commit("base")

    def git(self, *arguments: str) -> str:
        """Run git here, whatever the user's own settings."""
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, *arguments]
        return subprocess.run(
            command, cwd=self.root, env=environment, check=True, capture_output=True, text=True
        ).stdout

    def write(self, name: str, text: str) -> None:
        """Write a file of the work tree."""
        (self.root / name).write_text(text, encoding="utf-8")

    def server(self, *, delay_s: float = 0.0, loops: int = 20_000, status: int = 200) -> None:
        """The server of the work tree: it sleeps, burns CPU, and answers."""
        self.write("server.py", SERVER.format(delay_s=delay_s, loops=loops, status=status))

    def commit(self, tag: str) -> str:
        """Commit the work tree under a tag; the id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", tag)
        self.git("tag", tag)
        return self.git("rev-parse", "HEAD").strip()
