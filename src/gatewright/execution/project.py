"""The project that is gated: where it lies, and what the environment asks for."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.evidence.ledger import HISTORY
from gatewright.evidence.record import EVIDENCE
from gatewright.gate.policy import POLICY

__all__ = ["PROFILES", "Project", "Settings", "find_project"]

PROFILES = ("quick", "full")
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True)
class Project:
    """The folder that holds `gate.toml`, and the places of evidence in it."""

    root: Path

    @property
    def policy(self) -> Path:
        """The release policy."""
        return self.root / POLICY

    @property
    def evidence(self) -> Path:
        """Where all evidence lies."""
        return self.root / EVIDENCE

    @property
    def runs(self) -> Path:
        """One folder for each run."""
        return self.evidence / "runs"

    @property
    def latest_json(self) -> Path:
        """The latest verdict of the gate."""
        return self.evidence / "latest.json"

    @property
    def history(self) -> Path:
        """One line for each run of the gate."""
        return self.evidence / HISTORY

    def latest_files(self) -> list[Path]:
        """The latest verdict in all its forms."""
        return sorted(self.evidence.glob("latest.*"))


def find_project(start: Path) -> Project:
    """The innermost folder from `start` upwards that holds a policy.

    Raises:
        ConfigurationError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / POLICY).is_file():
            return Project(folder)
    raise ConfigurationError(
        f"there is no {POLICY} in {start} or above it", remedy="run this in the project that is to be gated"
    )


@dataclass(frozen=True)
class Settings:
    """What the environment asks for.

    Attributes:
        run_id: the id under which a run is opened (`GATEWRIGHT_RUN_ID`).
        run_folder: the run of a gate that a check adds its evidence to (`GATEWRIGHT_RUN_FOLDER`).
        profile: `quick` or `full` (`GATEWRIGHT_PROFILE`).
        python: a ready interpreter that runs the checks instead of Nox sessions (`GATEWRIGHT_PYTHON`).
        isolated: whether this process itself runs in the environment of a Nox session.
    """

    run_id: str | None = None
    run_folder: Path | None = None
    profile: str = "quick"
    python: str | None = None
    isolated: bool = False

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the environment.

        Raises:
            ConfigurationError: a variable that can't be used as it is.
        """
        run_id = environment.get("GATEWRIGHT_RUN_ID") or None
        if run_id and not RUN_ID.fullmatch(run_id):
            raise ConfigurationError("GATEWRIGHT_RUN_ID may hold letters, digits, '.', '_' and '-' only")
        folder = environment.get("GATEWRIGHT_RUN_FOLDER")
        if folder and not Path(folder).is_dir():
            raise ConfigurationError(
                f"GATEWRIGHT_RUN_FOLDER names {folder}, which is no folder", remedy="unset it to open a run"
            )
        profile = environment.get("GATEWRIGHT_PROFILE") or PROFILES[0]
        if profile not in PROFILES:
            raise ConfigurationError(
                f"GATEWRIGHT_PROFILE is {profile!r}", remedy=f"use {' or '.join(PROFILES)}"
            )
        python = environment.get("GATEWRIGHT_PYTHON") or None
        if python and not os.access(python, os.X_OK):
            raise ConfigurationError(f"GATEWRIGHT_PYTHON names {python}, which can't be executed")
        in_session = "NOX_CURRENT_SESSION" in environment and environment.get("VIRTUAL_ENV") == sys.prefix
        isolated = in_session and python is None
        return cls(run_id, Path(folder).resolve() if folder else None, profile, python, isolated)

    @property
    def interpreter(self) -> str:
        """The interpreter that runs a check which has no session."""
        return self.python or sys.executable
