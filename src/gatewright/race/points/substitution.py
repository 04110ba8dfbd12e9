"""Stand-ins for parts of the standard library and of drivers, put in place and taken away again.

Code reads such parts through references of its own (`from threading import Lock`), so every loaded module of
the program that holds one is given the stand-in too, and its own back afterwards.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FrameType, ModuleType, TracebackType
from typing import Any, Self

__all__ = ["Replacement", "Substitution", "frame_is_of_program", "program_modules"]

# hypothesis reads a clock whenever garbage is collected, which no schedule decides; what only watches a
# program (prometheus_client, opentelemetry) locks at every count, and nothing that clients share hangs on it.
LEFT_ALONE = frozenset(
    {"_pytest", "anyio", "fastapi", "gatewright", "greenlet", "hypothesis", "opentelemetry", "pluggy",
     "prometheus_client", "pydantic", "pydantic_core", "pytest", "sqlalchemy", "starlette"}
) | sys.stdlib_module_names  # fmt: skip

FRAMEWORKS = LEFT_ALONE | {"aiosqlite", "asyncpg", "httpcore", "httpx", "psycopg", "psycopg_pool"}


@dataclass(frozen=True, eq=False)
class Replacement:
    """An attribute of a module or class, and what stands in for it."""

    owner: Any
    attribute: str
    stand_in: Any


class Substitution:
    """While entered, the stand-ins are in place.

    Args:
        replacements: what stands in for what; where a thing has two stand-ins, references get the first.
    """

    def __init__(self, replacements: Sequence[Replacement]) -> None:
        self._replacements = replacements
        self._genuine: list[Any] = []

    def __enter__(self) -> Self:
        self._genuine = [vars(each.owner)[each.attribute] for each in self._replacements]
        exchange: dict[int, tuple[Any, Any]] = {}
        for each, genuine in zip(self._replacements, self._genuine, strict=True):
            exchange.setdefault(id(genuine), (genuine, each.stand_in))
            _put(each.owner, each.attribute, each.stand_in)
        _swap(exchange)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        exchange = {}
        for each, genuine in zip(self._replacements, self._genuine, strict=True):
            exchange[id(each.stand_in)] = (each.stand_in, genuine)
            _put(each.owner, each.attribute, genuine)
        _swap(exchange)


def _put(owner: Any, attribute: str, value: Any) -> None:
    """Set it, also on an object that refuses (a frozen dataclass)."""
    if isinstance(owner, (type, ModuleType)):
        setattr(owner, attribute, value)
    else:
        object.__setattr__(owner, attribute, value)


def _swap(exchange: Mapping[int, tuple[Any, Any]]) -> None:
    """In every module of the program, put each object that is asked for (by identity) in another's place.

    Modules that were loaded in between hold stand-ins too, so giving back looks everywhere again. Hardly any
    module holds one, and a large program has a hundred thousand references: most are seen by C code alone.
    """
    sought = exchange.keys()
    for module in program_modules():
        if sought.isdisjoint(map(id, list(vars(module).values()))):
            continue
        for attribute, present in list(vars(module).items()):
            held, other = exchange.get(id(present), (None, None))
            if held is not None and held is present:
                setattr(module, attribute, other)


def program_modules() -> list[ModuleType]:
    """All loaded modules but those of the standard library, the frameworks and the toolkit."""
    return [module for module in list(sys.modules.values()) if _is_program(module)]


def _is_program(module: object) -> bool:
    return isinstance(module, ModuleType) and module.__name__.partition(".")[0] not in LEFT_ALONE


def frame_is_of_program(frame: FrameType) -> bool:
    """Whether code of the program itself runs in a frame, and not a library on its behalf."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] not in FRAMEWORKS
