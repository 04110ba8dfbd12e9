"""Envelopes sign what DSSE says they sign, and every way of forging one is refused by its own rule."""

import base64
import json
from collections.abc import Callable

import pytest
from fakes.keys import FakeKey

from gatewright.evidence.dsse import (
    IN_TOTO,
    MAXIMUM_SIGNATURES,
    Envelope,
    SealError,
    check_signatures,
    pre_authentication_encoding,
    read_envelope,
    seal,
)

RELEASE, OTHER = FakeKey("release"), FakeKey("other")
PAYLOAD = b'{"who": "we"}'


def test_the_encoding_is_that_of_the_specification() -> None:
    """The example of DSSE's protocol.md, and one whose type is longer in bytes than in characters."""
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pre_authentication_encoding("ä", b"") == b"DSSEv1 2 \xc3\xa4 0 "


def test_an_envelope_that_was_written_is_read_and_believed() -> None:
    text = seal(PAYLOAD, IN_TOTO, RELEASE).to_json()
    envelope = read_envelope(text.encode(), IN_TOTO, name="envelope")
    assert check_signatures(envelope, RELEASE) == "release"
    assert envelope.content == PAYLOAD
    assert list(json.loads(text)) == ["payload", "payloadType", "signatures"]


def test_a_second_signature_stands_beside_the_first() -> None:
    """Each reader finds the one that is trusted there, and the other does no harm."""
    envelope = seal(PAYLOAD, IN_TOTO, OTHER, onto=seal(PAYLOAD, IN_TOTO, RELEASE))
    assert envelope.key_ids == ("release", "other")
    assert [check_signatures(envelope, key) for key in (RELEASE, OTHER)] == ["release", "other"]


def test_both_alphabets_of_base64_are_read() -> None:
    """Verifiers must accept either (DSSE protocol)."""
    payload = bytes(range(200, 256))
    envelope = seal(payload, IN_TOTO, RELEASE)
    safe = base64.urlsafe_b64encode(payload).decode()
    assert safe != envelope.payload
    signatures = [
        {"keyid": "release", "sig": envelope.signatures[0].sig.translate(str.maketrans("+/", "-_"))}
    ]
    text = json.dumps({"payload": safe, "payloadType": IN_TOTO, "signatures": signatures})
    assert check_signatures(read_envelope(text.encode(), IN_TOTO, name="envelope"), RELEASE) == "release"


def test_a_signature_without_a_key_id_counts() -> None:
    """The id is optional, and no security decision rests on it (DSSE protocol)."""
    document = as_dict(seal(PAYLOAD, IN_TOTO, RELEASE))
    del document["signatures"][0]["keyid"]
    assert open_envelope(document) == "release"


def as_dict(envelope: Envelope) -> dict:
    return json.loads(envelope.to_json())


def open_envelope(document: object) -> str:
    envelope = read_envelope(json.dumps(document).encode(), IN_TOTO, name="envelope")
    return check_signatures(envelope, RELEASE)


def signature_by(key: FakeKey) -> dict:
    return as_dict(seal(PAYLOAD, IN_TOTO, key))["signatures"][0]


FORGERIES: dict[str, tuple[str, Callable[[dict], object]]] = {
    "another payload": ("signature-valid", lambda it: it.update(payload=base64.b64encode(b"{}").decode())),
    "another payload type": ("signature-payload-type", lambda it: it.update(payloadType="text/plain")),
    "the payload type in capitals": (
        "signature-payload-type",
        lambda it: it.update(payloadType=IN_TOTO.upper()),
    ),
    "no signature": ("signature-present", lambda it: it.update(signatures=[])),
    "no list of signatures": ("signature-present", lambda it: it.pop("signatures")),
    "a signature by another key": (
        "signature-key",
        lambda it: it.update(signatures=[signature_by(OTHER)]),
    ),
    "a signature by another key under our name": (
        "signature-valid",
        lambda it: it.update(signatures=[signature_by(OTHER) | {"keyid": "release"}]),
    ),
    "our signature under another name": (
        "signature-key-id",
        lambda it: it["signatures"][0].update(keyid="other"),
    ),
    "one signature twice": ("signature-once", lambda it: it["signatures"].append(it["signatures"][0])),
    "one signature twice under two names": (
        "signature-once",
        lambda it: it["signatures"].append(it["signatures"][0] | {"keyid": "other"}),
    ),
    "one name twice": (
        "signature-once",
        lambda it: it["signatures"].append(signature_by(OTHER) | {"keyid": "release"}),
    ),
    "more signatures than anybody needs": (
        "signature-readable",
        lambda it: it.update(signatures=[signature_by(OTHER)] * (MAXIMUM_SIGNATURES + 1)),
    ),
    "a payload that is not base64": ("signature-readable", lambda it: it.update(payload="e30*")),
    "a payload without its padding": ("signature-readable", lambda it: it.update(payload="e30")),
    "a payload in another spelling": ("signature-readable", lambda it: it.update(payload="e31=")),
    "a payload with a line end": ("signature-readable", lambda it: it.update(payload="e30=\n")),
    "a signature that is not base64": (
        "signature-readable",
        lambda it: it["signatures"][0].update(sig="ä"),
    ),
    "a payload that is no text": ("signature-readable", lambda it: it.update(payload=1)),
    "a field that is none of DSSE's": ("signature-readable", lambda it: it.update(comment="trust me")),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_envelope_is_refused_by_its_own_rule(name: str) -> None:
    rule, forge = FORGERIES[name]
    document = as_dict(seal(PAYLOAD, IN_TOTO, RELEASE))
    forge(document)
    with pytest.raises(SealError) as refused:
        open_envelope(document)
    assert refused.value.rule == rule
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"payload":"","payload":"","payloadType":"","signatures":[]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_envelope_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(SealError) as refused:
        read_envelope(data, IN_TOTO, name="envelope")
    assert refused.value.rule == "signature-readable"
    assert "\n" not in refused.value.message
