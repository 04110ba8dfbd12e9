"""Files that an enemy may have written are read strictly."""

import os
from pathlib import Path

import pytest
from pydantic import AwareDatetime

from gatewright.core.model import Model
from gatewright.core.verdict import State
from gatewright.evidence.strict import (
    EvidenceError,
    json_pointer,
    parse_model,
    read_bytes,
    read_model,
    value_at,
)


class Figure(Model):
    name: str
    value: float
    count: int = 0
    at: AwareDatetime | None = None
    parts: tuple["Figure", ...] = ()


GOOD = b'{"name": "p95", "value": 1.5, "count": 3, "at": "2026-01-01T00:00:00Z"}'


def test_a_good_document_becomes_a_model() -> None:
    figure = parse_model(GOOD, Figure, name="figure.json")
    assert (figure.name, figure.value, figure.count) == ("p95", 1.5, 3)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not JSON"),
        (b"\xef\xbb\xbf" + GOOD, "byte order mark"),
        ("﻿".encode("utf-16"), "byte order mark"),
        (b'{"name": "\xff"}', "not UTF-8"),
        (GOOD[:-5], "is not JSON"),
        (GOOD + b"x", "is not JSON"),
        (b'{"name": "a", "name": "b", "value": 1}', "twice"),
        (b'{"name": "a", "value": 1, "x": {"y": 1, "y": 2}}', "twice"),
        (b'{"name": "a", "value": NaN}', "NaN"),
        (b'{"name": "a", "value": Infinity}', "Infinity"),
        (b'{"name": "a", "value": -Infinity}', "-Infinity"),
        (b'{"name": "a", "value": 1e999}', "not finite"),
        (b'{"name": "a", "value": 1, "count": ' + b"9" * 20 + b"}", "20 digits"),
        (b'{"name": "a", "value": 1, "count": ' + b"9" * 5000 + b"}", "5000 digits"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[]", "at /"),
        (b"null", "at /"),
        (b'{"name": "a"}', "at /value"),
        (b'{"name": "a", "value": "1"}', "at /value"),
        (b'{"name": "a", "value": true}', "at /value"),
        (b'{"name": "a", "value": 1, "count": 1.0}', "at /count"),
        (b'{"name": "a", "value": 1, "unknown": 1}', "at /unknown"),
        (b'{"name": "a", "value": 1, "at": "2026-01-01T00:00:00"}', "at /at"),
        (b'{"name": "\\ud800", "value": 1}', "at /"),
        (b'{"name": "a", "value": 1, "parts": [{"name": "b"}]}', "at /parts/0/value"),
    ],
)
def test_everything_else_is_refused_in_one_line_that_names_the_place(data: bytes, message: str) -> None:
    with pytest.raises(EvidenceError, match=r"^figure") as caught:
        parse_model(data, Figure, name="figure.json")
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.state is State.INVALID


def test_the_place_is_a_json_pointer() -> None:
    assert json_pointer(["a/b", 0, "c~d"]) == "/a~1b/0/c~0d"
    with pytest.raises(EvidenceError) as caught:
        parse_model(b'{"name": "a", "value": 1, "parts": [{"name": "b"}]}', Figure, name="x")
    assert caught.value.pointer == "/parts/0/value"


def make_link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "state"),
    [(make_link, State.TAMPERED), (make_pipe, State.TAMPERED), (make_folder, State.TAMPERED)],
)
def test_only_plain_files_are_read(tmp_path: Path, make, state: State) -> None:
    """A named pipe would block, and a link can point anywhere."""
    path = tmp_path / "figure.json"
    make(path)
    with pytest.raises(EvidenceError) as caught:
        read_bytes(path)
    assert caught.value.state is state


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError) as caught:
        read_model(tmp_path / "figure.json", Figure)
    assert caught.value.state is State.MISSING


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "figure.json"
    path.write_bytes(GOOD)
    assert read_bytes(path, limit=len(GOOD)) == GOOD
    with pytest.raises(EvidenceError, match="larger than"):
        read_bytes(path, limit=len(GOOD) - 1)


def test_an_error_is_one_line_whatever_the_file_says() -> None:
    error = EvidenceError("says\n\x1b[2J" + "x" * 10_000)
    assert str(error) == error.message
    assert error.message.isprintable()
    assert len(error.message) == 500


@pytest.mark.parametrize("pointer", ["/9", "/" + "9" * 5000, "/x", "/-1", "/0/a"])
def test_a_pointer_to_nothing_is_a_lookup_error(pointer: str) -> None:
    with pytest.raises(LookupError):
        value_at([1], pointer)


def test_a_key_that_is_there_twice_is_named_among_many() -> None:
    keys = ", ".join(f'"k{number}": 1' for number in range(50_000))
    with pytest.raises(EvidenceError, match="'k7' twice"):
        parse_model(f'{{{keys}, "k7": 1}}'.encode(), Figure, name="figure.json")
