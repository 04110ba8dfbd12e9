"""Whatever stands in a file of evidence: a value, or one clear line; never a traceback, a hang or all the memory."""

import ast
import contextlib
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from fakes.mutations import mutate_bytes, mutate_json, mutate_xml
from fuzz.readers import EXEMPT, READERS, Reader

import gatewright
from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.evidence import results
from gatewright.evidence.strict import EvidenceError

PACKAGE = Path(gatewright.__file__).parent
ROOMS = ("evidence", "gate", "execution", "race", "slo", "suites", "report", "plugins")
QUICK = 60
MANY = int(os.environ.get("FUZZ_MUTATIONS", "300"))
"""The session of all tests has little time; whoever looks for more sets the variable."""

LONGEST_LINE = 2500

by_reader = pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)


def assert_bearable(reader: Reader, path: Path, data: bytes) -> None:
    """Reading gives a value or one line."""
    path.write_bytes(data)
    try:
        reader.read(path)
    except (EvidenceError, GatewrightError) as error:
        refusal = str(error)
    else:
        return
    assert refusal
    assert len(refusal) <= LONGEST_LINE, refusal[:200]
    assert refusal.isprintable(), refusal


def mutants(reader: Reader, count: int) -> list[bytes]:
    """Mutations of the samples: of bytes, of nodes, and of both; the same every time."""
    random = Random(reader.name)
    kinds: list[Callable[[bytes, Random], bytes]] = [mutate_bytes]
    kinds += {".json": [mutate_json] * 3, ".xml": [mutate_xml] * 3}.get(Path(reader.file).suffix, [])
    made = []
    for _ in range(count):
        data = random.choice(reader.samples)
        for _ in range(random.choice((1, 1, 2, 5))):
            try:
                data = random.choice(kinds)(data, random)
            except (
                ValueError,
                SyntaxError,
                RecursionError,
                LookupError,
            ):  # bytes that have become no document can't be mutated as one
                data = mutate_bytes(data, random)
        made.append(data)
    return made


@by_reader
def test_samples_are_taken(reader: Reader, tmp_path: Path) -> None:
    """Mutations must start from something that is read to its end."""
    for sample in reader.samples[:1]:
        (tmp_path / reader.file).write_bytes(sample)
        reader.read(tmp_path / reader.file)


@by_reader
def test_mutations_are_borne(reader: Reader, tmp_path: Path) -> None:
    for data in mutants(reader, QUICK):
        assert_bearable(reader, tmp_path / reader.file, data)


@by_reader
def test_raw_bytes_are_borne(reader: Reader, tmp_path: Path) -> None:
    random = Random(reader.name)
    for _ in range(QUICK):
        assert_bearable(reader, tmp_path / reader.file, random.randbytes(random.choice((0, 1, 5, 100, 3000))))


@pytest.mark.fuzz
@by_reader
def test_many_mutations_are_borne(reader: Reader, tmp_path: Path) -> None:
    for data in mutants(reader, MANY):
        assert_bearable(reader, tmp_path / reader.file, data)


AMPLIFIERS = {
    "nested lists": b"[" * 200_000,
    "nested objects": b'{"a":' * 200_000,
    "many keys": b"{" + b",".join(b'"%d":0' % n for n in range(2_500)) + b"}",
    "one key many times": b"{" + b'"a":0,' * 5_000 + b'"a":0}',
    "a long number": b"9" * 1_000_000,
    "a long exponent": b"[1e" + b"9" * 12_500 + b"]",
    "a long text": b'"' + b"a" * 2_000_000 + b'"',
    "many lists": b"[" + b"[]," * 5_000 + b"[]]",
    "nested elements": b"<testsuites>" + b"<testsuite>" * 100_000,
    "many attributes": b"<testsuites " + b" ".join(b'a%d="x"' % n for n in range(1_250)) + b"/>",
    "many cases": b"<testsuites><testsuite>"
    + b"<testcase><failure/></testcase>" * 1_250
    + b"</testsuite></testsuites>",
    "entities": b"<!DOCTYPE a ["
    + b"".join(b'<!ENTITY e%d "&e%d;&e%d;">' % (n + 1, n, n) for n in range(40))
    + b"]><a>&e40;</a>",
    "many lines": b"a = 1\n" * 5_000,
    "many tables": b"".join(b"[checks.c%d]\n" % n for n in range(500)),
    "nothing but line ends": b"\n" * 25_000,
    "yaml aliases": b"a: &a [x]\n" + b"".join(b"b%d: &b%d [*a,*a]\n" % (n, n) for n in range(250)),
}


@pytest.mark.fuzz
@by_reader
@pytest.mark.parametrize("name", AMPLIFIERS)
def test_what_would_grow_in_memory_is_borne(reader: Reader, name: str, tmp_path: Path) -> None:
    """A file costs memory in proportion to its size, whatever it says."""
    data = AMPLIFIERS[name]
    tracemalloc.start()
    try:
        assert_bearable(reader, tmp_path / reader.file, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000 + 500 * len(data)  # pydantic keeps an error for each unknown key


@by_reader
def test_what_is_no_plain_file_is_borne(reader: Reader, tmp_path: Path) -> None:
    """A folder, a link into nothing, and no file at all."""
    path = tmp_path / reader.file
    path.mkdir()
    assert_refused(reader, path)
    path.rmdir()
    path.symlink_to("nowhere")
    assert_refused(reader, path)
    path.unlink()
    assert_refused(reader, path)


def assert_refused(reader: Reader, path: Path) -> None:
    """There is nothing to read: no exception but the toolkit's own."""
    own = (EvidenceError, GatewrightError)
    # only the caller of read_sums opens the file
    with contextlib.suppress(*own, *([OSError] if reader.name == "digests" else [])):
        reader.read(path)


def named_readers() -> dict[str, str]:
    """What reads files, by its look: public functions called read_, parse_ or load_, and models read from JSON."""
    found = {}
    for room in ROOMS:
        for path in sorted((PACKAGE / room).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            public = public_names(tree)
            where = str(path.relative_to(PACKAGE))
            for node in ast.walk(tree):
                is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                if is_function and node.name in public and node.name.startswith(("read_", "parse_", "load_")):
                    found[node.name] = where
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > 1:
                    model = node.args[1]
                    if node.func.id in {"read_model", "parse_model"} and isinstance(model, ast.Name):
                        found[model.id] = where
    return {name: where for name, where in found.items() if name != "model"}


def public_names(tree: ast.Module) -> set[str]:
    """The names in `__all__`."""
    return {
        constant.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(each, ast.Name) and each.id == "__all__" for each in node.targets)
        for constant in ast.walk(node.value)
        if isinstance(constant, ast.Constant)
    }


def test_no_reader_is_left_out() -> None:
    """A reader that is new is either fuzzed, or exempt for a reason that is written down."""
    known = {name for reader in READERS for name in reader.covers} | EXEMPT.keys()
    assert {name: where for name, where in named_readers().items() if name not in known} == {}


def test_no_format_of_results_is_left_out() -> None:
    """Every adapter is fuzzed by its name, from samples of its own."""
    assert {str(name) for name in results.ADAPTERS} - {
        reader.name for reader in READERS if reader.samples
    } == set()


def test_errors_of_readers_are_what_the_command_line_catches() -> None:
    assert issubclass(ConfigurationError, GatewrightError)
