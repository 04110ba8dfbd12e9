"""Which key a file holds, told by its first bytes, and whether it is kept as a private key should be."""

import os
import re
import stat
from enum import StrEnum
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.evidence.strict import EvidenceError, open_plain

__all__ = ["KeyKind", "key_path", "read_key_file"]

MAXIMUM_KEY_BYTES = 64 * 1024
SSH_PUBLIC = re.compile(rb"(?:sk-)?(?:ssh|ecdsa)-[\w@.-]+ AAAA[A-Za-z0-9+/]+={0,2}(?:\s|$)")


class KeyKind(StrEnum):
    """What a key file holds."""

    PRIVATE = "a private key"
    PUBLIC = "a public key"
    SSH_PRIVATE = "a private key of OpenSSH"
    SSH_PUBLIC = "a public key of OpenSSH"


HEADERS = {
    b"-----BEGIN PRIVATE KEY-----": KeyKind.PRIVATE,
    b"-----BEGIN ENCRYPTED PRIVATE KEY-----": KeyKind.PRIVATE,
    b"-----BEGIN PUBLIC KEY-----": KeyKind.PUBLIC,
    b"-----BEGIN OPENSSH PRIVATE KEY-----": KeyKind.SSH_PRIVATE,
}


def key_path(named: str) -> Path:
    """The key file that somebody names, also from a home folder (`~/`, `~user/`).

    Raises:
        ConfigurationError: there is no such home folder.
    """
    try:
        return Path(named).expanduser()
    except RuntimeError:
        raise ConfigurationError(
            f"there is no home folder for the key {named}", remedy="name it from the root: /..."
        ) from None


def read_key_file(path: Path) -> tuple[KeyKind, bytes]:
    """What a key file holds, and its bytes.

    Raises:
        ConfigurationError: there is no such file, it holds no key that can be used, or others can read it.
    """
    try:
        # A key may lie behind a link, as mounted secrets do.
        with open_plain(path.resolve()) as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(MAXIMUM_KEY_BYTES)
    except EvidenceError as error:
        raise ConfigurationError(f"can't read the key {path}: {error.message}") from None
    kind = kind_of(data)
    if kind is None:
        raise ConfigurationError(
            f"{path} holds no key that can be used",
            remedy="use an Ed25519 key (gatewright keygen FILE) or a key of OpenSSH",
        )
    if kind is KeyKind.PRIVATE and os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"others can read the private key {path}", remedy=f"chmod 600 {path}")
    return kind, data


def kind_of(data: bytes) -> KeyKind | None:
    """The kind of key that a file begins with."""
    if SSH_PUBLIC.match(data):
        return KeyKind.SSH_PUBLIC
    return next((kind for header, kind in HEADERS.items() if data.lstrip().startswith(header)), None)
