"""Keys that sign without any cryptography to install: whoever knows the word can sign and check."""

import hashlib
import hmac
from dataclasses import dataclass

from gatewright.core.errors import GatewrightError

__all__ = ["BrokenSigner", "FakeKey", "KeyRing"]


@dataclass(frozen=True)
class FakeKey:
    """Signs and is trusted; its id is its word."""

    key_id: str

    @property
    def name(self) -> str:
        return self.key_id

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(self.key_id.encode(), message, hashlib.sha256)

    def knows(self, key_id: str) -> bool:
        return key_id == self.key_id

    def identify(self, message: bytes, signature: bytes) -> str | None:
        return self.key_id if hmac.compare_digest(signature, self.sign(message)) else None


@dataclass(frozen=True)
class KeyRing:
    """Several keys that are trusted, as a file of allowed signers names them."""

    keys: tuple[FakeKey, ...]
    name: str = "anyone in the ring"

    def knows(self, key_id: str) -> bool:
        return any(key.knows(key_id) for key in self.keys)

    def identify(self, message: bytes, signature: bytes) -> str | None:
        return next((key.key_id for key in self.keys if key.identify(message, signature)), None)


@dataclass(frozen=True)
class BrokenSigner:
    """Has a name and never signs."""

    key_id: str = "gone"

    def sign(self, message: bytes) -> bytes:
        raise GatewrightError("the agent has gone")
