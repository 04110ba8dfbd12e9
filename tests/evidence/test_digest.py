"""Listings and digests of folders."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gatewright.evidence.digest import hash_file, list_folder, read_sums, write_sums


def test_plain_files_and_strangers_are_told_apart(tmp_path: Path) -> None:
    """A link to a folder is not followed."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.txt").write_text("b", encoding="utf-8")
    (tmp_path / "a.txt").write_text("a", encoding="utf-8")
    (tmp_path / "link").symlink_to("a.txt")
    (tmp_path / "folder-link").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    listing = list_folder(tmp_path)
    assert listing.files == ("a.txt", "sub/b.txt")
    assert listing.strangers == ("folder-link", "link", "pipe")


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert list_folder(tmp_path / "absent").files == ()


def test_folders_are_as_deep_as_they_like(tmp_path: Path) -> None:
    """Deeper than Python calls, in a path that the system can just open."""
    depth = 1_200
    inner = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=inner)
        outer, inner = inner, os.open("d", os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=inner))
    os.close(inner)
    assert list_folder(tmp_path).files == ("d/" * depth + "file",)
    subprocess.run(["rm", "-r", tmp_path / "d"], check=True)  # shutil.rmtree is recursive


def test_a_file_has_its_size_and_digest(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"x" * 1000)
    entry = hash_file(tmp_path, "a.bin")
    assert (entry.bytes, entry.sha256) == (1000, hashlib.sha256(b"x" * 1000).hexdigest())


def test_sums_can_be_read_back() -> None:
    """Whatever a name is made of: line ends, backslashes, bytes that are no text."""
    names = ["a b.txt", "sub/c", "two\nlines", "r\re", "\\n", "\\", "x\\", "bad\udcff", "\x85", "a  b"]
    entries = {name: f"{number:064x}" for number, name in enumerate(names)}
    assert read_sums(write_sums(entries)) == entries
    assert read_sums(b"nonsense\n") == {}


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="coreutils are not installed")
@pytest.mark.parametrize("name", ["a.txt", "a\nb", "back\\slash", os.fsdecode(b"bad\xff")])
def test_sums_are_what_sha256sum_checks(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a", encoding="utf-8")
    sums = write_sums({name: hashlib.sha256(b"a").hexdigest()})
    (tmp_path / "SHA256SUMS").write_bytes(sums)
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
