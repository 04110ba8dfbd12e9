"""Artifacts: what attempts produced, and what a step waits for."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ArtifactType", "ProducedArtifact", "RequiredArtifact", "missing_artifacts"]


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


@dataclass(frozen=True, slots=True)
class ProducedArtifact:
    """What is there of a step; `is_current`: its attempt is the latest one of its task."""

    step_id: str
    type: ArtifactType
    name: str
    is_current: bool


def missing_artifacts(
    required: Iterable[RequiredArtifact], produced: Iterable[ProducedArtifact]
) -> list[RequiredArtifact]:
    """What a task still waits for; only what a step's latest attempt produced counts."""
    current = [artifact for artifact in produced if artifact.is_current]
    named = {(artifact.step_id, artifact.type, artifact.name) for artifact in current}
    of_type = {(artifact.step_id, artifact.type) for artifact in current}
    return [
        wanted
        for wanted in required
        if (wanted.from_step, wanted.type) not in of_type
        or (wanted.name is not None and (wanted.from_step, wanted.type, wanted.name) not in named)
    ]
