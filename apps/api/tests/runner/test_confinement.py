"""Where a command may work, and what it learns of the runner's environment."""

import os
import sys
from pathlib import Path

import pytest

from multyagents_api.runner.confinement import OutsideRoots, base_environment, open_directory

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="other systems can't tell where a directory is"
)


def test_a_directory_inside_of_a_root_is_opened(root):
    """The root itself, what lies in it, and symlinks that stay inside."""
    (root / "a").mkdir()
    (root / "link").symlink_to("a")
    for path in (root, root / "a", root / "link", root / "a" / ".."):
        opened = open_directory(str(path), [root])
        assert os.path.samestat(os.fstat(opened), path.stat())
        os.close(opened)


def test_what_leads_outside_is_refused(root, tmp_path):
    """Symlinks, parents, and a neighbour whose name only begins like the root's."""
    neighbour = tmp_path / "root-2"
    neighbour.mkdir()
    (root / "link").symlink_to(neighbour)
    (root / "up").symlink_to("..")
    for path in (tmp_path, neighbour, root / "link", root / "up" / "root-2", root / "..", Path("/")):
        with pytest.raises(OutsideRoots, match="outside of the roots"):
            open_directory(str(path), [root])


def test_what_is_no_directory_is_refused(root):
    """A file, nothing at all, and a circle."""
    (root / "file").touch()
    (root / "circle").symlink_to("circle")
    for name in ("file", "missing", "circle"):
        with pytest.raises(OSError, match=name):
            open_directory(str(root / name), [root])


def test_what_was_opened_counts(root, tmp_path, monkeypatch):
    """A directory that becomes a symlink before it is opened, after whoever looked, is refused all the same."""
    place = root / "project"
    place.mkdir()
    genuine = os.open

    def swapped(path, *more, **named):
        place.rmdir()
        place.symlink_to(tmp_path)
        return genuine(path, *more, **named)

    monkeypatch.setattr(os, "open", swapped)
    with pytest.raises(OutsideRoots):
        open_directory(str(place), [root])


def test_refusing_leaves_nothing_open(root, tmp_path):
    """Descriptors are closed."""
    before = {entry.name for entry in Path("/proc/self/fd").iterdir()}
    with pytest.raises(OutsideRoots):
        open_directory(str(tmp_path), [root])
    assert {entry.name for entry in Path("/proc/self/fd").iterdir()} == before


def test_a_command_gets_a_little_of_the_environment(tmp_path):
    """A path, the language, the time zone, private places, and what the operator named: no token, nothing else."""
    own = {
        "PATH": "/opt/bin",
        "LANG": "de_DE.UTF-8",
        "LC_TIME": "C",
        "TZ": "UTC",
        "HOME": "/root",
        "TMPDIR": "/var/tmp",
        "MULTYAGENTS_TOKEN": "hunter2",
        "LD_PRELOAD": "x.so",
        "PYTHONPATH": "/src",
        "MODEL_KEY": "k",
    }
    assert base_environment(own, ["MODEL_KEY", "MISSING"], tmp_path) == {
        "PATH": "/opt/bin",
        "LANG": "de_DE.UTF-8",
        "LC_TIME": "C",
        "TZ": "UTC",
        "HOME": f"{tmp_path}/home",
        "TMPDIR": f"{tmp_path}/tmp",
        "MODEL_KEY": "k",
    }
    assert base_environment({}, [], tmp_path)["PATH"] == "/usr/local/bin:/usr/bin:/bin"
