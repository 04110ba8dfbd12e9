"""The page of a gate, parsed, for whoever looks at what it says."""

from pathlib import Path

from fakes.gate_runs import FakeGate, Planted
from fakes.pages import ParsedPage

from gatewright.gate.decision import VerdictDocument
from gatewright.report.html import render_page

__all__ = ["POLICY", "again", "document_of", "parsed", "text_of_one"]

POLICY = """\
schema_version = 1
[checks.unit]
steps = [["check"]]
results = ["report.json"]
"""


def document_of(gate: FakeGate) -> VerdictDocument:
    return VerdictDocument.model_validate_json(gate.project.latest_json.read_bytes())


def parsed(gate: FakeGate) -> ParsedPage:
    return ParsedPage(gate.latest.read_text(encoding="utf-8"))


def again(gate: FakeGate, document: VerdictDocument, history=()) -> ParsedPage:
    """The page of a verdict that was changed."""
    return ParsedPage(render_page(document, gate.project.runs / document.run_id, history))


def text_of_one(tmp_path: Path, report: object, **planted: object) -> str:
    """The page of a gate whose one check left a report."""
    gate = FakeGate(tmp_path, POLICY)
    gate.run({"unit": Planted({"report.json": report}, **planted)})
    return parsed(gate).text
