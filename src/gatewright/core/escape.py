"""Make text from evidence harmless: a name must not move the cursor, hide itself or break a table."""

import re
import unicodedata
from html import escape

__all__ = [
    "clipped",
    "columns",
    "html_text",
    "lines_of",
    "markdown_text",
    "printable",
    "printable_lines",
    "xml_text",
]

HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Control, format (also bidirectional overrides), lone surrogates, line and paragraph separators."""

NOT_IN_XML = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}
"""Seen or not, these two are no characters of a document."""

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


def clipped(text: str, limit: int) -> str:
    """Text on one line, printable, in at most so many characters; an ellipsis stands for what was cut off."""
    shown = printable(text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def printable_lines(text: str) -> str:
    """Lines of text, each made printable by itself; every one is ended."""
    return "".join(f"{printable(line)}\n" for line in lines_of(text))


def lines_of(text: str) -> list[str]:
    """Lines as a terminal would begin them; other separators (NEL, U+2028) are part of what a line says."""
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []


def xml_text(text: str) -> str:
    """Text on one line whose every character XML 1.0 allows (section 2.2); its markup is not escaped yet."""
    return printable(text).translate(NOT_IN_XML)


def html_text(text: str) -> str:
    """Text that HTML, SVG and XML show as it is, also within the quotes of an attribute."""
    return escape(xml_text(text), quote=True)


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, also within a table, and that starts neither links nor HTML."""
    return MARKDOWN_SPECIAL.sub(r"\\\1", printable(text).replace("&", "&amp;"))


def columns(text: str) -> int:
    """How many columns of a terminal a printable text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in {"W", "F"} for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)
