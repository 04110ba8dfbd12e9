"""The source tree of a base: a revision unpacked into a folder of its own; nothing is written to `.git`."""

import io
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.core.provenance import git

__all__ = ["BaseTreeError", "Revision", "find_revision", "unpack"]


class BaseTreeError(GatewrightError):
    """The source tree of the base can't be had."""


@dataclass(frozen=True)
class Revision:
    """A commit: the name that the user gave it, its id, and whether the work tree holds just the same."""

    name: str
    commit: str
    is_candidate: bool


def find_revision(root: Path, name: str) -> Revision:
    """The commit that a name means in the checkout at `root`.

    Args:
        root: the top folder of the checkout.
        name: a branch, a tag, an id, or what else `git rev-parse` takes.

    Raises:
        ConfigurationError: it names no commit here.
        BaseTreeError: git can't be asked.
    """
    if not name.strip() or name.startswith("-") or not name.isprintable():
        raise ConfigurationError(f"{name!r} is no revision", remedy="give a branch, a tag or a commit")
    if shutil.which("git") is None:
        raise BaseTreeError("git is not installed, so there is no base", remedy="install git")
    if not (root / ".git").exists():
        raise BaseTreeError(f"{root} is no git checkout, so there is no base", remedy="compare in a clone")
    answer = git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if answer is None:
        raise ConfigurationError(f"there is no revision {name!r} here", remedy=remedy_for_missing(root))
    commit = answer.decode("ascii").strip()
    return Revision(name, commit, is_candidate=is_work_tree(root, commit))


def remedy_for_missing(root: Path) -> str:
    """How to get at a commit that is not there."""
    if git(root, "rev-parse", "--is-shallow-repository") == b"true\n":
        return "the clone is shallow: git fetch --unshallow"
    return "git log --all --oneline shows those that are"


def is_work_tree(root: Path, commit: str) -> bool:
    """Whether the work tree holds the very files of a commit, and none beside them."""
    tree, head = (git(root, "rev-parse", "--verify", f"{each}^{{tree}}") for each in (commit, "HEAD"))
    return tree is not None and tree == head and git(root, "status", "--porcelain", "-z") == b""


def unpack(root: Path, revision: Revision, folder: Path) -> None:
    """Write the files of a revision into an empty folder.

    Nothing can be written outside of it: Python's filter for data (PEP 706) refuses absolute paths, `..`,
    links that lead out, and devices.

    Raises:
        BaseTreeError: git has not got all of it (a partial clone), or the archive holds what is refused.
    """
    archive = git(root, "archive", "--format=tar", revision.commit)
    if archive is None:
        raise BaseTreeError(
            f"git can't archive {revision.name}", remedy=f"git archive {revision.name} says why"
        )
    if not hasattr(tarfile, "data_filter"):
        raise BaseTreeError("this Python unpacks no archive safely", remedy="use Python 3.11.4 or later")
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise BaseTreeError(f"the files of {revision.name} can't be unpacked: {error}") from error
