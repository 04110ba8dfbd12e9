"""What was tested and where: commit, work tree, lock file, interpreter, machine."""

import hashlib
import os
import platform
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from gatewright.core.model import Model

__all__ = [
    "UNKNOWN",
    "Environment",
    "Subject",
    "Tree",
    "git",
    "read_environment",
    "read_subject",
    "read_tree",
]

UNKNOWN = "unknown"
GIT_TIMEOUT_S = 60
BYTECODE = "__pycache__"


class Subject(Model):
    """What the evidence is about.

    `tree` is the digest of the work tree including uncommitted changes; `dirty` is None where git can't tell;
    `lock` is the digest of the lock files in `requirements/`.
    """

    commit: str
    tree: str
    dirty: bool | None
    lock: str


class Environment(Model):
    """Where the evidence was made; `memory_bytes` is 0 where the system does not tell."""

    python: str
    implementation: str
    platform: str
    machine: str
    cpu: str
    cpus: int
    memory_bytes: int
    packages: dict[str, str]


@dataclass(frozen=True)
class Tree:
    """The content of a work tree: for each path its kind and the digest of its content."""

    entries: Mapping[str, str]

    @property
    def digest(self) -> str:
        """One digest for all of it."""
        lines = (f"{path}\0{entry}\n" for path, entry in sorted(self.entries.items()))
        return "sha256:" + hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()

    def changes(self, later: "Tree") -> tuple[str, ...]:
        """The paths that differ in a later state, sorted."""
        return tuple(
            sorted(
                path
                for path in self.entries.keys() | later.entries.keys()
                if self.entries.get(path) != later.entries.get(path)
            )
        )


def read_subject(root: Path, tree: Tree) -> Subject:
    """Say what is tested in `root`; where git can't be asked the commit is `unknown`."""
    commit = git(root, "rev-parse", "--verify", "HEAD")
    status = git(root, "status", "--porcelain", "-z", "--", ".") if commit else None
    return Subject(
        commit=os.fsdecode(commit).strip() if commit else UNKNOWN,
        tree=tree.digest,
        dirty=None if status is None else bool(status),
        lock=lock_digest(root),
    )


def read_tree(root: Path, evidence: PurePosixPath) -> Tree:
    """Read the work tree as git would list it; without git the ignore files are read.

    Args:
        root: the folder of the project.
        evidence: the folder that the gate writes to, relative to `root`; it is never part of the tree.
    """
    entries = {}
    for path in list_files(root):
        parts = PurePosixPath(path)
        if parts.is_relative_to(evidence) or BYTECODE in parts.parts:
            continue
        if entry := describe(root / path):
            entries[path] = entry
    return Tree(entries)


def list_files(root: Path) -> Iterator[str]:
    """List the files of a work tree; git names a repository within it as one folder, and its files count."""
    for path in list_with_git(root) or walk(root):
        inner = root / path
        if inner.is_dir() and not inner.is_symlink():
            yield from (str(PurePosixPath(path) / below) for below in list_files(inner))
        else:
            yield path


def list_with_git(root: Path) -> list[str]:
    """Tracked and untracked files that are not ignored; empty where git can't be asked."""
    listing = git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    return sorted(set(os.fsdecode(listing).split("\0")) - {""}) if listing else []


def git(root: Path, *arguments: str) -> bytes | None:
    """Ask git, without taking locks or writing; None where there is no answer.

    A folder within a repository is asked about only when the repository tracks files of it: a project that
    was unpacked somewhere below another one's repository is not what that one has committed.
    """
    if (root / ".git").exists():
        return ask_git(root, *arguments)
    if any((folder / ".git").exists() for folder in root.parents) and ask_git(root, "ls-files", "--cached"):
        return ask_git(root, *arguments)
    return None


def ask_git(root: Path, *arguments: str) -> bytes | None:
    """Run git in a folder; None where it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    try:
        answer = subprocess.run(
            ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", *arguments],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout if answer.returncode == 0 else None


def walk(root: Path) -> Iterator[str]:
    """List files that no `.gitignore` on their way excludes, relative to `root`."""
    yield from walk_folder(root, PurePosixPath(), ())


Rules = tuple[tuple[PurePosixPath, GitIgnoreSpec], ...]


def walk_folder(root: Path, folder: PurePosixPath, outer: Rules) -> Iterator[str]:
    """List one folder; its own ignore file adds to those of the folders above."""
    rules = outer
    ignore_file = root / folder / ".gitignore"
    if ignore_file.is_file():
        lines = ignore_file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        rules = (*outer, (folder, GitIgnoreSpec.from_lines(lines)))
    for entry in sorted(os.scandir(root / folder), key=lambda entry: entry.name):
        path = folder / entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name == ".git" or is_ignored(path, rules, is_folder=is_folder):
            continue
        if is_folder:
            yield from walk_folder(root, path, rules)
        else:
            yield str(path)


def is_ignored(path: PurePosixPath, rules: Rules, *, is_folder: bool) -> bool:
    """Whether the innermost ignore file that says anything about a path excludes it."""
    for folder, spec in reversed(rules):
        name = str(path.relative_to(folder)) + ("/" if is_folder else "")
        include = spec.check_file(name).include
        if include is not None:
            return include
    return False


def describe(path: Path) -> str:
    """The kind of a file and the digest of its content; empty for one that is gone or is a folder."""
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return "link " + hashlib.sha256(os.fsencode(path.readlink())).hexdigest()
        if not stat.S_ISREG(mode):
            return ""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"unreadable {error.errno}"
    return ("executable " if mode & stat.S_IXUSR else "file ") + digest


def lock_digest(root: Path) -> str:
    """The digest of all lock files together."""
    entries = {path.name: describe(path) for path in sorted((root / "requirements").glob("*.txt"))}
    return Tree(entries).digest


def read_environment() -> Environment:
    """Describe this interpreter and this machine."""
    return Environment(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        platform=f"{platform.system()} {platform.release()}",
        machine=platform.machine(),
        cpu=read_cpu(),
        cpus=os.cpu_count() or 1,
        memory_bytes=read_memory(),
        packages=read_packages(),
    )


def read_packages() -> dict[str, str]:
    """Installed distributions and their versions, sorted by name.

    Both stand in the names of the folders that installers leave (packaging.python.org, "Recording installed
    projects"); parsing everybody's metadata takes a hundred times as long.
    """
    found: dict[str, str] = {}
    for entry in sys.path:
        for folder in Path(entry or ".").glob("*.dist-info"):
            name, _, version = folder.stem.rpartition("-")
            found.setdefault(name.replace("_", "-"), version)
    return dict(sorted(found.items()))


def read_cpu() -> str:
    """The name of the processor, or its architecture where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def read_memory() -> int:
    """The memory of the machine, in bytes."""
    if sys.platform == "win32":
        return 0
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0
