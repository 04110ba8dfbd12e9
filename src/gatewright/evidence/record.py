"""Write evidence so that a reader never meets half a file, and a crash never leaves a torn one."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from gatewright.core.errors import ConfigurationError
from gatewright.core.redaction import Redactor
from gatewright.evidence.report import SuiteReport

__all__ = ["EVIDENCE", "EVIDENCE_FOLDER_VARIABLE", "Published", "announce", "publish", "write_atomic"]

EVIDENCE = PurePosixPath("docs/evidence")
"""Where a project keeps evidence: run folders, and the latest verdict."""

EVIDENCE_FOLDER_VARIABLE = "GATEWRIGHT_EVIDENCE"
"""Set by `gatewright run` for the command of a check: the folder of this run to which it adds its results."""


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all: a temporary beside it, fsync, rename, fsync of the folder."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - the very call that the protocol names
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable, where the system lets folders be opened."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class Published:
    """Where a report was written."""

    json: Path
    markdown: Path
    latest_json: Path
    latest_markdown: Path


def texts_of(report: SuiteReport, markdown: str, page: str) -> tuple[str, str, str]:
    """A report as JSON, Markdown and HTML, without the secrets of this process."""
    redactor = Redactor(os.environ)
    json, markdown, page = map(redactor.document, (report.model_dump_json(indent=2) + "\n", markdown, page))
    return json, markdown, page


def announce(folder: Path, report: SuiteReport, markdown: str, page: str = "") -> None:
    """Write a report as `latest.*` alone; arguments are those of `publish`.

    Raises:
        ConfigurationError: the folder can't be written to.
    """
    document, markdown, page = texts_of(report, markdown, page)
    try:
        write_atomic(folder / "latest.json", document)
        write_atomic(folder / "latest.md", markdown)
        if page:
            write_atomic(folder / "latest.html", page)
    except OSError as error:
        message = f"evidence can't be written to {folder}: {error.strerror}"
        raise ConfigurationError(message, remedy="name a folder that can be written to") from error


def publish(folder: Path, report: SuiteReport, markdown: str, page: str = "") -> Published:
    """Write a report as `<time>.json`, `<time>.md` and `latest.*`; copies, never symlinks.

    Inside `gatewright run` the same files also go to the folder of that run, as `report.*`.

    Args:
        folder: where to.
        report: the evidence itself.
        markdown: the same for people.
        page: the same for a browser, written as HTML beside them; no such files when empty.
    """
    stem = timestamp(report.started_at)
    document, markdown, page = texts_of(report, markdown, page)
    paths = Published(
        json=folder / f"{stem}.json",
        markdown=folder / f"{stem}.md",
        latest_json=folder / "latest.json",
        latest_markdown=folder / "latest.md",
    )
    write_atomic(paths.json, document)
    write_atomic(paths.markdown, markdown)
    if page:
        write_atomic(folder / f"{stem}.html", page)
    announce(folder, report, markdown, page)
    if run_folder := os.environ.get(EVIDENCE_FOLDER_VARIABLE):
        shutil.copyfile(paths.json, Path(run_folder) / "report.json")
        shutil.copyfile(paths.markdown, Path(run_folder) / "report.md")
        if page:
            shutil.copyfile(folder / f"{stem}.html", Path(run_folder) / "report.html")
    return paths


def timestamp(moment: datetime) -> str:
    """A moment as a file name that sorts by time: `20261121T213554Z`-like, with milliseconds."""
    return moment.strftime("%Y%m%dT%H%M%S") + f"{moment.microsecond // 1000:03d}Z"
