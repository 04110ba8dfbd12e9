"""Keys: a file with an Ed25519 key, or whatever `ssh-keygen -Y` signs with."""

from gatewright.evidence.signing.choose import (
    PASSPHRASE_VARIABLE,
    load_allowed_signers,
    load_signer,
    load_trusted,
)

__all__ = ["PASSPHRASE_VARIABLE", "load_allowed_signers", "load_signer", "load_trusted"]
