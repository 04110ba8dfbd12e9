"""Reads OpenSLO documents from YAML files that anyone may have written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath

import yaml

from gatewright.core.errors import ConfigurationError
from gatewright.slo.openslo import Document, Refusal
from gatewright.slo.openslo.model import LONGEST, Path

__all__ = ["read_openslo", "read_openslo_text"]

MOST_BYTES = 256 * 1024
MOST_NODES = 20_000
"""Of one document, every alias written out."""
MOST_DEPTH = 40
MOST_DOCUMENTS = 500
MERGE = "tag:yaml.org,2002:merge"
Key = tuple[str, str]


class UnreadableError(ConfigurationError):
    """A file can't be read from this line on."""

    def __init__(self, line: int, why: str, *, remedy: str = "") -> None:
        super().__init__(why, remedy=remedy)
        self.line = line


def read_openslo(files: Iterable[FilePath]) -> tuple[tuple[Document, ...], tuple[Refusal, ...]]:
    """All documents of YAML files, and a refusal for each file that can't be read.

    Tags, duplicate keys, aliases that multiply, deep nesting, and files that are too long or not UTF-8 are
    refused, each in one line with the file's name and the line's number. Nothing is raised.
    """
    documents: list[Document] = []
    refusals: list[Refusal] = []
    for file in files:
        try:
            documents.extend(read_openslo_text(read_bytes(file), str(file)))
        except UnreadableError as error:
            refusals.append(Refusal(str(file), error.line, "", "", error.message, error.remedy))
    return tuple(documents), tuple(refusals)


def read_bytes(file: FilePath) -> bytes:
    """The bytes of a regular file of bounded size."""
    try:
        if not file.is_file():
            raise UnreadableError(1, "is no file", remedy="name YAML files with OpenSLO documents")
        with file.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UnreadableError(1, f"can't be read: {reason}") from None
    if len(data) > MOST_BYTES:
        raise UnreadableError(1, f"is longer than {MOST_BYTES:,} bytes", remedy="split it")
    return data


def read_openslo_text(data: bytes, name: str) -> list[Document]:
    """The documents of one file.

    Args:
        data: what stands in it.
        name: of the file, for messages.

    Raises:
        UnreadableError: with the line.
    """
    text = decode(data)
    try:
        survey(text)
        loader = yaml.SafeLoader(text)
        documents = [document for document in compose(loader, name) if document.content is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = " ".join((error.problem or error.context or "can't be understood").split())
        raise UnreadableError(mark.line + 1 if mark else 1, f"is not YAML: {why[: 2 * LONGEST]}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UnreadableError(line, f"holds the character {error.character!r}", remedy="remove it") from None
    if not documents:
        raise UnreadableError(1, "holds no document", remedy="an OpenSLO document starts with apiVersion")
    return documents


def decode(data: bytes) -> str:
    """UTF-8 text, with or without a mark at its begin."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableError(line, "is not UTF-8", remedy="save it in UTF-8") from None


def survey(text: str) -> None:
    """Refuse what must not be composed at all: tags, deep nesting, too many documents."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = line_of(event)
        if isinstance(event, yaml.NodeEvent) and (tag := getattr(event, "tag", None)) is not None:
            raise UnreadableError(
                line, f"has the tag {tag[:LONGEST]}", remedy="OpenSLO needs no tags: remove it"
            )
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise UnreadableError(line, f"is nested more than {MOST_DEPTH} deep")
        if documents > MOST_DOCUMENTS:
            raise UnreadableError(line, f"holds more than {MOST_DOCUMENTS} documents", remedy="split it")


def line_of(part: yaml.Event | yaml.Node) -> int:
    """The line where an event or a node starts."""
    return part.start_mark.line + 1 if part.start_mark else 1


def compose(loader: yaml.SafeLoader, name: str) -> Iterator[Document]:
    """Each document of a stream, when its nodes are found to be harmless."""
    while loader.check_node() and (node := loader.get_node()) is not None:
        walk = Walk()
        walk.visit(node, ())
        yield Document(name, construct(loader, node), walk.lines)


def construct(loader: yaml.SafeLoader, node: yaml.Node) -> object:
    """The plain values of a node."""
    try:
        return loader.construct_document(node)
    except (ValueError, OverflowError) as error:
        # E.g. the 30th of February, or a number of more digits than Python reads; its own line is not told.
        raise UnreadableError(line_of(node), f"holds a value that is none: {error}") from None


@dataclass
class Walk:
    """Visits a document's nodes as often as they count, aliases written out, and notes their lines."""

    lines: dict[Path, int] = field(default_factory=dict)
    count: int = 0
    open: list[yaml.Node] = field(default_factory=list)

    def visit(self, node: yaml.Node, path: Path) -> None:
        """Count a node and all below it."""
        line = line_of(node)
        self.count += 1
        if self.count > MOST_NODES:
            raise UnreadableError(line, f"has more than {MOST_NODES:,} values, aliases written out")
        if len(self.open) > MOST_DEPTH:
            raise UnreadableError(line, f"is nested more than {MOST_DEPTH} deep, aliases written out")
        if any(node is above for above in self.open):
            raise UnreadableError(line, "contains itself by an alias", remedy="write the value out")
        self.lines[path] = line
        self.open.append(node)
        if isinstance(node, yaml.MappingNode):
            self._visit_mapping(node, path)
        elif isinstance(node, yaml.SequenceNode):
            for place, child in enumerate(node.value):
                self.visit(child, (*path, place))
        self.open.pop()

    def _visit_mapping(self, node: yaml.MappingNode, path: Path) -> None:
        seen: dict[Key, int] = {}
        for key, value in node.value:
            line = line_of(key)
            if not isinstance(key, yaml.ScalarNode):
                raise UnreadableError(line, "has a key that is no text", remedy="keys are plain words")
            name = (key.tag, key.value)
            if name in seen:
                raise UnreadableError(
                    line,
                    f"has the key {key.value[:LONGEST]!r} again, after line {seen[name]}",
                    remedy="remove one",
                )
            seen[name] = line
            self.visit(value, path if key.tag == MERGE else (*path, key.value))
            if key.tag != MERGE:
                self.lines[(*path, key.value)] = line
