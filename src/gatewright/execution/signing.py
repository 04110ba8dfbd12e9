"""Who signs the runs of a project, and how a folder that nobody signed is signed later."""

import os
from collections.abc import Mapping
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.evidence.dsse import Signer
from gatewright.evidence.record import write_atomic
from gatewright.evidence.signing import load_signer
from gatewright.evidence.signing.keyfile import KeyKind, key_path, read_key_file
from gatewright.evidence.strict import read_bytes
from gatewright.execution.project import Project
from gatewright.gate.attest import attest, attestation_paths, read_attestations
from gatewright.gate.policy import Policy
from gatewright.gate.verify import SUMS, VERDICT, Verification, verify

__all__ = ["KEY_VARIABLE", "find_key", "find_signer", "sign_folder"]

KEY_VARIABLE = "GATEWRIGHT_SIGNING_KEY"
"""Names the key file; it outranks the policy's."""


def find_signer(
    project: Project, policy: Policy, environment: Mapping[str, str] = os.environ
) -> Signer | None:
    """Who signs the runs of a project; None where no key is configured, or the policy's is not here.

    Raises:
        ConfigurationError: a key is there and can't be used.
    """
    path = find_key(policy, environment)
    return None if path is None else open_key(path, project.root, environment)


def find_key(policy: Policy, environment: Mapping[str, str]) -> Path | None:
    """The key file that the environment names, or else the policy's if there is one."""
    if named := environment.get(KEY_VARIABLE):
        return key_path(named)
    if not policy.signing.key:
        return None
    path = key_path(policy.signing.key)
    return path if path.exists() else None


def open_key(path: Path, root: Path, environment: Mapping[str, str] = os.environ) -> Signer:
    """Who signs with a key.

    Raises:
        ConfigurationError: it can't be used, or lies in the tree, where everybody who gets the tree gets it.
    """
    kind, _ = read_key_file(path)
    if kind in {KeyKind.PRIVATE, KeyKind.SSH_PRIVATE} and path.resolve().is_relative_to(root.resolve()):
        raise ConfigurationError(
            f"the private key {path} lies in the tree that is gated", remedy="keep it elsewhere"
        )
    return load_signer(path, environment)


def sign_folder(folder: Path, signer: Signer) -> Verification:
    """Sign a run that is intact, beside whoever has signed it before; one that is not is left alone.

    Raises:
        ConfigurationError: this key has signed it already.
        GatewrightError: it can't be signed.
        OSError: the seal can't be written.
    """
    verification = verify(folder)
    document = verification.document
    # A policy may ask for the very signature that is about to be made.
    if document is None or any(problem.rule != "signature-present" for problem in verification.problems):
        return verification
    earlier = read_attestations(folder, document)
    # One that was interrupted goes on where it ended.
    mine = {path for path, envelope in earlier.items() if signer.key_id in envelope.key_ids}
    if mine == attestation_paths(document).keys():
        raise ConfigurationError(f"{signer.key_id} has signed run {document.run_id} already")
    evidence = {name: read_bytes(folder / name) for name in (VERDICT, SUMS)}
    for path, text in attest(document, evidence, signer, earlier).items():
        write_atomic(folder / path, text)
    return verify(folder)
