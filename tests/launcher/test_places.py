"""Where the launcher keeps its state, and what its environments are bound to."""

from pathlib import Path

import pytest
from bootstrap import places
from bootstrap.places import STATE_VARIABLE, Places, SetupError, state_folder, writable


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user whose cache and temporary folder are nobody else's."""
    monkeypatch.delenv(STATE_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(places.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    return tmp_path


def checkout(folder: Path, *, closed: bool = False) -> Path:
    """A checkout; a closed one has a file where the state folder would go, which stops root as well."""
    folder.mkdir()
    if closed:
        (folder / ".gate").touch()
    return folder


def test_state_lies_in_the_checkout(home: Path):
    """The usual case: everything that set-up makes goes away with the checkout."""
    assert state_folder(checkout(home / "a b é")) == home / "a b é" / ".gate"


def test_a_closed_checkout_sends_state_to_the_users_cache(home: Path):
    """A read-only checkout is no reason to fail."""
    folder = state_folder(checkout(home / "closed", closed=True))
    assert folder.parent == home / "cache" / "multyagents"


def test_two_checkouts_share_no_state_in_the_cache(home: Path):
    """Environments are bound to a path."""
    one = state_folder(checkout(home / "one", closed=True))
    assert one != state_folder(checkout(home / "two", closed=True))


def test_without_a_cache_state_goes_to_a_private_temporary_folder(home: Path):
    """HOME is not always writable; the folder is closed to others."""
    (home / "cache").touch()
    folder = state_folder(checkout(home / "closed", closed=True))
    assert folder.parent == home / "temporary"
    assert folder.stat().st_mode & 0o077 == 0


def test_a_temporary_folder_that_is_a_link_is_not_trusted(home: Path):
    """Anyone may have put it there first."""
    (home / "cache").touch()
    root = checkout(home / "closed", closed=True)
    expected = state_folder(root)
    expected.rmdir()
    (home / "theirs").mkdir()
    expected.symlink_to(home / "theirs")
    with pytest.raises(SetupError, match=STATE_VARIABLE):
        state_folder(root)


def test_a_named_folder_that_cannot_be_written_is_a_usage_error(home: Path, monkeypatch: pytest.MonkeyPatch):
    """Silently taking another one would hide the mistake."""
    (home / "file").touch()
    monkeypatch.setenv(STATE_VARIABLE, str(home / "file"))
    with pytest.raises(SetupError) as raised:
        state_folder(checkout(home / "root"))
    assert raised.value.exit_code == 2


def test_writable_is_found_out_by_writing(tmp_path: Path):
    """A file is no folder, whatever its mode says."""
    (tmp_path / "file").touch()
    assert writable(tmp_path / "new" / "folder")
    assert not writable(tmp_path / "file")


def test_environments_are_bound_to_lock_interpreter_and_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A changed lock, another Python or a moved checkout each get tools of their own."""
    lock = tmp_path / "requirements" / "bootstrap.txt"
    lock.parent.mkdir()
    lock.write_text("nox==1\n")
    here = Places(tmp_path, tmp_path / ".gate")
    names = {here.tools.name, Places(tmp_path, tmp_path / "moved").tools.name}
    lock.write_text("nox==2\n")
    names.add(here.tools.name)
    sessions = here.sessions.name
    monkeypatch.setattr(places.sys, "version", "3.99")
    names.add(here.tools.name)
    assert len(names) == 4
    assert here.sessions.name != sessions
