"""What a step touched: two steps that touch nothing in common can change places without any difference."""

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["ANSWERED", "ASKED", "EVERYTHING", "NOTHING", "WORLD", "Footprint", "Place"]


class Place(NamedTuple):
    """A store, a table of it, or the rows of a table whose `column` has `value`; "" stands for all."""

    store: str
    table: str = ""
    column: str = ""
    value: int | str = ""

    def overlaps(self, other: "Place") -> bool:
        """Whether the two have anything in common, as far as can be told."""
        if self.store != other.store or (self.table and other.table and self.table != other.table):
            return False
        if not self.column or self.column != other.column:
            return True
        return not surely_differ(self.value, other.value)


def surely_differ(one: int | str, other: int | str) -> bool:
    """Whether no collation and no affinity of a column can make two values equal."""
    if isinstance(one, str) and isinstance(other, str):
        one, other = one.strip().casefold(), other.strip().casefold()
        return one != other and not (is_number_like(one) and is_number_like(other))
    return isinstance(one, int) and isinstance(other, int) and one != other


def is_number_like(text: str) -> bool:
    """Whether a numeric column might store this text as a number."""
    return any(character.isdigit() for character in text) or "inf" in text or "nan" in text


class Footprint:
    """The places that a step read and wrote; equal ones are the same object.

    Make them with `Footprint.of`.
    """

    __slots__ = ("_known", "is_everything", "reads", "writes")

    _interned: "dict[tuple[bool, frozenset[Place], frozenset[Place]], Footprint]" = {}  # noqa: RUF012 - one for all

    def __init__(self, reads: frozenset[Place], writes: frozenset[Place], *, is_everything: bool) -> None:
        self.reads = reads
        self.writes = writes
        self.is_everything = is_everything
        self._known: dict[Footprint, bool] = {}

    @classmethod
    def of(
        cls, *, reads: Iterable[Place] = (), writes: Iterable[Place] = (), is_everything: bool = False
    ) -> "Footprint":
        """The footprint of these places."""
        key = (is_everything, frozenset(reads), frozenset(writes))
        found = cls._interned.get(key)
        if found is None:
            found = cls._interned[key] = cls(key[1], key[2], is_everything=is_everything)
        return found

    @property
    def touches(self) -> bool:
        """Whether it touches anything."""
        return bool(self.is_everything or self.reads or self.writes)

    def __or__(self, other: "Footprint") -> "Footprint":
        if self is other or other is NOTHING or self is EVERYTHING:
            return self
        if self is NOTHING or other is EVERYTHING:
            return other
        return Footprint.of(reads=self.reads | other.reads, writes=self.writes | other.writes)

    def conflicts(self, other: "Footprint") -> bool:
        """Whether the order of two steps may matter: one of them wrote what the other one touched."""
        known = self._known.get(other)
        if known is None:
            known = self._known[other] = self._compare(other)
        return known

    def _compare(self, other: "Footprint") -> bool:
        if self.is_everything or other.is_everything:
            return True
        return (
            overlap(self.writes, other.writes)
            or overlap(self.writes, other.reads)
            or overlap(self.reads, other.writes)
        )


def overlap(one: Iterable[Place], other: Iterable[Place]) -> bool:
    """Whether any place of one overlaps with one of the other."""
    return any(mine.overlaps(theirs) for mine in one for theirs in other)


EVERYTHING = Footprint.of(is_everything=True)
"""Conflicts with every step: what nobody knows anything about."""

NOTHING = Footprint.of()
"""Conflicts with nothing but `EVERYTHING`."""

WORLD = Footprint.of(writes=[Place("the world")])
"""The clock was read, or chance: each reading moves them on."""

ASKED = Footprint.of(reads=[Place("the history")])
"""A request began; whether it began before another one's answer is part of the history."""

ANSWERED = Footprint.of(writes=[Place("the history")])
"""A request was answered; answers are recorded in their order."""
