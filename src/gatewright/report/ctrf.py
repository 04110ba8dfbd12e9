"""A verdict as CTRF, the Common Test Report Format (https://ctrf.io), a test for each check."""

import json
import uuid
from collections import Counter
from datetime import datetime

from gatewright import __version__
from gatewright.core.escape import printable, printable_lines
from gatewright.evidence.record import EVIDENCE
from gatewright.gate.decision import VerdictDocument, exit_code, headline
from gatewright.report.outcomes import Case, Outcome, cases

__all__ = ["render_ctrf"]

SPECIFICATION = "0.0.0"
"""The version whose schema is published."""

STATUSES = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.UNKNOWN: "other",
    Outcome.WAIVED: "skipped",
    Outcome.ADVISORY: "skipped",
}
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "gatewright")


def render_ctrf(document: VerdictDocument) -> str:
    """The verdict as CTRF JSON; times are milliseconds since 1970."""
    report = {
        "reportFormat": "CTRF",
        "specVersion": SPECIFICATION,
        "reportId": str(uuid.uuid5(NAMESPACE, f"{document.run_id} {document.finished_at}")),
        "runId": document.run_id,
        "timestamp": (document.finished_at or document.started_at).isoformat(timespec="milliseconds"),
        "generatedBy": f"gatewright {__version__}",
        "results": {
            "tool": {"name": "gatewright", "version": __version__},
            "summary": summary(document),
            "tests": [test(case) for case in cases(document)],
            "environment": environment(document),
        },
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def summary(document: VerdictDocument) -> dict[str, object]:
    """How many of what, from when to when, and the verdict."""
    statuses = Counter(STATUSES[case.outcome] for case in cases(document))
    start = milliseconds(document.started_at)
    stop = max(start, milliseconds(document.finished_at or document.started_at))
    return {
        "tests": statuses.total(),
        **{status: statuses[status] for status in ("passed", "failed", "skipped", "pending", "other")},
        "suites": 1,
        "start": start,
        "stop": stop,
        "duration": stop - start,
        "extra": {
            "verdict": document.verdict.value,
            "headline": headline(document),
            "exitCode": int(exit_code(document)),
        },
    }


def test(case: Case) -> dict[str, object]:
    """A check, or the run as a whole."""
    described: dict[str, object] = {
        "name": case.name,
        "status": STATUSES[case.outcome],
        "duration": round(case.check.duration_s * 1000) if case.check else 0,
        "rawStatus": case.state.value,
        "suite": ["gatewright", "checks"] if case.check else ["gatewright"],
    }
    if case.message:
        described["message"] = printable(case.message)
        described["trace"] = printable_lines("\n".join(printable(each.message) for each in case.reasons))
    if case.check is None:
        return described
    if case.check.started_at and case.check.finished_at:
        described["start"] = milliseconds(case.check.started_at)
        described["stop"] = milliseconds(case.check.finished_at)
    manifest = f"{EVIDENCE}/{case.check.manifest}"
    described["attachments"] = [
        {"name": "manifest", "contentType": "application/json", "path": printable(manifest)}
    ]
    described["extra"] = {
        "required": case.check.required,
        "isolated": case.check.isolated,
        "waiver": printable(case.check.waived),
        "counts": case.check.counts.model_dump(),
        "metrics": {printable(name): value for name, value in case.check.metrics.items()},
        "reasons": [
            {name: printable(value) for name, value in reason.model_dump().items() if value}
            for reason in case.reasons
        ],
    }
    return described


def environment(document: VerdictDocument) -> dict[str, object]:
    """What was tested, and on what."""
    return {
        "commit": printable(document.subject.commit),
        "osPlatform": printable(document.environment.platform),
        "healthy": document.finished_at is not None and not document.subject.changed,
        "extra": {
            "tree": printable(document.subject.tree),
            "dirty": document.subject.dirty,
            "policy": document.policy.sha256,
            "python": printable(document.environment.python),
        },
    }


def milliseconds(moment: datetime) -> int:
    """A moment in milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
