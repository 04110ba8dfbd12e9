"""Objects named by text that may come from anywhere, imported only from where a policy allows it."""

import importlib
from collections.abc import Sequence

from gatewright.core.errors import ConfigurationError

__all__ = ["import_allowed"]


def import_allowed(path: str, allowed: Sequence[str], *, who: str) -> object:
    """What stands at an import path `module:name`; nothing is imported that the caller does not allow.

    Args:
        path: the import path.
        allowed: modules, each with all that is below it.
        who: names the path, for the error.

    Raises:
        ConfigurationError: not allowed, or not there.
    """
    module_name, _, name = path.partition(":")
    if not any(module_name == prefix or module_name.startswith(f"{prefix}.") for prefix in allowed):
        raise ConfigurationError(
            f"{who} names {module_name}, which may not be imported",
            remedy=f"allowed: {', '.join(allowed) or 'nothing'}",
        )
    try:
        return getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"{who} names {path}, which can't be found: {error}") from error
