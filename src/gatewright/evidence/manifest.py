"""The manifest: what one check ran, where, when, on what, how it ended and which files it left."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gatewright.core.model import Model
from gatewright.core.provenance import Environment, Subject
from gatewright.evidence.digest import FileEntry, Sha256
from gatewright.evidence.report import Counts
from gatewright.evidence.strict import read_model

__all__ = ["MANIFEST", "CheckId", "Manifest", "RunId", "Step", "read_manifest"]

MANIFEST = "manifest.json"
"""Renamed into a check's folder last: a folder without one is the trace of a check that never ended."""

MAXIMUM_BYTES = 8 * 1024 * 1024

RunId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]
CheckId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class Step(Model):
    """One command: how it was called and how it ended, as the operating system reported it.

    Exactly one of `exit_code`, `signal` and `error` says how it ended; `error` is why it could not be
    started. `log` is its output, a path relative to the manifest; `duration_s` is monotonic time.
    """

    argv: tuple[str, ...]
    exit_code: int | None = None
    signal: str = ""
    error: str = ""
    timed_out: bool = False
    started_at: AwareDatetime
    finished_at: AwareDatetime
    duration_s: Annotated[float, Field(ge=0)]
    log: str

    @property
    def ending(self) -> str:
        """How the command ended, in words."""
        if self.timed_out:
            return "ended by the gate when its time was over"
        if self.error:
            return f"not started: {self.error}"
        return f"killed by {self.signal}" if self.signal else f"exit code {self.exit_code}"


class Manifest(Model):
    """The evidence of one check in one run.

    `policy` is the digest of the policy that it was made under; `older` are results that were last changed
    before the check began, as a copy that keeps its times or a file that was moved.
    """

    schema_version: Literal["gatewright.manifest/1"] = "gatewright.manifest/1"
    run_id: RunId
    check: CheckId
    profile: str
    isolated: bool
    policy: Sha256
    subject: Subject
    environment: Environment
    started_at: AwareDatetime
    finished_at: AwareDatetime
    duration_s: Annotated[float, Field(ge=0)]
    steps: tuple[Step, ...]
    counts: Counts
    files: tuple[FileEntry, ...]
    older: tuple[str, ...] = ()


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a check.

    Raises:
        EvidenceError: MISSING where there is none, else as `evidence.strict.read_model`.
    """
    return read_model(folder / MANIFEST, Manifest, limit=MAXIMUM_BYTES)
