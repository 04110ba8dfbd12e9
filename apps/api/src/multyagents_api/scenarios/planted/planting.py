"""How a fault is planted: a statement or a function of the service gives way to a worse one for a while."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType
from typing import Any

from sqlalchemy import Insert, Update

from multyagents_api.storage import guards

__all__ = ["NotPlanted", "replaced", "rewritten", "weakened"]


class NotPlanted(Exception):  # noqa: N818 - what happened
    """The guard that a fault takes out is not there."""


@contextmanager
def replaced(owner: object, name: str, stand_in: object) -> Iterator[None]:
    """Put a stand-in in an attribute's place for a while.

    Raises:
        NotPlanted: there is no such attribute.
    """
    if not hasattr(owner, name):
        raise NotPlanted(f"{owner} has no {name}")
    genuine = getattr(owner, name)
    setattr(owner, name, stand_in)
    try:
        yield
    finally:
        setattr(owner, name, genuine)


def weakened(name: str, mention: str, owner: ModuleType = guards) -> AbstractContextManager[None]:
    """Take the conditions that mention something out of one of the guarded statements.

    Raises:
        NotPlanted: no condition does, so there is nothing to take out.
    """
    statement = getattr(owner, name)
    if isinstance(statement, Insert):
        weaker = statement._generate()  # noqa: SLF001 - no public way
        weaker.select = without(name, statement.select, mention)
    else:
        weaker = without(name, statement, mention)
    return replaced(owner, name, weaker)


def without(name: str, statement: Any, mention: str) -> Any:
    """An update or a select without the conditions that mention something.

    Raises:
        NotPlanted: no condition does.
    """
    conditions: Sequence[Any] = statement._where_criteria  # noqa: SLF001 - no public way
    kept = [condition for condition in conditions if mention not in str(condition)]
    if len(kept) == len(conditions):
        raise NotPlanted(f"{name} has no condition on {mention}")
    weaker = statement._generate()  # noqa: SLF001 - no public way
    weaker._where_criteria = tuple(kept)  # noqa: SLF001 - no public way
    return weaker


def rewritten(name: str, **values: Any) -> AbstractContextManager[None]:
    """Let one of the guarded statements write other values into some of its columns."""
    statement: Update = getattr(guards, name)
    return replaced(guards, name, statement.values(**values))
