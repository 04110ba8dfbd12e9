"""Sessions are read from a noxfile as text; its code is never run."""

from pathlib import Path

import pytest

from gatewright.gate.sessions import MAXIMUM_BYTES, Sessions, read_sessions

NOXFILE = """\
import nox
from nox import session

raise SystemExit("this must never run")

@nox.session
def plain(session): ...

@nox.session(python=["3.11", "3.12"])
def versions(session): ...

@session
def imported(session): ...

@nox.session(name="by-name", reuse_venv=True)
def ignored(session): ...

@nox.parametrize("a", [1])
@nox.session()
def parametrized(session, a): ...

def no_session(session): ...

if True:
    @nox.session
    def nested(session): ...

nox.session(name="called")(no_session)
"""


def read(folder: Path, text: str) -> Sessions:
    path = folder / "noxfile.py"
    path.write_text(text, encoding="utf-8")
    return read_sessions(path)


def test_every_way_to_define_a_session_is_known(tmp_path: Path) -> None:
    sessions = read(tmp_path, NOXFILE)
    assert sessions.names == {
        "plain",
        "versions",
        "imported",
        "by-name",
        "parametrized",
        "nested",
        "called",
    }
    assert (sessions.is_certain, sessions.problem) == (True, "")


@pytest.mark.parametrize(
    ("name", "there"),
    [("plain", True), ("versions-3.11", True), ("plai", False), ("plain2", False), ("no_session", False)],
)
def test_a_session_is_called_by_its_name_or_with_a_python(tmp_path: Path, name: str, *, there: bool) -> None:
    assert read(tmp_path, NOXFILE).has(name) == there


@pytest.mark.parametrize(
    "text",
    [
        "from sessions import *",
        "import nox\n@nox.session(name=NAME)\ndef a(session): ...",
        "import nox\n@nox.session(**settings)\ndef a(session): ...",
        "import nox\nnox.session(task)(run)\nnox.session(python='3')(run)",
    ],
)
def test_names_that_are_computed_leave_doubt(tmp_path: Path, text: str) -> None:
    assert not read(tmp_path, text).is_certain


@pytest.mark.parametrize("text", ["def (", "\0", "(" * 10_000])
def test_a_noxfile_that_can_not_be_parsed_is_told(tmp_path: Path, text: str) -> None:
    sessions = read(tmp_path, text)
    assert sessions.problem in {
        "noxfile.py can't be parsed: SyntaxError",
        "noxfile.py can't be parsed: ValueError",
        "noxfile.py can't be parsed: MemoryError",
        "noxfile.py can't be parsed: RecursionError",
    }
    assert not sessions.has("tests")


def test_a_noxfile_without_end_is_not_read(tmp_path: Path) -> None:
    sessions = read(tmp_path, "#" * (MAXIMUM_BYTES + 1))
    assert sessions.problem == f"noxfile.py can't be read: noxfile.py is larger than {MAXIMUM_BYTES} bytes"


def test_a_project_without_noxfile_has_no_sessions(tmp_path: Path) -> None:
    assert "can't be read" in read_sessions(tmp_path / "noxfile.py").problem
