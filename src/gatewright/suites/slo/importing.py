"""Code of the project that is measured: found by `module:name`, and not trusted to behave."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gatewright.core.errors import ConfigurationError

__all__ = ["add_to_path", "filled", "imported", "imported_callable"]


def add_to_path(root: Path, folders: Sequence[str]) -> None:
    """Let a project's folders be imported from."""
    for folder in reversed(folders):
        if (place := str((root / folder).resolve())) not in sys.path:
            sys.path.insert(0, place)


def imported(what: str, path: str) -> Any:
    """What `module:name` means.

    Raises:
        ConfigurationError: it can't be imported; a module that ends the process is no exception.
    """
    module, _, attribute = path.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:
        raise ConfigurationError(
            f"{what}: {path} can't be imported: {type(error).__name__}: {error}",
            remedy="name it as module:name, in a folder that Python imports from",
        ) from error


def imported_callable(what: str, path: str) -> Callable[..., Any]:
    """The same, if it can be called."""
    found = imported(what, path)
    if not callable(found):
        raise ConfigurationError(f"{what}: {path} can't be called")
    made: Callable[..., Any] = found
    return made


def filled(text: str, values: Mapping[str, object]) -> str:
    """Text with its `{names}` filled in; other braces stay."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text
