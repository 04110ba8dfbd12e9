"""The audit of locks: what a service knows is told, and what nobody could tell is never clean."""

import json
from pathlib import Path

import pytest
from audit import CANARY, Unanswered, ask_pip_audit, audit, locked_packages, main

from gatewright.core.verdict import State
from gatewright.evidence.results import read_result

LOCK = """\
# a comment
anyio==4.16.0 \\
    --hash=sha256:00
    # via httpx
uvicorn[standard]==0.54.0 ; sys_platform != 'win32' \\
    --hash=sha256:01
zope.interface==1.0
"""
CLEAN = {"name": "anyio", "version": "4.16.0", "vulns": []}
BAD = {"name": "zope.interface", "version": "1.0", "vulns": [{"id": "PYSEC-0", "fix_versions": ["2"]}]}
SKIPPED = {"name": "anyio", "skip_reason": "not found"}
FEED = {"name": "jinja2", "version": "2.4.1", "vulns": [{"id": "PYSEC-1"}]}


class Service:
    """Answers as pip-audit does: first about the canary, then about the locks."""

    def __init__(self, *found: dict[str, object], feed: dict[str, object] | None = FEED) -> None:
        self.asked: list[list[str]] = []
        self._found = found
        self._feed = feed

    def __call__(self, arguments):
        self.asked.append(list(arguments))
        if self._feed is None:
            raise Unanswered("the service can't be reached")
        found = (self._feed,) if len(self.asked) == 1 else self._found
        return {"dependencies": list(found), "fixes": []}


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    file = tmp_path / "lock.txt"
    file.write_text(LOCK)
    return file


def judged(lock: Path, service: Service):
    """The exit code, and what the gate makes of the document."""
    output = lock.with_name("pip-audit.json")
    code = main(["--output", str(output), str(lock)], service)
    return code, read_result(lock.parent, output.name)


def test_a_clean_audit_passes(lock):
    """The locks are asked for with their hashes, after the canary."""
    service = Service(CLEAN)
    code, result = judged(lock, service)
    assert (code, result.state, result.counts.collected) == (0, State.PASS, 1)
    assert [arguments[0] for arguments in service.asked] == ["--no-deps", "--require-hashes"]
    assert service.asked[1][1:] == ["--requirement", str(lock)]


def test_a_vulnerability_fails(lock, capsys):
    """And is named."""
    code, result = judged(lock, Service(CLEAN, BAD))
    assert (code, result.state) == (1, State.FAIL)
    assert "zope.interface" in capsys.readouterr().out


@pytest.mark.parametrize(
    "service",
    [
        Service(feed=None),
        Service(CLEAN, feed={**FEED, "vulns": []}),
        Service(CLEAN, feed={"name": "jinja2", "skip_reason": "not found"}),
        Service(SKIPPED),
        Service(CLEAN, SKIPPED),
    ],
    ids=["unreachable", "no feed", "unknown canary", "nothing known", "something unknown"],
)
def test_what_nobody_could_tell_is_inconclusive(lock, service):
    """Also where a mirror answers, and knows of no vulnerability at all."""
    code, result = judged(lock, service)
    assert (code, result.state) == (3, State.INCONCLUSIVE)


def test_an_audit_of_nothing_is_no_pass(lock):
    """Locks that name no package, or a service that answers about none."""
    code, result = judged(lock, Service())
    assert (code, result.state) == (3, State.EMPTY)


def test_skipped_packages_are_those_of_the_locks(lock):
    """Each by its name, with the reason."""
    assert locked_packages([lock]) == {"anyio", "uvicorn", "zope.interface"}
    document = audit([lock], Service(feed=None))
    assert [package["skip_reason"] for package in document["dependencies"]] == [
        "the service can't be reached"
    ] * 3


def test_our_locks_name_what_we_install():
    """And none of them is the canary."""
    locks = sorted((Path(__file__).parents[2] / "requirements").glob("*.txt"))
    names = locked_packages(locks)
    assert {"fastapi", "pydantic", "sqlalchemy"} <= names
    assert not any(CANARY in lock.read_text() for lock in locks)


def test_pip_audit_that_is_not_there_leaves_no_answer(monkeypatch):
    """Its last words are told in one line."""
    monkeypatch.setattr("audit.sys.executable", "/bin/false")
    with pytest.raises(Unanswered, match="pip-audit failed and said: nothing"):
        ask_pip_audit([])


def test_the_document_is_what_pip_audit_writes(lock):
    """A reader that knows nothing of us can read it."""
    main(["--output", str(lock.with_name("a.json")), str(lock)], Service(feed=None))
    document = json.loads(lock.with_name("a.json").read_text())
    assert set(document) == {"dependencies", "fixes"}
