"""What a page is made from: the verdict, and of the run's files as much as can be read; the rest is noted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from gatewright.core.errors import ConfigurationError
from gatewright.core.model import Foreign
from gatewright.core.redaction import Redactor
from gatewright.core.verdict import State
from gatewright.evidence.ledger import LedgerEntry
from gatewright.evidence.manifest import Manifest, read_manifest
from gatewright.evidence.strict import EvidenceError, json_pointer, read_bytes
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.policy import Policy, parse_policy
from gatewright.gate.verify import POLICY_COPY

__all__ = ["Drawn", "Material", "Report", "read_material", "read_reports"]

MAXIMUM_REPORT_BYTES = 16 * 1024 * 1024
"""Of a report that is drawn; the judge reads larger ones."""
MAXIMUM_BYTES = 4 * MAXIMUM_REPORT_BYTES
"""Of all reports that are looked at."""
UNBELIEVED = {State.TAMPERED, State.MISMATCH, State.INVALID, State.MISSING}
USUAL_RESULTS = ("report.json",)


class Drawn(Foreign):
    """As much of a file as a page draws; the judge has read it strictly before."""


@dataclass(frozen=True)
class Material:
    """A verdict and what lies beside it.

    Attributes:
        document: the verdict.
        folder: the run folder.
        history: earlier runs, oldest first.
        policy: the one that the run was judged by; None where it can't be read.
        manifests: by check, those that can be read.
        redactor: cuts secrets out of what is taken from the files.
        seal: who signs the run, in words; empty where nobody told.
        notes: what can't be read.
    """

    document: VerdictDocument
    folder: Path
    history: Sequence[LedgerEntry]
    policy: Policy | None
    manifests: Mapping[str, Manifest]
    redactor: Redactor
    seal: str
    notes: tuple[str, ...]

    @property
    def profile(self) -> str:
        """The profile of the checks; empty where none tells, or they differ."""
        profiles = {manifest.profile for manifest in self.manifests.values()}
        return profiles.pop() if len(profiles) == 1 else ""

    def results_of(self, check: str) -> tuple[str, ...]:
        """The result files that a check leaves."""
        declared = self.policy.checks.get(check) if self.policy else None
        return (
            tuple(result.path for result in declared.results_of(self.profile)) if declared else USUAL_RESULTS
        )


@dataclass(frozen=True)
class Report:
    """A report that is drawn: of which check, its path from the evidence folder, and what is drawn of it."""

    check: str
    artifact: str
    content: Drawn


def read_material(
    document: VerdictDocument, folder: Path, history: Sequence[LedgerEntry], redactor: Redactor, seal: str
) -> Material:
    """Read what lies beside a verdict; nothing that lies there can make this fail."""
    notes: list[str] = []
    manifests: dict[str, Manifest] = {}
    for check in document.checks:
        try:
            manifests[check.check] = read_manifest(folder / check.check)
        except EvidenceError as error:
            if error.state is not State.MISSING:
                notes.append(f"{check.check}: {error.message}")
    policy: Policy | None = None
    try:
        policy = parse_policy(read_bytes(folder / POLICY_COPY), POLICY_COPY).policy
    except (EvidenceError, ConfigurationError) as error:
        notes.append(error.message)
    return Material(document, folder, history, policy, manifests, redactor, seal, tuple(notes))


def read_reports(material: Material, kinds: Mapping[str, type[Drawn]], notes: list[str]) -> Iterator[Report]:
    """The reports of some kinds among the results of the run.

    Args:
        material: the run.
        kinds: what is drawn of a report, by its schema version.
        notes: is told what is left out.
    """
    left = MAXIMUM_BYTES
    for check in material.document.checks:
        if check.state in UNBELIEVED:
            continue
        for path in material.results_of(check.check):
            if not path.endswith(".json"):
                continue
            artifact = f"runs/{material.document.run_id}/{check.check}/{path}"
            try:
                data = read_bytes(material.folder / check.check / path, limit=min(MAXIMUM_REPORT_BYTES, left))
                left -= len(data)
                if content := parse_report(data, kinds):
                    yield Report(check.check, artifact, redacted(content, material.redactor))
            except EvidenceError as error:
                if error.state is not State.MISSING:
                    notes.append(f"{artifact} is not drawn: {error.message}")


def parse_report(data: bytes, kinds: Mapping[str, type[Drawn]]) -> Drawn | None:
    """What is drawn of a report; None where it is of another kind.

    Raises:
        EvidenceError: it is of this kind and can't be drawn.
    """
    try:
        head = Head.model_validate_json(data)
    except ValidationError:
        return None
    if head.schema_version not in kinds:
        return None
    try:
        return kinds[head.schema_version].model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise EvidenceError(f"{first['msg']} at {json_pointer(first['loc'])}") from None


def redacted(content: Drawn, redactor: Redactor) -> Drawn:
    """The same without secrets: requests and answers of a race hold what the service said."""
    return type(content).model_validate(without_secrets(content.model_dump(), redactor))


def without_secrets(value: object, redactor: Redactor) -> object:
    """A value as JSON has it, with every text and every key redacted."""
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, dict):
        return {redactor.text(str(key)): without_secrets(each, redactor) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(each, redactor) for each in value]
    return value


class Head(Drawn):
    """What tells of which kind a report is."""

    schema_version: str = ""
