"""Signed envelopes (DSSE 1.0, https://github.com/secure-systems-lab/dsse): made, read, checked strictly."""

import base64
import binascii
from typing import Annotated, Protocol

from pydantic import Field

from gatewright.core.model import Model
from gatewright.core.verdict import State
from gatewright.evidence.strict import EvidenceError, parse_model

__all__ = [
    "IN_TOTO",
    "MAXIMUM_ENVELOPE_BYTES",
    "Envelope",
    "SealError",
    "Signature",
    "Signer",
    "Trusted",
    "check_signatures",
    "pre_authentication_encoding",
    "read_envelope",
    "seal",
]

IN_TOTO = "application/vnd.in-toto+json"
"""The payload type of an in-toto Statement."""

MAXIMUM_ENVELOPE_BYTES = 1024 * 1024
MAXIMUM_SIGNATURES = 16
TO_STANDARD_ALPHABET = str.maketrans("-_", "+/")


class Signer(Protocol):
    """A private key, or somebody who holds it."""

    @property
    def key_id(self) -> str:
        """How the key is called in envelopes; a hint, never a proof."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign a message.

        Raises:
            GatewrightError: it can't be signed.
        """
        ...


class Trusted(Protocol):
    """The public keys that a reader trusts."""

    @property
    def name(self) -> str:
        """How a refusal calls them."""
        ...

    def knows(self, key_id: str) -> bool:
        """Whether one of them is called so."""
        ...

    def identify(self, message: bytes, signature: bytes) -> str | None:
        """The id of the trusted key that signed this very message; None when none of them did."""
        ...


class SealError(EvidenceError):
    """A seal that does not hold; `rule` names the way in which it does not."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message, state=State.TAMPERED)
        self.rule = rule


class Signature(Model):
    """One signature, in base64. `keyid` only hints at the key: nobody has signed it."""

    keyid: Annotated[str, Field(max_length=200)] = ""
    sig: Annotated[str, Field(min_length=1, max_length=16_384)]


class Envelope(Model):
    """A payload in base64, what it is, and who signed it."""

    payload: str
    payloadType: Annotated[str, Field(max_length=200)]  # noqa: N815 - as DSSE spells it
    signatures: Annotated[tuple[Signature, ...], Field(max_length=MAXIMUM_SIGNATURES)] = ()

    @property
    def content(self) -> bytes:
        """The payload itself.

        Raises:
            SealError: it is not base64.
        """
        return decode(self.payload, "payload")

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Who claims to have signed it."""
        return tuple(signature.keyid or "an unnamed key" for signature in self.signatures)

    def to_json(self) -> str:
        """The envelope as it is written."""
        return self.model_dump_json(indent=2) + "\n"


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What is really signed: the type and the payload, each after its length in bytes (DSSE, PAE)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, payload_type: str, signer: Signer, *, onto: Envelope | None = None) -> Envelope:
    """Sign a payload.

    Args:
        payload: what is signed.
        payload_type: what it is.
        signer: who signs it.
        onto: an envelope with the same payload whose signatures are kept.

    Raises:
        GatewrightError: it can't be signed.
    """
    signature = signer.sign(pre_authentication_encoding(payload_type, payload))
    added = Signature(keyid=signer.key_id, sig=base64.b64encode(signature).decode())
    return Envelope(
        payload=base64.b64encode(payload).decode(),
        payloadType=payload_type,
        signatures=(*(onto.signatures if onto else ()), added),
    )


def read_envelope(data: bytes, payload_type: str, *, name: str) -> Envelope:
    """Read an envelope without believing it yet.

    Raises:
        SealError: it can't be read, is of another type, or its signatures are none or the same.
    """
    try:
        envelope = parse_model(data, Envelope, name=name)
    except EvidenceError as error:
        raise SealError("signature-readable", error.message) from None
    if envelope.payloadType != payload_type:
        raise SealError(
            "signature-payload-type",
            f"has the payload type {envelope.payloadType[:80]!r}, not {payload_type!r}",
        )
    if not envelope.signatures:
        raise SealError("signature-present", "holds no signature any more")
    signatures = [decode(signature.sig, "signature") for signature in envelope.signatures]
    names = [signature.keyid for signature in envelope.signatures if signature.keyid]
    if len(set(signatures)) < len(signatures) or len(set(names)) < len(names):
        raise SealError("signature-once", "holds two signatures by the same key")
    return envelope


def check_signatures(envelope: Envelope, trusted: Trusted) -> str:
    """The id of the trusted key that signed an envelope; signatures by others neither help nor harm.

    Raises:
        SealError: none of them signed this payload and type.
    """
    message = pre_authentication_encoding(envelope.payloadType, envelope.content)
    for signature in envelope.signatures:
        key_id = trusted.identify(message, decode(signature.sig, "signature"))
        if key_id is None:
            continue
        if signature.keyid not in {"", key_id}:
            raise SealError("signature-key-id", f"names {signature.keyid!r} for a signature by {key_id}")
        return key_id
    if any(not signature.keyid or trusted.knows(signature.keyid) for signature in envelope.signatures):
        raise SealError("signature-valid", f"was altered: the signature by {trusted.name} does not fit it")
    raise SealError("signature-key", f"is signed by {', '.join(envelope.key_ids)}, not by {trusted.name}")


def decode(text: str, what: str) -> bytes:
    """Bytes from base64 in either alphabet (RFC 4648, 4 and 5), in the one spelling that encoding gives.

    Raises:
        SealError: it is no such text.
    """
    standard = text.translate(TO_STANDARD_ALPHABET)
    try:
        data = base64.b64decode(standard, validate=True)
    except (binascii.Error, ValueError):
        raise SealError("signature-readable", f"holds a {what} that is not base64") from None
    if base64.b64encode(data).decode() != standard:
        raise SealError("signature-readable", f"holds a {what} in base64 of another spelling")
    return data
