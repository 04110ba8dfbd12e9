"""Every form in which a verdict is written down: the name of its file, and who renders it."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.core.redaction import Redactor
from gatewright.evidence.ledger import LedgerEntry
from gatewright.evidence.report import Reason
from gatewright.gate.attest import describe_seal
from gatewright.gate.decision import VerdictDocument
from gatewright.report.ctrf import render_ctrf
from gatewright.report.findings import LocatedFinding, located_findings
from gatewright.report.github import render_summary
from gatewright.report.html import render_page
from gatewright.report.junit import render_junit
from gatewright.report.markdown import render_verdict
from gatewright.report.sarif import render_sarif

__all__ = ["ALWAYS", "FORMATS", "Format", "Rendering", "find_format", "render_all", "render_form"]


@dataclass(frozen=True)
class Rendering:
    """What a form is rendered from.

    Attributes:
        document: the verdict.
        folder: the run folder, with the evidence that the verdict rests on.
        history: earlier runs, oldest first; this one is not among them.
        redactor: cuts secrets out of what the forms tell.
        key_id: the key that will sign it; empty where nobody does (`gate.attest.describe_seal` tells).
    """

    document: VerdictDocument
    folder: Path
    history: tuple[LedgerEntry, ...] = ()
    key_id: str = ""
    redactor: Redactor = field(default_factory=lambda: Redactor(os.environ))

    @cached_property
    def findings(self) -> tuple[LocatedFinding, ...]:
        """All that is held against the run, worst first, with places in the code."""
        return located_findings(self.document, self.folder, self.redactor)

    @property
    def seal(self) -> str:
        """Who signs it, in words."""
        return describe_seal(self.key_id)

    def redacted(self) -> "Rendering":
        """The same without secrets in the reasons, which repeat what evidence says."""
        document = self.document
        checks = tuple(
            check.model_copy(update={"reasons": self._redact(check.reasons)}) for check in document.checks
        )
        update = {"checks": checks, "reasons": self._redact(document.reasons)}
        return replace(self, document=document.model_copy(update=update))

    def _redact(self, reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
        return tuple(
            reason.model_copy(
                update={
                    name: self.redactor.text(getattr(reason, name))
                    for name in ("message", "expected", "observed", "see", "command")
                }
            )
            for reason in reasons
        )


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
        "md", lambda given: render_verdict(given.document, given.folder, given.findings, given.seal)
    ),
    "html": Format(
        "html",
        lambda given: render_page(
            given.document, given.folder, given.history, redactor=given.redactor, seal=given.seal
        ),
    ),
    "junit": Format("junit.xml", lambda given: render_junit(given.document)),
    "ctrf": Format("ctrf.json", lambda given: render_ctrf(given.document)),
    "sarif": Format("sarif", lambda given: render_sarif(given.document, given.findings)),
    "github": Format("github.md", lambda given: render_summary(given.document, given.folder, given.findings)),
}
ALWAYS = ("markdown", "html")
"""Written by every run, beside the JSON that they are all made from."""


def render_all(rendering: Rendering, asked: Iterable[str] = ()) -> dict[str, str]:
    """The forms that every run has and those that are asked for, by the name of their file.

    Raises:
        ConfigurationError: there is no such form.
    """
    formats = [find_format(name) for name in dict.fromkeys([*ALWAYS, *asked])]
    redacted = rendering.redacted()
    return {each.file: each.render(redacted) for each in formats}


def render_form(rendering: Rendering, name: str) -> str:
    """One form.

    Raises:
        ConfigurationError: there is no such form.
    """
    return find_format(name).render(rendering.redacted())


def find_format(name: str) -> Format:
    """A form by its name.

    Raises:
        ConfigurationError: there is none.
    """
    if name not in FORMATS:
        known = ", ".join(sorted(FORMATS))
        raise ConfigurationError(f"there is no output format {name!r}", remedy=f"use {known}")
    return FORMATS[name]
