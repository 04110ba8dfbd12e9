"""The tree and the environment of a base: from git's archive, never from the candidate by accident."""

import io
import os
import shlex
import shutil
import sys
import tarfile
from pathlib import Path

import pytest
from fakes.measured import SERVICE, Repository

from gatewright.core.errors import ConfigurationError
from gatewright.suites.slo import base_tree
from gatewright.suites.slo.base_environment import BaseEnvironmentError, find_environment
from gatewright.suites.slo.base_tree import BaseTreeError, find_revision, unpack
from gatewright.suites.slo.measured_service import Places


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


def unpacked(repository, tmp_path, name="base"):
    folder = tmp_path / "unpacked"
    folder.mkdir()
    unpack(repository.root, find_revision(repository.root, name), folder)
    return folder


def test_a_base_is_the_files_of_its_commit(repository, tmp_path):
    """What the work tree has since then is not in it, committed or not."""
    repository.write("later.py", "")
    repository.commit("later")
    repository.write("requirements.txt", "changed\n")
    folder = unpacked(repository, tmp_path)
    assert not (folder / "later.py").exists()
    assert (folder / "requirements.txt").read_text() == ""


def test_a_git_directory_that_can_not_be_written_is_enough(repository, tmp_path):
    """Nothing is written to it, also by who could."""
    git = repository.root / ".git"
    folders = [git, *(path for path in git.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    before = {path: path.stat().st_mtime_ns for path in git.rglob("*")}
    try:
        assert (unpacked(repository, tmp_path) / "server.py").is_file()
        assert {path: path.stat().st_mtime_ns for path in git.rglob("*")} == before
    finally:
        for folder in folders:
            folder.chmod(0o755)


@pytest.mark.parametrize(
    "name", ["-h", "--all", "", " ", "nowhere", "base\nbase", "base:server.py", "base..base"]
)
def test_what_names_no_commit_is_refused(repository, name):
    """A flag of git's never reaches git."""
    with pytest.raises(ConfigurationError, match="revision"):
        find_revision(repository.root, name)


def test_a_folder_without_git_has_no_base(tmp_path):
    """It says so, instead of asking a checkout around it."""
    with pytest.raises(BaseTreeError, match="no git checkout"):
        find_revision(tmp_path, "main")


def test_without_git_there_is_no_base(repository, monkeypatch):
    """The remedy is to install it."""
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(BaseTreeError, match="install git"):
        find_revision(repository.root, "base")


def test_a_shallow_clone_says_how_to_get_its_history(repository, tmp_path):
    """The commit exists, and not here."""
    first = repository.git("rev-parse", "base").strip()
    repository.write("later.py", "")
    repository.commit("later")
    repository.git(
        "clone", "--quiet", "--depth=1", "--no-tags", f"file://{repository.root}", str(tmp_path / "shallow")
    )
    with pytest.raises(ConfigurationError, match="git fetch --unshallow"):
        find_revision(tmp_path / "shallow", first)


@pytest.mark.parametrize(
    ("name", "link"),
    [("../outside", ""), ("inner", "/etc/passwd"), ("inner", "../../outside"), ("/abs/../x/..", "")],
)
def test_an_archive_that_leads_out_is_refused(repository, tmp_path, monkeypatch, name, link):
    """Names and links to the outside, as a crafted tree may hold them."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = (tarfile.SYMTYPE, link) if link else (tarfile.REGTYPE, "")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(member)
    revision = find_revision(repository.root, "base")
    monkeypatch.setattr(base_tree, "git", lambda *_arguments: buffer.getvalue())
    folder = tmp_path / "unpacked"
    folder.mkdir()
    with pytest.raises(BaseTreeError, match="can't be unpacked"):
        unpack(repository.root, revision, folder)
    assert not (tmp_path / "outside").exists()


def test_a_link_that_is_committed_and_leads_out_is_refused(repository, tmp_path):
    """The same by way of git."""
    (repository.root / "passwords").symlink_to("/etc/passwd")
    repository.commit("linked")
    with pytest.raises(BaseTreeError, match="can't be unpacked"):
        unpacked(repository, tmp_path, "linked")


def environment_of(repository, base, tmp_path, given=None):
    return find_environment(
        candidate=repository.root,
        base=base,
        locks=SERVICE.locks,
        given=given,
        folder=tmp_path / "environment",
    )


def test_the_same_locks_share_the_environment(repository, tmp_path):
    """Both sides then run on the very same packages."""
    environment = environment_of(repository, unpacked(repository, tmp_path), tmp_path)
    assert environment.python == Path(sys.executable)


def test_a_base_without_a_lock_needs_an_interpreter_that_is_given(repository, tmp_path):
    """What it needs is not known; it is not guessed."""
    base = unpacked(repository, tmp_path)
    (base / "requirements.txt").unlink()
    with pytest.raises(BaseEnvironmentError, match="--base-python"):
        environment_of(repository, base, tmp_path)
    given = environment_of(repository, base, tmp_path, given=f"{shlex.quote(sys.executable)} -I")
    assert given.python == Path(sys.executable)


@pytest.mark.end_to_end
def test_other_locks_make_an_environment_of_the_bases_own(repository, tmp_path, monkeypatch):
    """With `venv` and pip where uv is not there; an empty lock installs nothing."""
    base = unpacked(repository, tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    repository.write("requirements.txt", "something-new==1\n")
    environment = environment_of(repository, base, tmp_path)
    assert environment.python == tmp_path / "environment" / "bin" / "python"
    assert environment.python.exists()


def test_packages_that_can_not_be_installed_are_named(repository, tmp_path, monkeypatch):
    """One line with the installer's own words."""
    monkeypatch.setattr(shutil, "which", lambda _name: sys.executable)
    base = unpacked(repository, tmp_path)
    repository.write("requirements.txt", "something-new==1\n")
    with pytest.raises(BaseEnvironmentError, match=r"can't be made: .* with exit code 2: .*venv") as refused:
        environment_of(repository, base, tmp_path)
    assert "\n" not in str(refused.value)


def test_folders_of_the_project_are_not_lent_to_the_base(repository, tmp_path):
    """The candidate's modules on an inherited path would fill what the base lacks."""
    places = Places(Path(sys.executable), tmp_path / "base", tmp_path)
    inherited = {"PYTHONPATH": os.pathsep.join([str(repository.root / "src"), "/elsewhere", ""]), "KEPT": "1"}
    environment = SERVICE.server_environment(places, inherited, repository.root)
    assert environment["PYTHONPATH"] == "/elsewhere"
    assert environment["KEPT"] == "1"


def test_placeholders_are_filled_and_other_braces_stay(tmp_path):
    """A command may hold JSON."""
    places = Places(Path("/py"), Path("/src"), Path("/scratch"))
    assert (
        places.fill('{python} {source} {scratch} {port_file} {"a": 1}')
        == '/py /src /scratch /scratch/port {"a": 1}'
    )
