"""Statements, compiled once for a database and then handed to its driver as they are.

SQLAlchemy writes the SQL; executing through it as well would cost several times what SQLite itself needs for
one of these statements.
"""

import json
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import JSON, Executable
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.type_api import TypeEngine

__all__ = ["Parameters", "Prepared", "Result", "Statements"]

Parameters: TypeAlias = Mapping[str, Any]
Converter: TypeAlias = Callable[[Any], Any]


_named_tuple: Any = namedtuple  # noqa: PYI024 - the names are known at run time only


class Result:
    """What one statement gave: its rows, or how many rows it changed."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: Sequence[Any], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def all(self) -> Sequence[Any]:
        """All rows; columns by name or by position."""
        return self._rows

    def one_or_none(self) -> Any:
        """The only row, or None where there is none."""
        return self._rows[0] if self._rows else None

    def one(self) -> Any:
        """The only row."""
        [row] = self._rows
        return row

    def scalars(self) -> Iterable[Any]:
        """The first column of all rows."""
        return (row[0] for row in self._rows)

    def scalar(self) -> Any:
        """The first column of the first row; None where there is none."""
        return self._rows[0][0] if self._rows else None


class Prepared:
    """One statement as the driver takes it: its SQL, its arguments in order, and its rows with names."""

    __slots__ = ("_arguments", "_converters", "_make", "returns_rows", "sql")

    def __init__(self, compiled: SQLCompiler, dialect: DefaultDialect) -> None:
        self.sql = compiled.string
        binds = compiled._bind_processors  # noqa: SLF001 - what the dialect's own execution uses
        self._arguments = [_argument(name, compiled, binds.get(name)) for name in compiled.positiontup or ()]
        columns = compiled._result_columns  # noqa: SLF001 - likewise
        self.returns_rows = bool(columns)
        names = [column.keyname for column in columns]
        row = _named_tuple("Row", names, rename=True)
        self._make = row._make
        self._converters = [
            (index, convert)
            for index, column in enumerate(columns)
            if (convert := _result_converter(column.type, dialect)) is not None
        ]

    def arguments(self, parameters: Parameters) -> list[Any]:
        """The arguments in the order of their places in the SQL."""
        return [
            constant if name is None else (parameters[name] if convert is None else convert(parameters[name]))
            for name, convert, constant in self._arguments
        ]

    def rows(self, raw: Iterable[Sequence[Any]]) -> list[Any]:
        """What the driver fetched, converted and with names."""
        if not self._converters:
            return list(map(self._make, raw))
        rows = []
        for values in raw:
            row = list(values)
            for index, convert in self._converters:
                if row[index] is not None:
                    row[index] = convert(row[index])
            rows.append(self._make(row))
        return rows


def _result_converter(kind: TypeEngine[Any], dialect: DefaultDialect) -> Converter | None:
    """How a column's values become Python's, where the driver does not do it; None stays None."""
    convert: Converter | None = kind._cached_result_processor(dialect, None)  # noqa: SLF001 - likewise
    if convert is not None and isinstance(kind, JSON):
        return json.loads  # what SQLAlchemy's converter comes to, without two calls on the way
    return convert


def _argument(name: str, compiled: SQLCompiler, convert: Any) -> tuple[str | None, Converter | None, Any]:
    """Where an argument comes from: a parameter by its name, or a constant of the statement."""
    bind = compiled.binds[name]
    if bind.required:
        return bind.key, convert, None
    constant = bind.effective_value
    return None, None, constant if convert is None else convert(constant)


class Statements:
    """The statements of one database, compiled when they are first used.

    Statements must live as long as the process: each one that is new is compiled and kept.
    """

    def __init__(self, dialect: DefaultDialect) -> None:
        self._dialect = dialect
        self._known: dict[tuple[Executable, tuple[str, ...]], Prepared] = {}

    def prepare(self, statement: Executable, parameters: Parameters) -> Prepared:
        """The statement for this database; an INSERT also depends on which columns it is given."""
        columns = tuple(parameters) if isinstance(statement, Insert) and statement.select is None else ()
        prepared = self._known.get((statement, columns))
        if prepared is None:
            compiled = statement.compile(dialect=self._dialect, column_keys=list(columns) or None)  # type: ignore[attr-defined]
            prepared = self._known[statement, columns] = Prepared(compiled, self._dialect)
        return prepared
