"""The cases of the corpus, read from the files beside this one: one file for each family.

Needs the standard library alone.
"""

import re
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

__all__ = ["CONTROL", "FAMILIES", "FOLDER", "Case", "read_cases"]

FOLDER = Path(__file__).resolve().parent

FAMILIES = {
    "absence": 10,
    "staleness": 8,
    "binding": 10,
    "tampering": 12,
    "malformed": 10,
    "waivers": 6,
    "process": 4,
}
"""The families, and how many cases each has at least."""

CONTROL = "control"
"""The family of clean cases, which must pass: a gate that refuses everything scores nothing."""

DAYS = re.compile(r"([+-]\d+) days")


@dataclass(frozen=True)
class Case:
    """One situation, and what our own gate must say of it.

    Attributes:
        kind: what is done, see the README: `run`, `rerun`, `judge`, `verify` or `kill`.
        keeps: what a gate must keep of a run, in gatewright's form, for the case to make sense.
        steps: the commands of the check `unit`, as Python for `measure.py`; None for the clean project.
        first: its commands in the run before.
        beside: the commands of a second check, `stress`, which runs after it.
        results: the files that `unit` must leave.
        demands: what is demanded of `unit` beyond that, by gatewright's names.
        project: what is demanded of the project as a whole.
        waivers: known findings that somebody answers for.
        change: changes made after a clean run, as `changes.py` reads them.
        folder: the run that is asked about; the latest one when empty.
        form: nothing false is said, but in a form that readers may take differently.
        exit: the exit code of our gate; `state`, `reason`, `artifact` and `waiver` are what it says beside.
    """

    family: str
    id: str
    why: str
    kind: str
    exit: int
    keeps: tuple[str, ...] = ()
    steps: tuple[str, ...] | None = None
    first: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    results: tuple[str, ...] = ("junit.xml",)
    demands: dict[str, Any] = field(default_factory=dict)
    project: dict[str, Any] = field(default_factory=dict)
    waivers: tuple[dict[str, Any], ...] = ()
    change: tuple[dict[str, Any], ...] = ()
    folder: str = ""
    state: str = ""
    reason: str = ""
    artifact: str = ""
    waiver: str = ""
    form: bool = False

    @property
    def name(self) -> str:
        """What no other case is called."""
        return f"{self.family}-{self.id}"

    @property
    def is_control(self) -> bool:
        """Whether a gate must pass it."""
        return self.family == CONTROL

    @property
    def is_plain(self) -> bool:
        """Whether it is wrong by itself: no matter of form, and no demand that a gate must have been told of."""
        return not (self.demands or self.project or self.form)


def read_cases() -> list[Case]:
    """All cases; those of the controls come first."""
    return [case for family in (CONTROL, *FAMILIES) for case in read_family(family)]


def read_family(family: str) -> list[Case]:
    """The cases of one file."""
    document = tomllib.loads((FOLDER / f"{family}.toml").read_text(encoding="utf-8"))
    return [Case(family=family, **freeze(fields)) for fields in document["case"]]


def freeze(fields: dict[str, Any]) -> dict[str, Any]:
    """Lists become tuples, and days from today become dates."""
    today = datetime.now(UTC).date()

    def date_of(waiver: dict[str, Any]) -> dict[str, Any]:
        days = DAYS.fullmatch(waiver.get("expires", ""))
        return {**waiver, "expires": str(today + timedelta(int(days[1])))} if days else waiver

    frozen = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    if "waivers" in frozen:
        frozen["waivers"] = tuple(map(date_of, frozen["waivers"]))
    return frozen
