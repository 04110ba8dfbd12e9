"""in-toto Statements v1 (https://github.com/in-toto/attestation), as far as a gate writes and reads them."""

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from gatewright.core.model import Foreign
from gatewright.core.verdict import State, Verdict
from gatewright.evidence.manifest import CheckId, RunId

__all__ = [
    "SIMPLE_VERIFICATION",
    "TEST_RESULT",
    "CheckStatement",
    "Descriptor",
    "GateRun",
    "Statement",
    "TestResult",
    "VerdictStatement",
    "VerificationResult",
    "Verifier",
]

STATEMENT: Final = "https://in-toto.io/Statement/v1"
TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
SIMPLE_VERIFICATION: Final = "https://in-toto.io/attestation/svr/v0.1"


class Part(Foreign):
    """A part of a statement: fields that we don't know are left alone, as in-toto's parsing rules ask."""

    model_config = ConfigDict(validate_by_name=True)


class Descriptor(Part):
    """A thing by its name and digests (ResourceDescriptor)."""

    name: str = ""
    digest: dict[str, str]


class GateRun(Part):
    """Our extension of both predicates: which run this is about, and the very files that it rests on."""

    id: RunId
    verdict: Verdict
    exit_code: int
    check: CheckId | None = None
    state: State | None = None
    waived: str = ""
    evidence: tuple[Descriptor, ...]


class TestResult(Part):
    """Test Result v0.1: how one check ended."""

    __test__ = False  # for pytest, which takes every class of this name for a test

    result: Literal["PASSED", "WARNED", "FAILED"]
    configuration: tuple[Descriptor, ...]
    passed_tests: Annotated[tuple[str, ...], Field(alias="passedTests")] = ()
    warned_tests: Annotated[tuple[str, ...], Field(alias="warnedTests")] = ()
    failed_tests: Annotated[tuple[str, ...], Field(alias="failedTests")] = ()
    gatewright_run: GateRun


class Verifier(Part):
    """Who judged, and by which policy."""

    id: str
    policy: Descriptor


class VerificationResult(Part):
    """Simple Verification Result v0.1: what was proven; what was not is not among the properties."""

    verifier: Verifier
    time_created: Annotated[AwareDatetime, Field(alias="timeCreated")]
    properties: tuple[str, ...]
    gatewright_run: GateRun


class Statement(Part):
    """Something that is said about subjects, which are known by their digests."""

    type: Annotated[Literal["https://in-toto.io/Statement/v1"], Field(alias="_type")] = STATEMENT
    subject: tuple[Descriptor, ...]

    def to_bytes(self) -> bytes:
        """The payload of an envelope."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


class CheckStatement(Statement):
    """How one check ended."""

    predicate_type: Annotated[
        Literal["https://in-toto.io/attestation/test-result/v0.1"], Field(alias="predicateType")
    ] = TEST_RESULT
    predicate: TestResult


class VerdictStatement(Statement):
    """What a run has proven."""

    predicate_type: Annotated[
        Literal["https://in-toto.io/attestation/svr/v0.1"], Field(alias="predicateType")
    ] = SIMPLE_VERIFICATION
    predicate: VerificationResult
