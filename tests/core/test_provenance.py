"""The digest of a work tree tells every change and nothing else."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from gatewright.core.provenance import UNKNOWN, Tree, read_environment, read_subject, read_tree

EVIDENCE = PurePosixPath("docs/evidence")
IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *IDENTITY, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def tree_of_files(tmp_path: Path) -> Path:
    root = tmp_path / "a project"
    files = {
        ".gitignore": "*.log\n/build/\n!keep.log\ndeep/**/x\n",
        "sub/.gitignore": "secret.txt\n!loud.log\n",
        "a.py": "a",
        "noise.log": "ignored",
        "keep.log": "kept",
        "build/out.o": "ignored",
        "sub/build/out.o": "kept, since the pattern is anchored",
        "sub/secret.txt": "ignored",
        "sub/loud.log": "kept",
        "sub/größe.txt": "kept",
        "deep/one/two/x": "ignored",
        "docs/evidence/latest.json": "evidence",
        "docs/evidence/README.md": "evidence too",
        "pkg/__pycache__/a.pyc": "bytecode",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / "link").symlink_to("a.py")
    (root / "run.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (root / "run.sh").chmod(0o755)
    return root


def paths(tree: Tree) -> set[str]:
    return set(tree.entries)


EXPECTED = {
    ".gitignore",
    "a.py",
    "keep.log",
    "link",
    "run.sh",
    "sub/.gitignore",
    "sub/build/out.o",
    "sub/größe.txt",
    "sub/loud.log",
}


def test_the_tree_is_the_same_with_and_without_git(tree_of_files: Path) -> None:
    """A checkout without its git directory has the same digest as one with it."""
    without = read_tree(tree_of_files, EVIDENCE)
    git(tree_of_files, "init", "-q")
    with_git = read_tree(tree_of_files, EVIDENCE)
    assert paths(without) == EXPECTED
    assert with_git == without
    git(tree_of_files, "add", ".")
    git(tree_of_files, "commit", "-qm", "one")
    assert read_tree(tree_of_files, EVIDENCE).digest == without.digest


def change_content(root: Path) -> None:
    (root / "a.py").write_text("b", encoding="utf-8")


def add_file(root: Path) -> None:
    (root / "b.py").touch()


def remove_file(root: Path) -> None:
    (root / "a.py").unlink()


def change_mode(root: Path) -> None:
    (root / "run.sh").chmod(0o644)


def change_link(root: Path) -> None:
    (root / "link").unlink()
    (root / "link").symlink_to("run.sh")


def replace_file_by_link(root: Path) -> None:
    (root / "a.py").unlink()
    (root / "a.py").symlink_to("run.sh")


@pytest.mark.parametrize("with_git", [True, False])
@pytest.mark.parametrize(
    ("change", "path"),
    [
        (change_content, "a.py"),
        (add_file, "b.py"),
        (remove_file, "a.py"),
        (change_mode, "run.sh"),
        (change_link, "link"),
        (replace_file_by_link, "a.py"),
    ],
)
def test_every_change_is_seen_and_named(tree_of_files: Path, change, path: str, *, with_git: bool) -> None:
    if with_git:
        git(tree_of_files, "init", "-q")
        git(tree_of_files, "add", ".")
        git(tree_of_files, "commit", "-qm", "one")
    before = read_tree(tree_of_files, EVIDENCE)
    change(tree_of_files)
    after = read_tree(tree_of_files, EVIDENCE)
    assert before.changes(after) == (path,)
    assert before.digest != after.digest


def test_evidence_and_ignored_files_are_not_part_of_the_tree(tree_of_files: Path) -> None:
    before = read_tree(tree_of_files, EVIDENCE)
    (tree_of_files / "docs/evidence/latest.json").write_text("other", encoding="utf-8")
    (tree_of_files / "noise.log").write_text("other", encoding="utf-8")
    assert read_tree(tree_of_files, EVIDENCE).digest == before.digest


def test_a_git_directory_that_is_broken_is_like_none(tree_of_files: Path) -> None:
    (tree_of_files / ".git").mkdir()
    tree = read_tree(tree_of_files, EVIDENCE)
    subject = read_subject(tree_of_files, tree)
    assert paths(tree) == EXPECTED
    assert (subject.commit, subject.dirty) == (UNKNOWN, None)


def test_git_variables_of_a_hook_do_not_mislead(tree_of_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pre-commit hook runs with an index of its own in its environment."""
    git(tree_of_files, "init", "-q")
    before = read_tree(tree_of_files, EVIDENCE)
    monkeypatch.setenv("GIT_DIR", str(tree_of_files.parent / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", "/no/such/index")
    assert read_tree(tree_of_files, EVIDENCE) == before


def test_the_subject_names_commit_and_dirt(tree_of_files: Path) -> None:
    git(tree_of_files, "init", "-q")
    assert read_subject(tree_of_files, Tree({})).commit == UNKNOWN
    git(tree_of_files, "add", ".")
    git(tree_of_files, "commit", "-qm", "one")
    clean = read_subject(tree_of_files, read_tree(tree_of_files, EVIDENCE))
    change_content(tree_of_files)
    dirty = read_subject(tree_of_files, read_tree(tree_of_files, EVIDENCE))
    assert len(clean.commit) == 40
    assert (clean.dirty, dirty.dirty) == (False, True)
    assert clean.tree != dirty.tree


@pytest.fixture
def committed(tree_of_files: Path) -> Path:
    git(tree_of_files, "init", "-q")
    git(tree_of_files, "add", ".")
    git(tree_of_files, "commit", "-qm", "one")
    (tree_of_files / "a.py").write_text("two", encoding="utf-8")
    git(tree_of_files, "commit", "-qam", "two")
    return tree_of_files


def in_a_worktree(root: Path) -> Path:
    git(root, "worktree", "add", "-q", "-b", "other", str(root.parent / "worktree"))
    return root.parent / "worktree"


def in_a_shallow_clone(root: Path) -> Path:
    git(root, "clone", "-q", "--depth", "1", root.as_uri(), str(root.parent / "shallow"))
    return root.parent / "shallow"


def on_a_detached_head(root: Path) -> Path:
    git(root, "checkout", "-q", "--detach")
    return root


def with_a_packed_repository(root: Path) -> Path:
    git(root, "gc", "-q")
    return root


@pytest.mark.parametrize(
    "elsewhere", [in_a_worktree, in_a_shallow_clone, on_a_detached_head, with_a_packed_repository]
)
def test_commit_and_tree_are_the_same_however_a_commit_is_checked_out(
    committed: Path, elsewhere: Callable[[Path], Path]
) -> None:
    shutil.rmtree(committed / "docs")  # evidence is never part of a commit
    here = read_subject(committed, read_tree(committed, EVIDENCE))
    other = elsewhere(committed)
    there = read_subject(other, read_tree(other, EVIDENCE))
    assert (there.commit, there.tree) == (here.commit, here.tree)
    assert here.commit != UNKNOWN


def test_reading_leaves_the_repository_as_it_is(committed: Path) -> None:
    """So a read-only one does as well: git would otherwise refresh its index."""
    (committed / "a.py").write_text("two", encoding="utf-8")  # the index holds another time of change now

    def contents() -> dict[str, bytes]:
        files = (path for path in (committed / ".git").rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in files}

    before = contents()
    read_subject(committed, read_tree(committed, EVIDENCE))
    assert contents() == before


@pytest.mark.parametrize("tracked", [True, False], ids=["submodule", "clone"])
def test_a_repository_within_the_tree_is_part_of_it(committed: Path, *, tracked: bool) -> None:
    """Git itself tells of one commit of it, or of a folder."""
    inner = committed / "vendored"
    inner.mkdir()
    (inner / "library.py").write_text("one", encoding="utf-8")
    git(inner, "init", "-q")
    git(inner, "add", ".")
    git(inner, "commit", "-qm", "one")
    if tracked:
        git(committed, "add", "vendored")
    before = read_tree(committed, EVIDENCE)
    (inner / "library.py").write_text("two", encoding="utf-8")
    assert before.changes(read_tree(committed, EVIDENCE)) == ("vendored/library.py",)
    assert paths(before) == EXPECTED | {"vendored/library.py"}


def test_a_project_in_a_folder_of_a_repository_has_its_commit(committed: Path) -> None:
    """As services of one repository have, each with a policy of its own."""
    root = committed / "sub"
    subject = read_subject(root, read_tree(root, EVIDENCE))
    (committed / "a.py").write_text("another service", encoding="utf-8")
    after = read_subject(root, read_tree(root, EVIDENCE))
    assert subject.commit == read_subject(committed, Tree({})).commit
    assert (after.tree, after.dirty) == (subject.tree, False)
    (root / "größe.txt").write_text("changed", encoding="utf-8")
    assert read_subject(root, read_tree(root, EVIDENCE)).dirty is True


def test_a_project_below_a_repository_that_does_not_track_it_has_no_commit(committed: Path) -> None:
    root = committed / "build" / "unpacked"
    root.mkdir(parents=True)
    (root / "a.py").touch()
    tree = read_tree(root, EVIDENCE)
    assert paths(tree) == {"a.py"}
    assert read_subject(root, tree).commit == UNKNOWN


def test_the_environment_names_interpreter_packages_and_machine() -> None:
    environment = read_environment()
    assert environment.packages["pydantic"]
    assert environment.cpus >= 1
    assert environment.memory_bytes > 0
    assert environment.cpu
