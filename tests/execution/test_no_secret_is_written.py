"""Whatever commands print, receive and leave: no secret reaches a file of the evidence or the terminal."""

import base64
import json
import os
from pathlib import Path

import pytest
from fakes.projects import make_project

from gatewright import cli
from gatewright.core.redaction import Redactor
from gatewright.execution.check import cut_secrets
from gatewright.execution.project import Project

SECRETS = {
    "DEPLOY_TOKEN": "tok-Zm9vYmFy-very-secret",
    "PGPASSWORD": 'p@ss/w0rd "quoted" & <odd>',
    "SIGNING_PRIVATE_KEY": "first-line-of-the-key-0001\nsecond-line-of-the-key-0002\n",
    "DATABASE_URL": "postgresql://app:url-passw0rd%21@db.internal:5432/shop",
}
OWN = ["own-hunter22", "own-cookie-99", "own-digest-77", "MIIEow1BAAKCAQEA0own", "ghp_own456789012345678901"]
"""Secrets that the commands bring along themselves: they are known by their place alone."""

COMMAND = r"""
import base64, json, os, sys

token, password, url = os.environ["DEPLOY_TOKEN"], os.environ["PGPASSWORD"], os.environ["DATABASE_URL"]
key = os.environ["SIGNING_PRIVATE_KEY"]
for name in os.environ:
    print(f"{name}={os.environ[name]}")
print(dict(os.environ))
print(json.dumps(dict(os.environ)))
print("argv", sys.argv)
print("Authorization: Basic " + base64.b64encode(b"deployer:" + token.encode()).decode())
print({"authorization": "Basic " + base64.b64encode(password.encode()).decode()})
print("connecting to", url, "with url-passw0rd!")
print(key, end="")
print("-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEow1BAAKCAQEA0own\n" * 30 + "-----END RSA PRIVATE KEY-----")
print('Set-Cookie: sid=own-cookie-99; Path=/; HttpOnly')
print('Authorization: Digest username="joe", response="own-digest-77"')
print("https://joe:own-hunter22@example.org/a?page=1&access_token=own-hunter22&x=1")
print('{"password": "own-hunter22", "nested": {"api_key": "own-hunter22"}}')
print("running: deploy --token own-hunter22 --password=own-hunter22")
print("pushed with ghp_own456789012345678901")
for before in range(64 * 1024 - 30, 64 * 1024 + 2, 4):
    print("." * before + token + "." * 1000)
print("x" * 70_000 + " --password=own-hunter22 " + "x" * 70_000)
sys.stdout.flush()

folder = os.environ["GATEWRIGHT_EVIDENCE"]
case = "<testcase classname='demo' name='%s'><system-out>%s</system-out></testcase>"
from xml.sax.saxutils import escape, quoteattr
said = escape("\n".join([token, password, key, url, "Bearer own-hunter22", "https://joe:own-hunter22@example.org/"]))
with open(os.path.join(folder, "junit.xml"), "w") as file:
    file.write("<testsuites><testsuite>" + case % ("one", said) * 3 + "</testsuite></testsuites>")
with open(os.path.join(folder, "more.json"), "w") as file:
    json.dump({"env": dict(os.environ), "tokens": 7, "sent": "ghp_own456789012345678901"}, file)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    argv = ["{python}", "-I", "-S", "leak.py", "--api-token", "own-hunter22", "--db-password=own-hunter22"]
    argv += ["https://joe:own-hunter22@example.org/", "Cookie: sid=own-cookie-99"]
    policy = f'schema_version = 1\n[checks.unit]\nsteps = [{json.dumps(argv)}]\nresults = ["junit.xml"]\n'
    policy += 'publish = { "more.json" = "docs/evidence/published.json" }\n'
    made = make_project(tmp_path / "project", policy)
    (made.root / "leak.py").write_text(COMMAND, encoding="utf-8")
    return made


def forbidden() -> list[bytes]:
    """What no file may hold: the secrets, their lines, and what Base64 makes of them."""
    token, password = SECRETS["DEPLOY_TOKEN"].encode(), SECRETS["PGPASSWORD"].encode()
    texts = [token, password, json.dumps(password.decode())[1:-1].encode(), b"url-passw0rd", token[5:]]
    texts += [line.encode() for line in SECRETS["SIGNING_PRIVATE_KEY"].splitlines()]
    texts += [base64.b64encode(b"deployer:" + token)[12:], base64.b64encode(password)]
    return texts + [secret.encode() for secret in OWN]


def test_no_secret_is_written_or_shown(
    project: Project, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run folder with its logs, manifest, results and verdict, the latest verdict, the history, the terminal."""
    monkeypatch.chdir(project.root)
    assert cli.execute(["gate"]) == 0
    assert cli.execute(["run", "unit"]) == 0
    assert cli.execute(["explain"]) == 0
    shown = "".join(capfd.readouterr())
    files = [path for path in project.evidence.rglob("*") if path.is_file() and path.name != "policy.toml"]
    assert {"published.json", "latest.json", "step-1.log", "junit.xml", "manifest.json", "unit.log"} <= {
        path.name for path in files
    }
    leaks = [
        (where, secret)
        for where, data in [
            ("terminal", shown.encode()),
            *((str(path.relative_to(project.evidence)), path.read_bytes()) for path in files),
        ]
        for secret in forbidden()
        if secret in data
    ]
    assert leaks == []


def test_a_file_that_lost_a_secret_is_as_old_as_it_was_and_nobody_elses(tmp_path: Path) -> None:
    """Its age still tells whether this check made it, and a file elsewhere that it shares its content with stays."""
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_text("Bearer own-hunter22", encoding="utf-8")
    folder = tmp_path / "evidence"
    folder.mkdir()
    left, binary = folder / "left.txt", folder / "data.bin"
    left.hardlink_to(elsewhere)
    os.utime(left, (1_000_000, 2_000_000))
    binary.write_bytes(b"\xffBearer own-hunter22")
    cut_secrets(folder, Redactor({}))
    assert left.read_text(encoding="utf-8") == "Bearer [redacted]"
    assert left.stat().st_mtime == 2_000_000
    assert elsewhere.read_text(encoding="utf-8") == "Bearer own-hunter22"
    assert binary.read_bytes() == b"\xffBearer own-hunter22"


def test_what_was_no_secret_is_still_there(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cutting secrets out leaves the rest of a log to be read, and documents as documents."""
    monkeypatch.chdir(project.root)
    assert cli.execute(["gate"]) == 0
    (log,) = project.runs.glob("*/unit/step-1.log")
    text = log.read_text(encoding="utf-8")
    assert "connecting to postgresql://[redacted]@db.internal:5432/shop with" in text
    assert "page=1&access_token=[redacted]&x=1" in text
    (left,) = project.runs.glob("*/unit/more.json")
    assert json.loads(left.read_bytes())["tokens"] == 7
