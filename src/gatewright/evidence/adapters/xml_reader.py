"""Read XML that an enemy may have written: element by element, without document types, without a tree."""

from collections.abc import Mapping
from typing import ClassVar, Never
from xml.etree import ElementTree as ET

from gatewright.evidence.strict import EvidenceError

__all__ = ["XmlReader", "feed_xml", "read_count", "root_of"]

MAXIMUM_DEPTH = 40
MAXIMUM_COUNT_DIGITS = 9


class XmlReader:
    """A target of the parser: refuses what no report needs and hands on the rest.

    Formats override `opened` and `closed`; `stack` holds the elements around the one that is told.
    """

    roots: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.stack: list[str] = []

    def doctype(self, *_: object) -> Never:
        """Entities live in document types, and bombs live in entities."""
        raise EvidenceError("holds a document type, which no report needs")

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element opens."""
        if len(self.stack) > MAXIMUM_DEPTH:
            raise EvidenceError("is nested too deeply")
        if not self.stack and tag not in self.roots:
            raise EvidenceError(f"begins with <{tag[:40]}>, not with <{self.roots[0]}>")
        self.opened(tag, attributes)
        self.stack.append(tag)

    def end(self, tag: str) -> None:
        """An element closes."""
        self.stack.pop()
        self.closed(tag)

    def opened(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element opens within those on the stack."""

    def closed(self, tag: str) -> None:
        """An element has closed."""


class RootFoundError(Exception):
    """The outermost element is known, and no more is asked."""


class RootReader(XmlReader):
    """Reads as far as the first element."""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:  # noqa: ARG002 - the parser's protocol
        """The outermost element opens."""
        raise RootFoundError(tag)


def root_of(data: bytes, *, name: str) -> str:
    """The name of the outermost element.

    Raises:
        EvidenceError: INVALID for what is not XML or holds a document type.
    """
    try:
        feed_xml(data, RootReader(), name=name)
    except RootFoundError as found:
        return str(found)
    raise EvidenceError(f"{name} is not XML: it has no element")


def feed_xml(data: bytes, reader: XmlReader, *, name: str) -> None:
    """Let a reader read XML.

    Raises:
        EvidenceError: INVALID for what is not XML, and what the reader refuses.
    """
    # The standard parser is safe here: a document type, the carrier of every entity, ends the reading.
    parser = ET.XMLParser(target=reader)  # noqa: S314
    try:
        parser.feed(data)
        parser.close()
    except ET.ParseError as error:
        raise EvidenceError(f"{name} is not XML: {error.msg}") from None
    except EvidenceError as error:
        raise EvidenceError(f"{name} {error.message}", state=error.state) from None
    except (ValueError, LookupError) as error:
        raise EvidenceError(f"{name} is not XML: {error}") from None


def read_count(attributes: Mapping[str, str], attribute: str, default: str | None = None) -> int:
    """A count that an attribute gives.

    Raises:
        EvidenceError: INVALID where it is missing without a default, or no count.
    """
    text = attributes.get(attribute, default)
    if text is None:
        raise EvidenceError(f"does not say {attribute}")
    if not (text.isascii() and text.isdigit() and len(text) <= MAXIMUM_COUNT_DIGITS):
        raise EvidenceError(f"says {attribute}={text[:20]!r}, which is not a count")
    return int(text)
