"""Verdicts that no run has come to, for whoever writes them down."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from gatewright.core.provenance import Environment
from gatewright.core.verdict import State
from gatewright.evidence.report import Counts, Reason
from gatewright.gate.aggregate import CheckVerdict
from gatewright.gate.decision import PolicyReference, RunSubject, VerdictDocument, decide
from gatewright.gate.waivers import WaiverStatus, WaiverUse

__all__ = ["HOSTILE", "MOMENT", "make_check", "make_document", "make_reason", "make_waiver"]

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)

HOSTILE = (
    "\x1b[2J\x1b]8;;http://evil\x07",
    "abc\u202edef\u2066",
    "x\n::set-env name=A::b",
    "##[add-path]/evil",
    "100%0A::error::forged",
    "]]><injected/>",
    "a | b | c",
    "`code` *bold* <b>html</b> [link](http://evil) ![image](http://evil)",
    "lone \ud800 surrogate",
    "controls \x00\x01\x0b\x1f\x7f\x85\ufffe\uffff",
    "a, b: c",
    "&amp;&#x41;",
)
"""Names that try to be more than a name."""


def make_reason(check: str, message: str = "", **changes: str) -> Reason:
    """A reason of a check."""
    fields = {
        "rule": "limit",
        "message": message or f"{check}: p95 is beyond its limit",
        "artifact": f"runs/r/{check}/manifest.json",
        "pointer": "/counts",
        "expected": "p95 <= 100",
        "observed": "140",
        "see": f"gatewright show runs/r/{check}/manifest.json#/counts",
        "command": f"gatewright run {check}",
    }
    return Reason.model_validate(fields | changes)


def make_check(name: str, state: State = State.PASS, **changes: object) -> CheckVerdict:
    """A check that ended in a state, with one reason unless it passed."""
    fields: dict[str, object] = {
        "check": name,
        "state": state,
        "required": True,
        "isolated": True,
        "counts": Counts(collected=3, passed=3),
        "metrics": {"p95_ms": 12.5},
        "duration_s": 1.25,
        "started_at": MOMENT,
        "finished_at": MOMENT + timedelta(seconds=1.25),
        "manifest": f"runs/r/{name}/manifest.json",
        "manifest_sha256": "0" * 64,
        "reasons": () if state is State.PASS else (make_reason(name),),
    }
    return CheckVerdict.model_validate(fields | changes)


def make_waiver(name: str, check: str) -> WaiverUse:
    """A waiver that holds."""
    return WaiverUse(
        id=name,
        check=check,
        status=WaiverStatus.APPLIED,
        owner="ann",
        reason="the limit moves next week",
        expires=MOMENT.date(),
        message="laid over FAIL",
    )


def make_document(
    *checks: CheckVerdict, incidents: Sequence[Reason] = (), **changes: object
) -> VerdictDocument:
    """The verdict over some checks, as the gate decides it."""
    verdict, reasons = decide(checks, tuple(incidents))
    fields: dict[str, object] = {
        "run_id": "r",
        "verdict": verdict,
        "reasons": reasons,
        "subject": RunSubject(commit="c0ffee", tree="sha256:7ee", dirty=False, lock="sha256:10c"),
        "policy": PolicyReference(path="gate.toml", sha256="0" * 64),
        "checks": checks,
        "waivers": tuple(make_waiver(check.waived, check.check) for check in checks if check.waived),
        "environment": Environment(
            python="3.11.9",
            implementation="CPython",
            platform="Linux 6",
            machine="x86_64",
            cpu="some processor",
            cpus=2,
            memory_bytes=2**34,
            packages={"pytest": "9"},
        ),
        "started_at": MOMENT,
        "finished_at": MOMENT + timedelta(seconds=5),
    }
    return VerdictDocument.model_validate(fields | changes)
