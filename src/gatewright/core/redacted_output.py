"""Output as it comes, line by line, without secrets that lines or reads have split."""

import re

from gatewright.core.redaction import REDACTED, Redactor

__all__ = ["RedactedOutput"]

REACH = 8192
"""No secret is longer than this many characters, except a block of lines."""
LONGEST_BLOCK = 1000
"""A key that goes on for more lines than this is none."""

BLOCK_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----")
BLOCK_END = re.compile(r"-----END [A-Z0-9 ]{0,50}-----")


class RedactedOutput:
    """Takes lines, and pieces of lines that are too long to be read at once; gives what may be written.

    Args:
        redactor: knows the secrets.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""
        self._block_lines = 0
        self._swallows = False

    def feed(self, piece: str) -> str:
        """What can be written after a piece: a line with its end, or a part of one without."""
        is_whole = piece.endswith("\n")
        if self._swallows:
            self._swallows = not is_whole
            return "\n" if is_whole else ""
        text, self._held = self._held + piece, ""
        if self._block_lines:
            text = self._leave_block(text)
        if not is_whole:
            return self._divide(text)
        return self._line(text)

    def end(self) -> str:
        """What was held back, when nothing more comes."""
        text, self._held = self._held, ""
        return self._redactor.text(text)

    def _leave_block(self, text: str) -> str:
        """What stands after the end of a key; nothing while it goes on."""
        end = BLOCK_END.search(text)
        self._block_lines = 0 if end or self._block_lines > LONGEST_BLOCK else self._block_lines + 1
        return text[end.end() :] if end else ""

    def _line(self, text: str) -> str:
        """A whole line; one in which a key begins takes the lines of the key with it."""
        begin = BLOCK_BEGIN.search(text)
        if begin and not BLOCK_END.search(text, begin.end()):
            self._block_lines = 1
            return self._redactor.text(text[: begin.start()]) + REDACTED + "\n"
        return self._redactor.text(text)

    def _divide(self, text: str) -> str:
        """As much of a long line as ends before the reach of a secret that may not have ended yet."""
        whole = self._redactor.text(text)
        for cut in (len(text) - REACH, len(text) - 2 * REACH, len(text) - 4 * REACH):
            if cut > 0:
                begin, rest = self._redactor.text(text[:cut]), text[cut:]
                if begin + self._redactor.text(rest) == whole:
                    self._held = rest
                    return begin
        if len(text) <= REACH:
            self._held = text
            return ""
        self._swallows = True
        return f"{whole[:-REACH]}{REDACTED} [the rest of this line was cut: a secret goes on in it]"
