"""Keys: a file with an Ed25519 key, or whatever `ssh-keygen -Y` signs with."""

from gatewright.evidence.signing.choose import load_allowed_signers, load_signer, load_trusted
from gatewright.evidence.signing.passphrase import PASSPHRASE_VARIABLE

__all__ = ["PASSPHRASE_VARIABLE", "load_allowed_signers", "load_signer", "load_trusted"]
