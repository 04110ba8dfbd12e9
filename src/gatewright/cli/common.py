"""What several commands share."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from gatewright.core.errors import ConfigurationError
from gatewright.execution.project import Project, find_project

__all__ = ["Commands", "needs_extra", "project_of"]

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - has no public name
"""What commands are added to."""


def project_of(options: argparse.Namespace) -> Project:
    """The project that the user means."""
    return find_project((options.root or Path.cwd()).resolve())


@contextmanager
def needs_extra(command: str, extra: str) -> Iterator[None]:
    """Say in one line what to install where a dependency of an engine is missing."""
    try:
        yield
    except ImportError as error:
        raise ConfigurationError(
            f"{command} needs {error.name}, which is not installed",
            remedy=f"pip install 'gatewright[{extra}]'",
        ) from None
