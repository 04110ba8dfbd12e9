"""Artifacts: what attempts produced, and what a step waits for."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ArtifactType", "RequiredArtifact"]


class ArtifactType(StrEnum):
    """What an artifact is; values are the words on the wire."""

    TEXT = "text"
    FILE = "file"
    DIFF = "diff"
    COMMIT = "commit"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class RequiredArtifact:
    """What a step wants of a step that it depends on; without a name, any artifact of the type will do."""

    from_step: str
    type: ArtifactType
    name: str | None = None
