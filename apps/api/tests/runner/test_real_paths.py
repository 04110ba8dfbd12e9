"""Where paths really lead, on a real file system."""

import os
from pathlib import Path

import pytest

from multyagents_api.runner.paths import RealPaths

resolve = RealPaths().resolve


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path.resolve()


def test_symlinks_are_followed_to_their_end(place):
    """One after the other, in the middle of a path too."""
    (place / "real" / "deep").mkdir(parents=True)
    (place / "second").symlink_to("real")
    (place / "first").symlink_to(place / "second")
    assert resolve(f"{place}/first/deep") == f"{place}/real/deep"


def test_what_does_not_exist_is_no_obstacle(place):
    """Missing parts stay as they are written, and nothing is created."""
    (place / "link").symlink_to("nowhere/yet")
    assert resolve(f"{place}//a/./b/") == f"{place}/a/b"
    assert resolve(f"{place}/link/c") == f"{place}/nowhere/yet/c"
    assert [entry.name for entry in place.iterdir()] == ["link"]


def test_a_symlink_to_nowhere_leads_where_it_says(place):
    """Before its target exists it counts as it will count then."""
    outside = place.parent / "not there yet"
    (place / "escape").symlink_to(outside)
    assert resolve(f"{place}/escape/x") == f"{outside}/x"


@pytest.mark.parametrize("target", ["loop", "missing/../loop", "other"])
def test_a_circle_of_symlinks_leads_nowhere(place, target):
    """Also behind a part that does not exist."""
    (place / "loop").symlink_to(target)
    (place / "other").symlink_to("loop")
    with pytest.raises(OSError, match="symbolic links"):
        resolve(f"{place}/loop/x")


def test_a_file_is_no_directory(place):
    """Nothing can lie under it."""
    (place / "file").touch()
    assert resolve(f"{place}/file") == f"{place}/file"
    with pytest.raises(NotADirectoryError):
        resolve(f"{place}/file/x")


def test_a_name_too_long_leads_nowhere(place):
    """The file system could never hold it."""
    with pytest.raises(OSError, match="too long"):
        resolve(f"{place}/{'n' * 300}")


def test_a_name_that_is_no_text_can_not_be_kept(place):
    """A symlink may lead to bytes that are in no encoding."""
    (place / "link").symlink_to(os.fsdecode(b"\xff"))
    with pytest.raises(ValueError, match="surrogates"):
        resolve(f"{place}/link")
