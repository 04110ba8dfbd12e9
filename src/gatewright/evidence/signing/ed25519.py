"""Ed25519 (RFC 8032) with keys in PEM files: PKCS #8 (RFC 5958) for private ones, SPKI (RFC 5280) for public.

The one place that imports `cryptography`, and only when such a key is used.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gatewright.core.errors import ConfigurationError
from gatewright.evidence.digest import hash_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["Ed25519Signer", "Ed25519Trusted", "load_private", "load_public", "write_key_pair"]

Ask = Callable[[], str]
"""Where a passphrase comes from, when the key turns out to need one."""


@contextmanager
def needs_cryptography() -> Iterator[None]:
    """Say in one line what to install."""
    try:
        yield
    except ImportError:
        raise ConfigurationError(
            "Ed25519 keys in PEM files need cryptography, which is not installed",
            remedy="pip install 'gatewright[sign]', or use a key of OpenSSH",
        ) from None


@dataclass(frozen=True)
class Ed25519Signer:
    """A private key in memory."""

    key: "Ed25519PrivateKey"

    @property
    def key_id(self) -> str:
        """SHA-256 of the public key."""
        return key_id(self.key.public_key())

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self.key.sign(message)


@dataclass(frozen=True)
class Ed25519Trusted:
    """One public key that a reader trusts."""

    key: "Ed25519PublicKey"

    @property
    def name(self) -> str:
        """Its id."""
        return key_id(self.key)

    def knows(self, key_id: str) -> bool:
        """Whether it is called so."""
        return key_id == self.name

    def identify(self, message: bytes, signature: bytes) -> str | None:
        """Its id when it signed this message, else None."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only with the extra `sign`

        try:
            self.key.verify(signature, message)
        except InvalidSignature:
            return None
        return self.name


def key_id(key: "Ed25519PublicKey") -> str:
    """SHA-256 of a public key as SubjectPublicKeyInfo (DER), in hexadecimal digits."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return hash_bytes(key.public_bytes(serialization.Encoding.DER, spki))


def load_private(data: bytes, name: str, ask: Ask) -> Ed25519Signer:
    """A private key from PEM.

    Args:
        data: the file.
        name: how complaints call it.
        ask: gives the passphrase of a key that has one.

    Raises:
        ConfigurationError: it is another key, the passphrase is wrong, or `cryptography` is missing.
    """
    with needs_cryptography():
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    passphrase = ask().encode() if b"ENCRYPTED" in data else None
    try:
        key = serialization.load_pem_private_key(data, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        what = "the passphrase is wrong, or the key broken" if passphrase else "the key is broken"
        raise ConfigurationError(f"can't open the key {name}: {what}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{name} is no Ed25519 key", remedy="make one: gatewright keygen FILE")
    return Ed25519Signer(key)


def load_public(data: bytes, name: str) -> Ed25519Trusted:
    """A public key from PEM.

    Raises:
        ConfigurationError: it is another key, or `cryptography` is missing.
    """
    with needs_cryptography():
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigurationError(f"can't read the key {name}: it is broken") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(f"{name} is no Ed25519 key", remedy="name the one that signs")
    return Ed25519Trusted(key)


def write_key_pair(path: Path, passphrase: str) -> str:
    """Make a key: the private half in `path`, for its owner alone, the public half in `path`.pub; its id.

    Raises:
        ConfigurationError: one of the files is there already, or `cryptography` is missing.
        OSError: they can't be written.
    """
    with needs_cryptography():
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    public_path = path.with_name(f"{path.name}.pub")
    for taken in (path, public_path):
        if os.path.lexists(taken):
            raise ConfigurationError(f"there is a file {taken} already", remedy="name another one")
    key = Ed25519PrivateKey.generate()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        locked = serialization.BestAvailableEncryption(passphrase.encode())
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    write_new(path, key.private_bytes(pem, pkcs8, locked), 0o600)
    write_new(public_path, key.public_key().public_bytes(pem, spki), 0o644)
    return key_id(key.public_key())


def write_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that was not there, with its permissions from the first byte on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
