"""Keys of OpenSSH, also in agents and on hardware: `ssh-keygen -Y sign` and `-Y verify` (PROTOCOL.sshsig).

An envelope holds the binary signature, which is the armoured one without its armour.
"""

import base64
import binascii
import hashlib
import re
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.core.escape import printable

__all__ = ["NAMESPACE", "SshSigner", "SshTrusted", "trust_allowed_signers", "trust_public_key"]

NAMESPACE = "gatewright"
"""What signatures are for: one made for git or for files is refused."""

ARMOUR = ("-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----")
PREAMBLE = b"SSHSIG\0\0\0\1"
"""The magic word and the version of the format."""

PUBLIC_KEY = re.compile(r"(?:^|\s)((?:sk-)?(?:ssh|ecdsa)-[\w@.-]+) (AAAA[A-Za-z0-9+/]+={0,2})(?:\s|$)")
SIGN_TIMEOUT_S = 120
"""Long enough to touch a key."""
VERIFY_TIMEOUT_S = 30
YES, NO = 0, 255
"""How ssh-keygen ends when it has looked at a signature; other codes say that it did not."""


@dataclass(frozen=True)
class SshSigner:
    """A private key in a file, or one in an agent that a public key names."""

    path: Path
    key_id: str

    def sign(self, message: bytes) -> bytes:
        """The signature.

        Raises:
            GatewrightError: ssh-keygen is missing, or did not sign.
        """
        command = ["-Y", "sign", "-q", "-f", str(self.path), "-n", NAMESPACE]
        answer = ssh_keygen(command, message, timeout_s=SIGN_TIMEOUT_S)
        if answer.returncode:
            raise GatewrightError(
                f"ssh-keygen did not sign with {self.path}: {last_words(answer)}",
                remedy="is it the right key, and in the agent (ssh-add -l)?",
            )
        return remove_armour(answer.stdout)


@dataclass(frozen=True)
class SshTrusted:
    """Keys that a reader trusts, as lines of an allowed signers file (ssh-keygen(1), ALLOWED SIGNERS)."""

    allowed_signers: bytes
    name: str
    key_ids: frozenset[str]

    def knows(self, key_id: str) -> bool:
        """Whether one of them is called so."""
        return key_id in self.key_ids

    def identify(self, message: bytes, signature: bytes) -> str | None:
        """The fingerprint of the key that signed, when it may and did; else None.

        Raises:
            GatewrightError: ssh-keygen is missing, or is none that can tell.
        """
        signed_by = public_key_of(signature)
        if signed_by is None:
            return None
        with tempfile.TemporaryDirectory(prefix="gatewright-") as name:
            allowed, armoured = Path(name, "allowed_signers"), Path(name, "signature")
            allowed.write_bytes(self.allowed_signers)
            armoured.write_bytes(add_armour(signature))
            files = ["-f", str(allowed), "-s", str(armoured)]
            found = ask_ssh_keygen(["-Y", "find-principals", *files], b"")
            for principal in found.stdout.decode(errors="replace").splitlines()[:16]:
                command = ["-Y", "verify", "-q", *files, "-n", NAMESPACE, f"-I{principal}"]
                if ask_ssh_keygen(command, message).returncode == 0:
                    return fingerprint(signed_by)
        return None


def trust_public_key(data: bytes, path: Path) -> SshTrusted:
    """Trust one public key.

    Raises:
        ConfigurationError: it can't be read.
    """
    kind, encoded = find_public_keys(data, path)[0]
    line = f'{NAMESPACE} namespaces="{NAMESPACE}" {kind} {encoded}\n'
    key_id = fingerprint(decode_key(encoded, path))
    return SshTrusted(line.encode(), key_id, frozenset({key_id}))


def trust_allowed_signers(data: bytes, path: Path) -> SshTrusted:
    """Trust the keys of an allowed signers file.

    Raises:
        ConfigurationError: it names no key.
    """
    key_ids = frozenset(fingerprint(decode_key(key, path)) for _, key in find_public_keys(data, path))
    return SshTrusted(data, f"anyone in {path.name}", key_ids)


def find_public_keys(data: bytes, path: Path) -> Sequence[tuple[str, str]]:
    """Types and base64 of the keys in a file; at least one."""
    lines = data.decode(errors="replace").splitlines()
    found = [match.groups() for line in lines if (match := PUBLIC_KEY.search(line))]
    if not found:
        raise ConfigurationError(f"{path} names no public key of OpenSSH")
    return [(kind, encoded) for kind, encoded in found]


def decode_key(encoded: str, path: Path) -> bytes:
    """A public key as SSH sends it."""
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ConfigurationError(f"{path} holds a broken key") from None


def fingerprint(key: bytes) -> str:
    """The name of a public key, as `ssh-keygen -l` shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def public_key_of(signature: bytes) -> bytes | None:
    """The public key that an SSH signature says it is from; None for anything but an SSH signature."""
    if not signature.startswith(PREAMBLE):
        return None
    start = len(PREAMBLE) + 4
    if len(signature) < start:
        return None
    (length,) = struct.unpack(">I", signature[len(PREAMBLE) : start])
    key = signature[start : start + length]
    return key if len(key) == length else None


def add_armour(signature: bytes) -> bytes:
    """A signature as ssh-keygen reads it."""
    text = base64.b64encode(signature).decode()
    lines = [text[place : place + 70] for place in range(0, len(text), 70)]
    return "\n".join([ARMOUR[0], *lines, ARMOUR[1], ""]).encode()


def remove_armour(text: bytes) -> bytes:
    """A signature without its armour.

    Raises:
        GatewrightError: it is none.
    """
    lines = text.decode(errors="replace").strip().splitlines()
    try:
        if (lines[0], lines[-1]) == ARMOUR:
            return base64.b64decode("".join(lines[1:-1]), validate=True)
    except (IndexError, binascii.Error):
        pass
    raise GatewrightError("ssh-keygen gave no signature")


def ask_ssh_keygen(arguments: Sequence[str], message: bytes) -> subprocess.CompletedProcess[bytes]:
    """Let ssh-keygen look at a signature; one that fails otherwise must not pass for a signature that does.

    Raises:
        GatewrightError: it is missing, too old, or failed.
    """
    answer = ssh_keygen(arguments, message, timeout_s=VERIFY_TIMEOUT_S)
    if answer.returncode not in {YES, NO}:
        raise ConfigurationError(
            f"ssh-keygen can't verify: exit {answer.returncode}, {last_words(answer)}",
            remedy="OpenSSH 8.2 or newer is needed",
        )
    return answer


def last_words(answer: subprocess.CompletedProcess[bytes]) -> str:
    """What a program said of its failure, on one line."""
    return printable(" ".join(answer.stderr.decode(errors="replace").split())[:300]) or "it gave no reason"


def ssh_keygen(
    arguments: Sequence[str], message: bytes, *, timeout_s: float
) -> subprocess.CompletedProcess[bytes]:
    """Run ssh-keygen with a message on its standard input.

    Raises:
        GatewrightError: it is missing, or takes too long.
    """
    try:
        return subprocess.run(
            ["ssh-keygen", *arguments], input=message, capture_output=True, timeout=timeout_s, check=False
        )
    except FileNotFoundError:
        raise ConfigurationError(
            "keys of OpenSSH need ssh-keygen, which is not installed",
            remedy="install openssh-client, or use an Ed25519 key: gatewright keygen FILE",
        ) from None
    except subprocess.TimeoutExpired:
        raise GatewrightError(f"ssh-keygen did not answer within {timeout_s:.0f} s") from None
