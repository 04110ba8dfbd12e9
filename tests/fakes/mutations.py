"""Small changes to bytes, JSON and XML, each by a number: what an enemy, a bug or a bad disk would do."""

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any
from xml.etree import ElementTree as ET

__all__ = ["ODD_TEXTS", "ODD_VALUES", "json_mutations", "mutate_bytes", "mutate_json", "mutate_xml"]

ODD_TEXTS = (
    "",
    "\n",
    "\x1b[2J",
    "a" * 3000,
    "\u202e",
    "../../etc/passwd",
    "PASS",
    "NaN",
    "1e999",
    "\ud800",
    "<x>&amp;]]>",
    "\x00",
    "é\u0301😀",
)
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    10**18,
    10**30,
    1e308,
    0.1,
    [],
    {},
    [[]],
    {"": {}},
    "2026-11-21T12:00:00Z",
    *ODD_TEXTS,
)
TOKENS = (
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\u0000",
    b"\\",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"<",
    b">",
    b"&",
    b"&x;",
)
TOKENS += (
    b"<!DOCTYPE a [<!ENTITY x 'y'>]>",
    b"]]>",
    b"\xff",
    b"\xed\xa0\x80",
    b"\x00",
    b"\r\n",
    b"\xef\xbb\xbf",
    b"9" * 5000,
)
TOKENS += (b"=", b"\n[", b"'''", b"{" * 3000, b"[" * 3000, b"<a>" * 300)


def mutate_bytes(data: bytes, random: Random) -> bytes:
    """One change somewhere: a byte, a token, a piece taken out, doubled or moved, or the end cut off."""
    at, length = random.randrange(len(data) + 1), random.choice((1, 1, 2, 8, 64))
    head, piece, tail = data[:at], data[at : at + length], data[at + length :]
    to = random.randrange(len(tail) + 1)
    return random.choice(
        (
            head + bytes([random.randrange(256)]) + data[at + 1 :],
            head + random.choice(TOKENS) + data[at:],
            head + random.choice(TOKENS) + tail,
            head + tail,
            head + piece * random.choice((2, 100)) + tail,
            head,
            head + tail[:to] + piece + tail[to:],
        )
    )


def json_places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a document together with a key of it."""
    keys = document.keys() if isinstance(document, dict) else range(len(document))
    for key in list(keys):
        yield document, key
        if isinstance(document[key], dict | list):
            yield from json_places(document[key])


def json_mutations(document: Any) -> Iterator[Any]:
    """Every document that differs in one node: replaced by an odd value, or taken out."""
    for place in range(sum(1 for _ in json_places(document))):
        for value in (*ODD_VALUES, KeyError):
            changed = copy.deepcopy(document)
            container, key = list(json_places(changed))[place]
            if value is KeyError:
                del container[key]
            else:
                container[key] = value
            yield changed


def mutate_json(data: bytes, random: Random) -> bytes:
    """One node replaced, taken out, added, doubled, renamed or swapped with another."""
    document = json.loads(data)
    places = list(json_places(document)) if isinstance(document, dict | list) else []
    if not places:
        return json.dumps(random.choice(ODD_VALUES)).encode()
    container, key = random.choice(places)
    kind = random.randrange(5)
    if kind == 0:
        container[key] = random.choice(ODD_VALUES)
    elif kind == 1:
        del container[key]
    elif kind == 2 and isinstance(container, dict):
        container[random.choice(ODD_TEXTS)] = container.pop(key)
    elif kind == 3:
        other, other_key = random.choice(places)
        container[key] = copy.deepcopy(other[other_key])
    elif isinstance(container, dict):
        container[random.choice(ODD_TEXTS) + "x"] = random.choice(ODD_VALUES)
    else:
        container.extend(copy.deepcopy(container) * random.choice((1, 30)))
    text = json.dumps(document, ensure_ascii=random.random() < 0.7)
    if random.random() < 0.2:  # a key twice: no serialiser writes that
        text = text.replace("{", '{"schema_version": 1, "schema_version": 2, ', 1)
    return text.encode(errors="surrogatepass")


def mutate_xml(data: bytes, random: Random) -> bytes:
    """One element renamed, taken out, moved, doubled or nested, or one attribute changed."""
    root = ET.fromstring(data)
    elements = list(root.iter())
    parents = {child: parent for parent in elements for child in parent}
    element = random.choice(elements)
    kind = random.randrange(6)
    if kind == 0:
        element.tag = random.choice(
            ("failure", "testsuite", "testcase", "testsuites", "skipped", "a", "{urn:x}failure")
        )
    elif kind == 1 and element in parents:
        parents[element].remove(element)
    elif kind == 2 and element in parents:
        target = random.choice(elements)
        if element not in [target, *ancestors(target, parents)]:
            target.append(copy.deepcopy(element))
    elif kind == 3 and element in parents:
        parents[element].extend([copy.deepcopy(element)] * random.choice((1, 50)))
    elif kind == 4 and element.attrib:
        element.attrib[random.choice(list(element.attrib))] = harmless(random.choice(ODD_TEXTS))
    else:
        element.attrib[random.choice(("tests", "failures", "errors", "line-rate", "name", "type"))] = (
            harmless(random.choice((*ODD_TEXTS, "3", "-1", "1" * 30)))
        )
    return ET.tostring(root)


def ancestors(element: ET.Element, parents: dict[ET.Element, ET.Element]) -> Iterator[ET.Element]:
    """All elements around an element."""
    while element in parents:
        element = parents[element]
        yield element


def harmless(text: str) -> str:
    """A text that an XML document can hold."""
    return "".join(letter for letter in text if letter.isprintable() or letter == "\n")
