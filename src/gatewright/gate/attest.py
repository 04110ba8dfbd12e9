"""What is sealed about a run: one in-toto Statement for each check, and one for the verdict.

The statements are a function of the verdict and of the digests of what was written, so whoever reads a run
folder derives them again and holds them against the signed ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gatewright.core.escape import printable
from gatewright.core.provenance import UNKNOWN
from gatewright.core.verdict import State, Verdict
from gatewright.evidence.digest import hash_bytes
from gatewright.evidence.dsse import (
    IN_TOTO,
    MAXIMUM_ENVELOPE_BYTES,
    Envelope,
    SealError,
    Signer,
    Trusted,
    check_signatures,
    read_envelope,
    seal,
)
from gatewright.evidence.statement import (
    CheckStatement,
    Descriptor,
    GateRun,
    TestResult,
    VerdictStatement,
    VerificationResult,
    Verifier,
)
from gatewright.evidence.strict import EvidenceError, parse_model, read_bytes
from gatewright.gate.aggregate import CheckVerdict
from gatewright.gate.decision import VerdictDocument, exit_code
from gatewright.gate.problem import Problem

__all__ = [
    "ATTESTATIONS",
    "NOT_SEALED",
    "Seal",
    "attest",
    "attestation_paths",
    "describe_seal",
    "find_broken_seals",
    "read_attestations",
    "read_seal",
]

ATTESTATIONS = "_attestations"
"""The folder of envelopes in a run folder; no check can have this name."""

VERIFIER = "pkg:pypi/gatewright"
"""Whose logic judged, as a package URL without its version."""

RELEASE = "GATEWRIGHT_RELEASE_PASS"
CHECK = "GATEWRIGHT_CHECK_PASS_"
"""Properties that a verdict proves; `CHECK` is followed by the name of a check."""

RESULTS = {State.PASS: "PASSED", State.WARN: "WARNED"}
"""What a state is called in a Test Result; every other one is `FAILED`, for nothing but a pass may pass."""

AnyStatement = CheckStatement | VerdictStatement


def attestation_paths(document: VerdictDocument) -> dict[str, CheckVerdict | None]:
    """The files that a sealed run has, relative to its folder, each with its check; None for the verdict."""
    paths: dict[str, CheckVerdict | None] = {f"{ATTESTATIONS}/verdict.dsse.json": None}
    return paths | {f"{ATTESTATIONS}/check-{check.check}.dsse.json": check for check in document.checks}


def attest(
    document: VerdictDocument,
    evidence: Mapping[str, bytes],
    signer: Signer,
    earlier: Mapping[str, Envelope] | None = None,
) -> dict[str, str]:
    """Sign what a run has found.

    Args:
        document: the verdict.
        evidence: the files that the seal binds, by name: the verdict and the digests of everything else.
        signer: who signs.
        earlier: envelopes of the same run by path, whose payloads and signatures are kept.

    Returns:
        Envelopes by their path in the run folder; the verdict's is the last one.

    Raises:
        GatewrightError: it can't be signed.
    """
    envelopes = {
        path: sign_statement(statement, signer, (earlier or {}).get(path)).to_json()
        for path, statement in derive_statements(document, describe_files(evidence)).items()
    }
    return dict(reversed(envelopes.items()))


def sign_statement(statement: AnyStatement, signer: Signer, earlier: Envelope | None) -> Envelope:
    """Sign a statement, or the very bytes that others signed before: their signatures fit no other spelling.

    Another version of the toolkit may have written those. What stands there under our own id is left out.
    """
    if earlier is None:
        return seal(statement.to_bytes(), IN_TOTO, signer)
    others = tuple(signature for signature in earlier.signatures if signature.keyid != signer.key_id)
    return seal(earlier.content, IN_TOTO, signer, onto=earlier.model_copy(update={"signatures": others}))


def describe_files(evidence: Mapping[str, bytes]) -> tuple[Descriptor, ...]:
    """Files by name and digest."""
    digests = {name: hash_bytes(data) for name, data in evidence.items()}
    return tuple(Descriptor(name=name, digest={"sha256": digest}) for name, digest in digests.items())


def derive_statements(document: VerdictDocument, evidence: tuple[Descriptor, ...]) -> dict[str, AnyStatement]:
    """The statements about a run, by the path of their envelopes."""
    return {
        path: state_verdict(document, evidence) if check is None else state_check(document, check, evidence)
        for path, check in attestation_paths(document).items()
    }


def subjects(document: VerdictDocument) -> tuple[Descriptor, ...]:
    """What was judged: the work tree, and the commit where there is one.

    The digest of a tree is the SHA-256 of its listing, see `core.provenance.Tree`.
    """
    tree = Descriptor(name="work-tree", digest={"sha256": document.subject.tree.removeprefix("sha256:")})
    if document.subject.commit == UNKNOWN:
        return (tree,)
    return (tree, Descriptor(name="commit", digest={"gitCommit": document.subject.commit}))


def policy_of(document: VerdictDocument) -> Descriptor:
    """The policy that a run was judged by."""
    return Descriptor(name=document.policy.path, digest={"sha256": document.policy.sha256})


def state_verdict(document: VerdictDocument, evidence: tuple[Descriptor, ...]) -> VerdictStatement:
    """The statement about a verdict: properties are what passed, so that one which lacks proves nothing."""
    passed = [f"{CHECK}{check.check}" for check in document.checks if check.state.settles]
    is_release = document.verdict is Verdict.PASS and document.policy.only is None
    return VerdictStatement(
        subject=subjects(document),
        predicate=VerificationResult(
            verifier=Verifier(id=f"{VERIFIER}@{own_version()}", policy=policy_of(document)),
            time_created=document.finished_at or document.started_at,
            properties=(*([RELEASE] if is_release else []), *passed),
            gatewright_run=GateRun(
                id=document.run_id,
                verdict=document.verdict,
                exit_code=exit_code(document),
                evidence=evidence,
            ),
        ),
    )


def state_check(
    document: VerdictDocument, check: CheckVerdict, evidence: tuple[Descriptor, ...]
) -> CheckStatement:
    """The statement about one check."""
    result = RESULTS.get(check.state, "FAILED")
    manifest = check.manifest_sha256
    files = [Descriptor(name=check.manifest, digest={"sha256": manifest})] if manifest else []
    return CheckStatement(
        subject=subjects(document),
        predicate=TestResult.model_validate(
            {
                "result": result,
                "configuration": (policy_of(document),),
                f"{result.lower()}Tests": (check.check,),
                "gatewright_run": GateRun(
                    id=document.run_id,
                    verdict=check.state.verdict,
                    exit_code=check.state.verdict.exit_code,
                    check=check.check,
                    state=check.state,
                    waived=check.waived,
                    evidence=(*files, *evidence),
                ),
            }
        ),
    )


def own_version() -> str:
    """The version of this toolkit; 0 where it runs from sources that were never installed."""
    try:
        return version("gatewright")
    except PackageNotFoundError:
        return "0"


@dataclass(frozen=True)
class Seal:
    """Who has sealed a run, and whether that was checked.

    Attributes:
        signers: key ids as the envelopes claim them.
        checked: the keys that were found to have signed; none where no key was given to check it.
    """

    signers: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.checked:
            return f"signed by {printable(', '.join(self.checked))}"
        if not self.signers:
            return "not signed: digests only, which whoever can write the folder can write anew"
        return (
            f"signed by {printable(', '.join(self.signers))}, but no key was given to check it (--key FILE)"
        )


NOT_SEALED = Seal()


def describe_seal(key_id: str) -> str:
    """What a page or a text of a run says about its seal; `key_id` is empty for a run that nobody signs."""
    if not key_id:
        return "not signed by the gate: digests only"
    return f"signed by {printable(key_id)}; check it with gatewright verify FOLDER --key FILE"


def read_attestations(folder: Path, document: VerdictDocument) -> dict[str, Envelope]:
    """The envelopes of a run by path, unchecked.

    Raises:
        SealError: one of them can't be read.
    """
    return {
        path: read_envelope(read_bytes(folder / path, limit=MAXIMUM_ENVELOPE_BYTES), IN_TOTO, name=path)
        for path in attestation_paths(document)
        if (folder / path).exists()
    }


def read_seal(folder: Path, document: VerdictDocument, trusted: Trusted | None = None) -> Seal:
    """Who claims to have sealed a run, and which trusted keys did; nobody where that can't be read."""
    try:
        envelopes = read_attestations(folder, document).values()
        checked = {check_signatures(envelope, trusted) for envelope in envelopes} if trusted else set()
    except EvidenceError:
        return NOT_SEALED
    claimed = {key_id for envelope in envelopes for key_id in envelope.key_ids}
    return Seal(tuple(sorted(claimed)), tuple(sorted(checked)))


def find_broken_seals(
    folder: Path,
    document: VerdictDocument,
    evidence: Mapping[str, bytes],
    *,
    trusted: Trusted | None,
    required: bool,
) -> Iterator[Problem]:
    """Envelopes that are gone, were altered, belong to something else, or are not signed by a trusted key.

    Args:
        folder: the run folder.
        document: its verdict.
        evidence: the files that a seal binds, by name.
        trusted: the keys to check against; None to check all but the signatures.
        required: whether a run without a seal is broken.
    """
    paths = attestation_paths(document)
    if not (required or trusted) and not any(
        (folder / path).is_symlink() or (folder / path).exists() for path in paths
    ):
        return
    for path, statement in derive_statements(document, describe_files(evidence)).items():
        try:
            data = read_bytes(folder / path, limit=MAXIMUM_ENVELOPE_BYTES)
        except EvidenceError as error:
            gone = error.state is State.MISSING
            message = "is gone, or the run was never signed" if gone else error.message
            yield Problem(path, message, "signature-present" if gone else "signature-readable")
            continue
        try:
            envelope = read_envelope(data, IN_TOTO, name=path)
            if trusted:
                check_signatures(envelope, trusted)
            check_statement(envelope.content, statement)
        except SealError as error:
            yield Problem(path, error.message, error.rule)


def check_statement(payload: bytes, derived: AnyStatement) -> None:
    """Hold a sealed statement against the one that the folder leads to.

    Raises:
        SealError: it is about something else; the first difference is told.
    """
    model = type(derived)
    try:
        sealed = parse_model(payload, model, name="the statement")
    except EvidenceError as error:
        if error.pointer == "/predicateType":
            raise SealError("attestation-predicate", "says another kind of thing than its name") from None
        raise SealError("attestation-readable", error.message) from None
    found, wanted = sealed.predicate.gatewright_run, derived.predicate.gatewright_run
    if found.id != wanted.id:
        raise SealError("attestation-run", f"is about run {found.id}, not {wanted.id}")
    if found.check != wanted.check:
        raise SealError("attestation-check", f"is about check {found.check}, not {wanted.check}")
    check_subjects(by_name(sealed.subject), by_name(derived.subject))
    check_files(by_name(found.evidence), by_name(wanted.evidence))
    if outcome(sealed) != outcome(derived):
        raise SealError("attestation-result", "says another result than the verdict beside it")


def check_subjects(sealed: Mapping[str, dict[str, str]], derived: Mapping[str, dict[str, str]]) -> None:
    """Refuse a statement about another commit or tree."""
    for name, rule in {"commit": "attestation-commit", "work-tree": "attestation-tree"}.items():
        if sealed.get(name) != derived.get(name):
            found = "".join(sealed.get(name, {"": "none"}).values())
            raise SealError(rule, f"is about another {name.replace('-', ' ')}: {printable(found[:80])}")


def check_files(sealed: Mapping[str, dict[str, str]], derived: Mapping[str, dict[str, str]]) -> None:
    """Refuse a statement that seals other files."""
    for name in (*derived, *sealed):
        if sealed.get(name) != derived.get(name):
            message = f"seals another {printable(name[:120])} than the one beside it"
            raise SealError("attestation-evidence", message)


def by_name(descriptors: Sequence[Descriptor]) -> dict[str, dict[str, str]]:
    """Digests by name; a name that stands twice is refused.

    Raises:
        SealError: two things of one name.
    """
    found = {descriptor.name: descriptor.digest for descriptor in descriptors}
    if len(found) < len(descriptors):
        raise SealError("attestation-readable", "names one thing twice")
    return found


def outcome(statement: AnyStatement) -> str:
    """All that a statement says, apart from the version of the toolkit that said it."""
    predicate = statement.predicate
    if isinstance(predicate, VerificationResult):
        verifier = predicate.verifier.model_copy(update={"id": predicate.verifier.id.partition("@")[0]})
        predicate = predicate.model_copy(update={"verifier": verifier})
    return predicate.model_dump_json()
