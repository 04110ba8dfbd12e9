"""`python -m multyagents_api token`: shows a token once, lists without secrets, and refuses in one line."""

import asyncio
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from multyagents_api.__main__ import main
from multyagents_api.bootstrap import InvalidSettings, Settings, create_app
from multyagents_api.domain.access import AccessRole, parse_token
from multyagents_api.token_command import Door, let_somebody_in

TOKEN = re.compile(r"mya_\d+_[0-9a-f]{64}")


@pytest.fixture
def command(sqlite_file, capsys):
    """Runs a verb on a database; gives the exit code, stdout and stderr."""

    def run(*words):
        try:
            code = main(["token", *words, "--database", str(sqlite_file)])
        except SystemExit as ended:
            code = ended.code
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return run


def subject_of(database, text):
    """Whose token the service takes it for."""

    async def identify():
        services = create_app(Settings(database)).state.services
        try:
            return await services.tokens.identify(text)
        finally:
            await services.storage.aclose()

    return asyncio.run(identify())


def test_create_prints_the_token_and_nothing_else(command, sqlite_file):
    """One line on stdout, for `TOKEN=$(...)`; it opens the service."""
    code, out, err = command("create", "--subject", "mia", "--role", "reviewer", "--role", "observer")
    assert (code, err) == (0, "")
    assert TOKEN.fullmatch(out.removesuffix("\n"))
    principal = subject_of(sqlite_file, out.strip())
    assert (principal.subject, principal.roles) == ("mia", {AccessRole.REVIEWER, AccessRole.OBSERVER})


def test_list_shows_no_secret(command, sqlite_file):
    """A line for each token, with what became of it; nothing by which anybody could use it."""
    made = [
        command("create", "--subject", subject, "--role", "observer", *more)[1].strip()
        for subject, *more in (["mia"], ["ben of CI", "--expires-in", "30d"], ["eve"])
    ]
    assert command("revoke", "3") == (0, "", "")
    code, out, _ = command("list")
    lines = out.splitlines()
    assert code == 0
    assert re.fullmatch(r"1   mia +observer  \d{4}-\d\d-\d\d \d\d:\d\dZ  never +valid", lines[1])
    assert f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}" in lines[2]
    assert [line.split()[-1] for line in lines] == ["STATE", "valid", "valid", "revoked"]
    for text in made:
        assert text.rpartition("_")[2] not in out
        assert parse_token(text).digest not in out


def test_a_database_without_tokens_has_an_empty_list(command):
    """Only the names of the columns."""
    code, out, _ = command("list")
    assert (code, out.split()) == (0, ["ID", "SUBJECT", "ROLES", "CREATED", "EXPIRES", "STATE"])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["create", "--role", "observer"], "--subject"),
        (["create", "--subject", "mia"], "--role"),
        (["create", "--subject", "mia", "--role", "king"], "'king'"),
        (["create", "--subject", " ", "--role", "observer"], "a subject is a line of 1 to 200"),
        (["create", "--subject", "x" * 201, "--role", "observer"], "a subject is a line of 1 to 200"),
        (["create", "--subject", "m\x1b[1m", "--role", "observer"], "a subject is a line of 1 to 200"),
        (["create", "--subject", "m", "--role", "observer", "--expires-in", "0d"], "a lifetime reads 30d"),
        (["create", "--subject", "m", "--role", "observer", "--expires-in", "-1d"], "--expires-in"),
        (["create", "--subject", "m", "--role", "observer", "--expires-in", "30"], "a lifetime reads 30d"),
        (["create", "--subject", "m", "--role", "observer", "--expires-in", "36501d"], "at most 36500d"),
        (["create", "--subject", "m", "--role", "observer", "--expires-in", "9999999999w"], "at most"),
        (["revoke", "7"], "There is no token 7. `token list` shows those that there are."),
        (["revoke", "x"], "an id is a number"),
        (["revoke", "0"], "an id is a number"),
        (["revoke"], "ID"),
        ([], "VERB"),
    ],
)
def test_what_can_not_be_used_is_refused(command, words, complaint):
    """Exit code 2, nothing on stdout, and the last line says why."""
    code, out, err = command(*words)
    assert (code, out) == (2, "")
    assert complaint in err.splitlines()[-1]


def test_a_database_that_can_not_be_opened_is_named(capsys):
    """Exit code 1."""
    assert main(["token", "list", "--database", "/nonexistent/x.db"]) == 1
    assert "can't use the database /nonexistent/x.db" in capsys.readouterr().err


def test_the_environment_names_the_database(command, sqlite_file, monkeypatch, capsys):
    """As for `serve`."""
    command("create", "--subject", "mia", "--role", "observer")
    monkeypatch.setenv("MULTYAGENTS_DATABASE", str(sqlite_file))
    assert main(["token", "list"]) == 0
    assert "mia" in capsys.readouterr().out


def door(database, host="127.0.0.1", *, alone=True):
    return Door(host, 8000, database, only_this_machine=alone)


@pytest.fixture
def tokens(sqlite_file):
    services = create_app(Settings(sqlite_file)).state.services
    yield services.tokens
    asyncio.run(services.storage.aclose())


def test_the_first_token_is_shown_once(tokens, sqlite_file, capsys):
    """With how to use it and how to make others; the next start says nothing, nor one after it was revoked."""
    asyncio.run(let_somebody_in(tokens, door(sqlite_file)))
    said = capsys.readouterr()
    assert said.out == ""
    [text] = set(TOKEN.findall(said.err))
    principal = subject_of(sqlite_file, text)
    assert (principal.subject, principal.roles) == ("local", set(AccessRole))
    assert f"curl -H 'Authorization: Bearer {text}' http://127.0.0.1:8000/workflow-runs" in said.err
    assert f"token create --subject NAME --role ROLE --database {sqlite_file}" in said.err
    assert "make a token of another subject" in said.err
    asyncio.run(let_somebody_in(tokens, door(sqlite_file)))
    asyncio.run(tokens.revoke(1))
    asyncio.run(let_somebody_in(tokens, door(sqlite_file)))
    assert capsys.readouterr() == ("", "")


def test_others_are_let_in_by_an_operator_only(tokens, sqlite_file, capsys):
    """Where others reach the server no token is made by itself: one line says how to make one."""
    with pytest.raises(InvalidSettings, match=r"token create --subject NAME --role operator --database"):
        asyncio.run(let_somebody_in(tokens, door(sqlite_file, "0.0.0.0", alone=False)))
    assert not asyncio.run(tokens.exist())
    asyncio.run(tokens.create("mia", [AccessRole.OPERATOR]))
    asyncio.run(let_somebody_in(tokens, door(sqlite_file, "0.0.0.0", alone=False)))
    assert capsys.readouterr() == ("", "")


def test_a_password_in_a_url_is_not_repeated():
    """The command that makes a token finds it in the environment."""
    url = "postgresql://u:s3cret@db/runs"
    assert "s3cret" not in door(url).create_command("operator")
    assert str(door(url, "::1")) == "[::1]:8000"


@pytest.mark.end_to_end
def test_a_server_asks_for_the_token_that_it_showed(served, sqlite_file, capfd):
    """In processes of their own: 401 without, 200 with it, also after a start that shows nothing."""
    with served(sqlite_file, MULTYAGENTS_AUTH="tokens") as server:
        [text] = set(TOKEN.findall(capfd.readouterr().err))
        assert asked(server) == 401
        assert asked(server, text) == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=60) == 0
    with served(sqlite_file, MULTYAGENTS_AUTH="tokens") as server:
        assert asked(server, text) == 200
        assert capfd.readouterr().err == ""


def asked(server, token=""):
    connection = server.connect()
    connection.request("GET", "/roles", headers={"authorization": f"Bearer {token}"} if token else {})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.end_to_end
def test_an_open_door_without_tokens_is_refused(tmp_path, environment):
    """`serve` where others reach it: exit code 2, one line, and nobody was served."""
    command = [sys.executable, "-m", "multyagents_api", "serve", "--host", "0.0.0.0", "--port", "0"]
    files = ["--database", str(tmp_path / "runs.db"), "--port-file", str(tmp_path / "port")]
    ended = subprocess.run([*command, *files], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert line.startswith("multyagents: nobody could use the API: its database has no tokens; make one:")
    assert not (tmp_path / "port").exists()
