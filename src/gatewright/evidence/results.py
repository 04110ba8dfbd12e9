"""One result file of a check, whatever its format, as the judge sees it."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

from gatewright.core.escape import clipped
from gatewright.evidence.adapters.adapter import Adapter, Format, Result
from gatewright.evidence.adapters.coverage_json import COVERAGE_JSON
from gatewright.evidence.adapters.coverage_xml import COVERAGE_XML
from gatewright.evidence.adapters.ctrf import CTRF
from gatewright.evidence.adapters.junit import JUNIT
from gatewright.evidence.adapters.nox import NOX
from gatewright.evidence.adapters.pip_audit import PIP_AUDIT
from gatewright.evidence.adapters.pytest_json import PYTEST_JSON
from gatewright.evidence.adapters.sarif import SARIF
from gatewright.evidence.adapters.suite import SUITE
from gatewright.evidence.adapters.xml_reader import root_of
from gatewright.evidence.report import Reason
from gatewright.evidence.strict import EvidenceError, parse_json, read_bytes

__all__ = ["ADAPTERS", "Format", "Result", "read_result"]

ADAPTERS: dict[Format, Adapter] = {
    adapter.format: adapter
    for adapter in (
        SUITE,
        JUNIT,
        CTRF,
        PYTEST_JSON,
        COVERAGE_XML,
        COVERAGE_JSON,
        SARIF,
        PIP_AUDIT,
        NOX,
    )
}
"""Every format that can be read. A new one is an entry here and a file beside the others."""

MAXIMUM_SHORT = 500
MAXIMUM_LONG = 2000
MAXIMUM_POINTER = 500


def read_result(folder: Path, path: str, format: Format | None = None) -> Result:  # noqa: A002 - the policy's word
    """Read a result; a file that can't be used becomes a state with its reason, never an exception.

    Args:
        folder: of the check.
        path: the file, relative to the folder.
        format: how it is to be read; by default as its content says, which must be one known format.
    """
    try:
        data = read_bytes(folder / path)
        with collector_paused():
            adapter = ADAPTERS[format] if format else find_adapter(path, data)
            result = adapter.read(path, data)
    except EvidenceError as error:
        reason = Reason(
            rule="result-readable",
            message=error.message,
            artifact=path,
            pointer=error.pointer,
            expected="a result file that can be believed",
            observed=error.state.value,
        )
        result = Result(path, error.state, reasons=(reason,))
    return replace(result, reasons=tuple(bounded(reason) for reason in result.reasons))


@contextmanager
def collector_paused() -> Iterator[None]:
    """Read without the garbage collector, which would go through all that is read again and again.

    Documents have no cycles, so it would find nothing, and take longer than all the rest in a large one.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def find_adapter(path: str, data: bytes) -> Adapter:
    """The adapter of the only format that a file is in.

    Raises:
        EvidenceError: INVALID for none, and for more than one.
    """
    is_xml = PurePosixPath(path).suffix == ".xml"
    signs = {root_of(data, name=path)} if is_xml else keys_of(path, data)
    candidates = [adapter for adapter in ADAPTERS.values() if adapter.is_xml == is_xml]
    found = [each for each in candidates if is_signed(each, signs)]
    if len(found) == 1:
        return found[0]
    formats = "more than one format" if found else "no format that is known here"
    names = ", ".join(adapter.format for adapter in found or candidates)
    raise EvidenceError(f"{path} is in {formats} ({names})")


def is_signed(adapter: Adapter, signs: Iterable[str]) -> bool:
    """Whether content shows the signs of a format: the element that it begins with, or all the keys."""
    return adapter.signature.issuperset(signs) if adapter.is_xml else adapter.signature.issubset(signs)


def keys_of(path: str, data: bytes) -> set[str]:
    """The keys of the outer object; none of a document that is no object."""
    document = parse_json(data, name=path)
    return set(document) if isinstance(document, dict) else set()


def bounded(reason: Reason) -> Reason:
    """A reason whose words fit on a line, whoever chose them; a pointer that does not fit leads nowhere."""
    short = {
        name: clipped(getattr(reason, name), MAXIMUM_SHORT)
        for name in ("rule", "artifact", "expected", "observed")
    }
    long = {name: clipped(getattr(reason, name), MAXIMUM_LONG) for name in ("message", "see", "command")}
    fits = clipped(reason.pointer, MAXIMUM_POINTER) == reason.pointer
    return reason.model_copy(update=short | long | {"pointer": reason.pointer if fits else ""})
