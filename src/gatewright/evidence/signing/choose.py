"""From a path to whoever signs, or whom a reader trusts: what ssh made, ssh-keygen handles."""

import os
from collections.abc import Mapping
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.evidence.dsse import Signer, Trusted
from gatewright.evidence.signing.ed25519 import load_private, load_public
from gatewright.evidence.signing.keyfile import KeyKind, read_key_file
from gatewright.evidence.signing.passphrase import ask_passphrase
from gatewright.evidence.signing.ssh import (
    SshSigner,
    ssh_keygen,
    trust_allowed_signers,
    trust_public_key,
)
from gatewright.evidence.strict import EvidenceError, read_bytes

__all__ = ["load_allowed_signers", "load_signer", "load_trusted"]

MAXIMUM_ALLOWED_SIGNERS_BYTES = 1024 * 1024


def load_signer(path: Path, environment: Mapping[str, str] = os.environ) -> Signer:
    """Who signs with the key in a file: itself, or ssh-keygen, for whose agent a public key is enough.

    Raises:
        ConfigurationError: there is no key that can be used, or what it needs is not installed.
    """
    kind, data = read_key_file(path)
    if kind is KeyKind.PRIVATE:
        return load_private(data, str(path), lambda: ask_passphrase(str(path), environment))
    if kind is KeyKind.PUBLIC:
        raise ConfigurationError(f"{path} is a public key", remedy="name the private one to sign")
    public = data if kind is KeyKind.SSH_PUBLIC else public_half(path)
    return SshSigner(path, trust_public_key(public, path).name)


def public_half(path: Path) -> bytes:
    """The public half of an OpenSSH key: the file beside it, or what ssh-keygen derives."""
    beside = path.with_name(f"{path.name}.pub")
    if beside.is_file():
        return read_key_file(beside)[1]
    answer = ssh_keygen(["-y", "-P", "", "-f", str(path)], b"", timeout_s=30)
    if answer.returncode:
        raise ConfigurationError(f"{path} can't be opened", remedy=f"put its public half beside it: {beside}")
    return answer.stdout


def load_trusted(path: Path) -> Trusted:
    """Trust the public key in a file.

    Raises:
        ConfigurationError: there is no public key, or what it needs is not installed.
    """
    kind, data = read_key_file(path)
    if kind is KeyKind.PUBLIC:
        return load_public(data, str(path))
    if kind is KeyKind.SSH_PUBLIC:
        return trust_public_key(data, path)
    raise ConfigurationError(f"{path} is a private key", remedy="name the public one to verify")


def load_allowed_signers(path: Path) -> Trusted:
    """Trust the keys of an allowed signers file.

    Raises:
        ConfigurationError: it can't be read, or names no key.
    """
    try:
        data = read_bytes(path.resolve(), limit=MAXIMUM_ALLOWED_SIGNERS_BYTES)
    except EvidenceError as error:
        raise ConfigurationError(f"can't read {path}: {error.message}") from None
    return trust_allowed_signers(data, path)
