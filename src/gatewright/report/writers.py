"""Every form in which a verdict is written down: the name of its file, and who renders it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.evidence.ledger import LedgerEntry
from gatewright.gate.attest import describe_seal
from gatewright.gate.decision import VerdictDocument
from gatewright.report.html import render_page
from gatewright.report.markdown import render_verdict

__all__ = ["ALWAYS", "FORMATS", "Format", "Rendering", "render_all"]


@dataclass(frozen=True)
class Rendering:
    """What a form is rendered from.

    Attributes:
        document: the verdict.
        folder: the run folder, with the evidence that the verdict rests on.
        history: earlier runs, oldest first; this one is not among them.
        key_id: the key that will sign it; empty where nobody does (`gate.attest.describe_seal` tells).
    """

    document: VerdictDocument
    folder: Path
    history: tuple[LedgerEntry, ...] = ()
    key_id: str = ""


@dataclass(frozen=True)
class Format:
    """One form. `ending` makes its names: `verdict.md` in the run folder, copied to `latest.md`."""

    ending: str
    render: Callable[[Rendering], str]

    @property
    def file(self) -> str:
        """Its name in the run folder."""
        return f"verdict.{self.ending}"


FORMATS: Mapping[str, Format] = {
    "markdown": Format(
        "md", lambda rendering: render_verdict(rendering.document, describe_seal(rendering.key_id))
    ),
    "html": Format(
        "html", lambda rendering: render_page(rendering.document, rendering.folder, rendering.history)
    ),
}
ALWAYS = ("markdown", "html")
"""Written by every run, beside the JSON that they are all made from."""


def render_all(rendering: Rendering, asked: Iterable[str] = ()) -> dict[str, str]:
    """The forms that every run has and those that are asked for, by the name of their file.

    Raises:
        ConfigurationError: there is no such form.
    """
    names = dict.fromkeys([*ALWAYS, *asked])
    if unknown := [name for name in names if name not in FORMATS]:
        raise ConfigurationError(
            f"there is no output format {unknown[0]!r}", remedy=f"use {', '.join(sorted(FORMATS))}"
        )
    return {FORMATS[name].file: FORMATS[name].render(rendering) for name in names}
