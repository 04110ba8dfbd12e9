"""Which sessions a noxfile defines, read as text: a lint must never run the project's code."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gatewright.evidence.strict import EvidenceError, read_bytes

__all__ = ["Sessions", "read_sessions"]

MAXIMUM_BYTES = 256 * 1024
"""A syntax tree takes some hundred times the memory of its text."""


@dataclass(frozen=True)
class Sessions:
    """The sessions of a noxfile.

    Attributes:
        names: those that are told.
        is_certain: whether there can be no others; names that are computed, and modules that are imported
            whole, may define more.
        problem: why nothing is known; empty when the file was read.
    """

    names: frozenset[str] = frozenset()
    is_certain: bool = True
    problem: str = ""

    def has(self, name: str) -> bool:
        """Whether there is such a session; one for several Pythons is also called by `NAME-VERSION`."""
        return any(name == known or name.startswith(f"{known}-") for known in self.names)


def read_sessions(noxfile: Path) -> Sessions:
    """Read the sessions of a noxfile without importing it."""
    try:
        module = ast.parse(read_bytes(noxfile, limit=MAXIMUM_BYTES))
    except EvidenceError as error:
        return Sessions(problem=f"{noxfile.name} can't be read: {error.message}")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return Sessions(problem=f"{noxfile.name} can't be parsed: {type(error).__name__}")
    names = list(find_names(module))
    whole = any(
        isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
        for node in ast.walk(module)
    )
    return Sessions(frozenset(name for name in names if name), not whole and None not in names)


def find_names(module: ast.Module) -> Iterator[str | None]:
    """The name of each session; None for one that is computed."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                if is_session(decorator):
                    yield name_of(decorator, node.name)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Call) and is_session(node.func):
            yield name_of(node.func, None)


def is_session(decorator: ast.expr) -> bool:
    """Whether a decorator, called or not, is `nox.session` by any name of the module."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(called).rpartition(".")[2] == "session"


def name_of(decorator: ast.expr, name: str | None) -> str | None:
    """The name that a decorator gives, else that of its function."""
    for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
        if keyword.arg == "name":
            value = keyword.value
            return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
        if keyword.arg is None:
            return None
    return name
