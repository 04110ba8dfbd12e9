"""Artifacts: what attempts produced, and what a step waits for."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from multyagents_api.domain.errors import InvalidArtifact
from multyagents_api.domain.redaction import redact

__all__ = [
    "Artifact",
    "ArtifactDraft",
    "ArtifactType",
    "NewArtifact",
    "ProducedArtifact",
    "RequiredArtifact",
    "WholeArtifact",
    "missing_artifacts",
    "to_new_artifact",
]


T = TypeVar("T")


class ArtifactType(StrEnum):
    """What an artifact is; values are the words on the wire."""

    TEXT = "text"
    FILE = "file"
    DIFF = "diff"
    COMMIT = "commit"
    REPORT = "report"


_KEPT_WHOLE = frozenset({ArtifactType.TEXT, ArtifactType.DIFF, ArtifactType.REPORT})
"""What is kept here itself; of the others only where they are."""

_COMMIT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class ArtifactDraft:
    """An artifact as a client describes it: which of the fields belong together follows from its type."""

    type: ArtifactType
    name: str
    content: str | None = None
    location: str | None = None
    sha256: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class NewArtifact:
    """An artifact ready to be kept.

    `sha256` and `size`, in bytes of UTF-8, are those of the content where there is one, else of the commit's
    id, or what the client says of its file.
    """

    type: ArtifactType
    name: str
    content: str | None
    location: str | None
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact as it is stored, without its content."""

    id: int
    run_id: int
    task_id: int
    attempt: int
    type: ArtifactType
    name: str
    location: str | None
    sha256: str
    size: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WholeArtifact(Artifact):
    """An artifact with its content."""

    content: str | None = field(kw_only=True)


def to_new_artifact(draft: ArtifactDraft) -> NewArtifact:
    """The artifact that a draft describes, without the secrets in its content.

    Raises:
        InvalidArtifact: a field is missing, does not go with the type, or names an impossible place.
    """
    content = None if draft.content is None else redact(draft.content)
    if draft.type is ArtifactType.FILE:
        return _file(draft)
    _refuse(draft, "sha256", "size")
    if draft.type in _KEPT_WHOLE:
        _refuse(draft, "location")
        text = _demand(draft, "content", content)
    else:
        commit = _demand(draft, "location", draft.location)
        if _COMMIT_ID.fullmatch(commit) is None:
            raise InvalidArtifact("a commit's id has 40 or 64 lowercase hexadecimal digits", ("location",))
        text = commit if content is None else content
    encoded = text.encode()
    digest = hashlib.sha256(encoded).hexdigest()
    return NewArtifact(draft.type, draft.name, content, draft.location, digest, len(encoded))


def _file(draft: ArtifactDraft) -> NewArtifact:
    _refuse(draft, "content")
    location = _demand(draft, "location", draft.location)
    if not _is_plain_path(location):
        problem = "a file lies at a relative path: no drive, no backslash, no part that is empty, . or .."
        raise InvalidArtifact(problem, ("location",))
    sha256, size = _demand(draft, "sha256", draft.sha256), _demand(draft, "size", draft.size)
    return NewArtifact(draft.type, draft.name, None, location, sha256, size)


def _is_plain_path(location: str) -> bool:
    """Whether a path leads down from wherever it is taken, on every system."""
    if "\\" in location or "\x00" in location or _DRIVE.match(location):
        return False
    return not {"", ".", ".."} & set(location.split("/"))


def _demand(draft: ArtifactDraft, name: str, value: T | None) -> T:
    if value is None:
        raise InvalidArtifact(f"an artifact of type {draft.type.value} needs it", (name,))
    return value


def _refuse(draft: ArtifactDraft, *names: str) -> None:
    for name in names:
        if getattr(draft, name) is not None:
            raise InvalidArtifact(f"an artifact of type {draft.type.value} has none", (name,))


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
