"""Make text from evidence harmless: a name must not move the cursor, hide itself or break a table."""

import re
import unicodedata

__all__ = ["markdown_text", "printable"]

HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Control, format (also bidirectional overrides), lone surrogates, line and paragraph separators."""

MARKDOWN_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~!])")


def printable(text: str) -> str:
    """Text on one line, with every character that is not seen written as its escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in HIDDEN_CATEGORIES
        else character
        for character in text
    )


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, also within a table, and that starts neither links nor HTML."""
    return MARKDOWN_SPECIAL.sub(r"\\\1", printable(text).replace("&", "&amp;"))
