"""What a command printed: its beginning and its end, within a limit, and without secrets."""

import re
from collections.abc import Iterable

from multyagents_api.domain.redaction import REDACTED, redact

__all__ = ["MOST_CHARACTERS", "Output", "clean"]

HEAD_BYTES = 32 * 1024
TAIL_BYTES = 96 * 1024
MOST_CHARACTERS = 190_000
"""Less than an artifact may hold; redaction can make text longer."""

_BODY_OF_A_KEY = re.compile(
    r"\A(?:(?!-----BEGIN )[\s\S])*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,40}-----"
)
"""The rest of a key whose beginning was cut off."""


class Output:
    """Takes whatever comes, in constant memory: the first 32 KiB and the last 96 KiB are kept."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._total = 0

    def add(self, part: bytes) -> None:
        """Take the next part."""
        self._total += len(part)
        room = HEAD_BYTES - len(self._head)
        if room > 0:
            self._head += part[:room]
            part = part[room:]
        self._tail += part
        del self._tail[:-TAIL_BYTES]

    def text(self, secrets: Iterable[str] = ()) -> str:
        """All of it, or its beginning and its end in whole lines; secrets are left out of either."""
        head, tail = bytes(self._head), bytes(self._tail)
        left_out = self._total - len(head) - len(tail)
        if not left_out:
            return _shortened(clean(_decoded(head + tail), secrets))
        # What is cut in the midst of a line may be cut in the midst of a secret.
        first, _, _ = head.rpartition(b"\n")
        _, _, last = tail.partition(b"\n")
        left_out = self._total - len(first) - len(last)
        note = f"\n[... {left_out} bytes of {self._total} left out ...]\n"
        ending = _BODY_OF_A_KEY.sub(REDACTED, _decoded(last))
        return _shortened(f"{clean(_decoded(first), secrets)}{note}{clean(ending, secrets)}")


def clean(text: str, secrets: Iterable[str]) -> str:
    """Text without secrets that are known, and without what looks like one."""
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return redact(text)


def _decoded(raw: bytes) -> str:
    """Text of any bytes; what is none, and NUL, which no store can hold, is replaced."""
    return raw.decode(errors="replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}\n[... cut ...]"
