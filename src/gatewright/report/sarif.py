"""A verdict as SARIF 2.1.0 (OASIS): every finding a result, in the code where its place is known.

Section numbers are those of the standard. What is proven is a result of kind `fail`; what nobody could find
out is of kind `open` (3.27.9), and then the run says that it did not succeed (3.20.14), so that no reader
takes a log without failures for a clean one.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from gatewright import __version__
from gatewright.core.escape import printable
from gatewright.evidence.record import EVIDENCE
from gatewright.gate.decision import VerdictDocument, exit_code, headline
from gatewright.report.command import as_typed
from gatewright.report.findings import LocatedFinding
from gatewright.report.outcomes import Case, Outcome, cases

__all__ = ["render_sarif"]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
"""What paths are relative to: the folder of the project."""

LEVELS = {
    Outcome.FAILED: "error",
    Outcome.UNKNOWN: "none",
    Outcome.WAIVED: "error",
    Outcome.ADVISORY: "note",
    Outcome.PASSED: "warning",
}


def render_sarif(document: VerdictDocument, findings: Sequence[LocatedFinding]) -> str:
    """The verdict as a SARIF log with one run, and its findings as results."""
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "gatewright",
                        "semanticVersion": __version__,
                        "rules": list(rules(findings)),
                    }
                },
                "automationDetails": {
                    "id": f"gatewright/{document.policy.only or 'gate'}/{document.run_id}",
                },
                "invocations": [invocation(document)],
                "artifacts": list(artifacts(document)),
                "results": list(results(findings)),
                "columnKind": "unicodeCodePoints",
                "properties": {
                    "verdict": document.verdict.value,
                    "headline": headline(document),
                    "commit": printable(document.subject.commit),
                    "tree": printable(document.subject.tree),
                    "policy": document.policy.sha256,
                },
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def rules(findings: Iterable[LocatedFinding]) -> Iterator[dict[str, object]]:
    """Each rule that a finding is about, once (3.49)."""
    for rule, expected in {each.reason.rule: each.reason.expected for each in findings}.items():
        text = printable(expected) or printable(rule)
        yield {"id": printable(rule), "shortDescription": {"text": text}}


def invocation(document: VerdictDocument) -> dict[str, object]:
    """How the gate ran, and whether it could find out what it was to find out (3.20)."""
    unknown = [case for case in cases(document) if case.outcome is Outcome.UNKNOWN]
    described: dict[str, object] = {
        "executionSuccessful": not unknown,
        "exitCode": int(exit_code(document)),
        "exitCodeDescription": headline(document),
        "startTimeUtc": utc(document.started_at),
    }
    if document.finished_at:
        described["endTimeUtc"] = utc(document.finished_at)
    if unknown:
        described["toolExecutionNotifications"] = [
            {"level": "error", "message": {"text": message_text(case.message)}} for case in unknown
        ]
    return described


def artifacts(document: VerdictDocument) -> Iterator[dict[str, object]]:
    """What was judged: the manifest of each check, with its digest (3.24)."""
    for check in document.checks:
        described: dict[str, object] = {
            "location": location_of(f"{EVIDENCE}/{check.manifest}"),
            "roles": ["analysisTarget"],
        }
        if check.manifest_sha256:
            described["hashes"] = {"sha-256": check.manifest_sha256}
        yield described


def results(findings: Sequence[LocatedFinding]) -> Iterator[dict[str, object]]:
    """The findings (3.27), each with a fingerprint that no other one of the run has."""
    seen: Counter[str] = Counter()
    for finding in findings:
        digest = fingerprint(finding)
        seen[digest] += 1
        described: dict[str, object] = {
            "ruleId": printable(finding.reason.rule),
            "kind": "open" if finding.case.outcome is Outcome.UNKNOWN else "fail",
            "level": LEVELS[finding.case.outcome],
            "message": {"text": message_text(finding.message) or finding.case.name},
            "locations": [location(finding)],
            "partialFingerprints": {"gatewrightFinding/v1": f"{digest}:{seen[digest]}"},
            "properties": {
                name: printable(value)
                for name, value in facts_of(finding).items()
                if value and value != finding.message
            },
        }
        if finding.case.outcome is Outcome.WAIVED:
            described["suppressions"] = [suppression(finding.case)]
        yield described


def fingerprint(finding: LocatedFinding) -> str:
    """What stays the same while a finding does: no line, no figure that was measured, no id of a run."""
    parts = (finding.case.name, finding.reason.rule, finding.subject, finding.reason.expected)
    return hashlib.sha256("\0".join(map(printable, parts)).encode()).hexdigest()[:32]


def facts_of(finding: LocatedFinding) -> dict[str, str]:
    """What is known of a finding, and the commands that show and mend it."""
    reason = finding.reason
    pointer = f"#{reason.pointer}" if reason.pointer else ""
    return {
        "state": finding.case.state.value,
        "expected": reason.expected,
        "observed": reason.observed,
        "evidence": f"{EVIDENCE}/{reason.artifact}{pointer}" if reason.artifact else "",
        "see": as_typed(reason.see),
        "mend": as_typed(reason.command),
    }


def suppression(case: Case) -> dict[str, object]:
    """A waiver (3.35)."""
    return {"kind": "external", "status": "accepted", "justification": printable(case.note)}


def location(finding: LocatedFinding) -> dict[str, object]:
    """A place in the code, or else in the evidence; and always the check (3.28)."""
    place, artifact = finding.place, finding.reason.artifact
    logical = {
        "name": finding.case.name,
        "fullyQualifiedName": printable(f"{finding.case.name}/{finding.subject}"),
        "kind": "function" if place else "module",
    }
    described: dict[str, object] = {"logicalLocations": [logical]}
    if place:
        region = {"region": {"startLine": place.line}} if place.line else {}
        described["physicalLocation"] = {"artifactLocation": location_of(place.file), **region}
    elif artifact:
        described["physicalLocation"] = {"artifactLocation": location_of(f"{EVIDENCE}/{artifact}")}
    return described


def message_text(text: str) -> str:
    """A message that no viewer takes for one with links in it (3.11.6)."""
    return printable(text).replace("](", "] (")


def location_of(path: str) -> dict[str, str]:
    """A path of the project as a relative URI (3.4.3)."""
    return {"uri": quote(printable(path)), "uriBaseId": ROOT}


def utc(moment: datetime) -> str:
    """A moment as SARIF writes it (3.9)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
