"""Read XML that an enemy may have written: element by element, without document types, without a tree."""

from collections.abc import Mapping
from typing import ClassVar
from xml.parsers import expat

from gatewright.evidence.strict import EvidenceError

__all__ = ["XmlReader", "feed_xml", "read_count", "root_of"]

MAXIMUM_DEPTH = 40
MAXIMUM_COUNT_DIGITS = 9
NAMESPACE_END = "}"


class XmlReader:
    """Listens to the parser: refuses what no report needs and hands on the rest.

    Formats override `opened`, `closed` and `data`; `stack` holds the elements around the one that is told.
    `may_name_doctype` lets a format's files name a document type that is kept elsewhere.
    """

    roots: ClassVar[tuple[str, ...]] = ()
    may_name_doctype: ClassVar[bool] = False

    def __init__(self) -> None:
        self.stack: list[str] = []

    def doctype(self, _: str, system: str | None, __: str | None, has_inner: int) -> None:
        """Entities live in document types, and bombs live in entities; one that is only named is not read."""
        if has_inner or system is None or not self.may_name_doctype:
            raise EvidenceError("holds a document type, which no report needs")

    def skipped_entity(self, name: str, _: int) -> None:
        """What a document type elsewhere would have put here is not known."""
        raise EvidenceError(f"uses the entity {name[:40]!r}, which no report needs")

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element opens."""
        if len(self.stack) > MAXIMUM_DEPTH:
            raise EvidenceError("is nested too deeply")
        if NAMESPACE_END in tag:
            # By its full name it is none that is known here: a failure would be passed over.
            raise EvidenceError(f"holds <{tag.rpartition(NAMESPACE_END)[2][:40]}> in a namespace")
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

    def data(self, text: str) -> None:
        """Some of the text of an element; for those who listen to it, since most of a report is text."""


class RootFoundError(Exception):
    """The outermost element is known, and no more is asked."""


class RootReader(XmlReader):
    """Reads as far as the first element; the format that it leads to says whether the rest is fit."""

    may_name_doctype = True

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
    # The parser is safe here: only document types declare entities, and what they name is never fetched.
    parser = expat.ParserCreate(namespace_separator=NAMESPACE_END)
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.SkippedEntityHandler = reader.skipped_entity
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    if type(reader).data is not XmlReader.data:
        parser.CharacterDataHandler = reader.data
    try:
        parser.Parse(data, True)  # noqa: FBT003 - "this is all", as the parser spells it
    except expat.ExpatError as error:
        raise EvidenceError(f"{name} is not XML: {error}") from None
    except EvidenceError as error:
        raise EvidenceError(f"{name} {error.message}", state=error.state) from None
    except (ValueError, LookupError) as error:
        raise EvidenceError(f"{name} is not XML: {error}") from None


def read_count(
    attributes: Mapping[str, str],
    attribute: str,
    default: str | None = None,
    *,
    digits: int = MAXIMUM_COUNT_DIGITS,
) -> int:
    """A count that an attribute gives, of at most so many digits.

    Raises:
        EvidenceError: INVALID where it is missing without a default, or no count.
    """
    text = attributes.get(attribute, default)
    if text is None:
        raise EvidenceError(f"does not say {attribute}")
    if not (text.isascii() and text.isdigit() and len(text) <= digits):
        raise EvidenceError(f"says {attribute}={text[:20]!r}, which is not a count")
    return int(text)
