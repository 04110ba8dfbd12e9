"""Judge the evidence of each check in a run folder: a state, and the reasons for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, Field

from gatewright.core.model import Model
from gatewright.core.verdict import State
from gatewright.evidence.digest import Sha256, hash_file
from gatewright.evidence.manifest import MANIFEST, CheckId, Manifest, Step, read_manifest
from gatewright.evidence.report import Counts, Reason
from gatewright.evidence.results import Result, read_result
from gatewright.evidence.strict import EvidenceError, read_bytes, read_model
from gatewright.gate.baseline import Baseline
from gatewright.gate.binding import Expected, find_alterations, find_misbinding, find_staleness
from gatewright.gate.ending import find_bad_ending
from gatewright.gate.finding import Finding, Place
from gatewright.gate.limits import find_broken_limits, find_flaky_excess
from gatewright.gate.measure import find_miscounts, find_outcome, find_shortfalls, total
from gatewright.gate.policy import Check, Policy
from gatewright.gate.states import rank, worst

__all__ = ["SESSIONS", "CheckVerdict", "JudgedCheck", "judge_check", "judge_checks"]

SESSIONS = "_sessions"
"""Where the gate records how it started each check; no check can have this name."""

SHOWN_REASONS = 10
SHOWN_LOG_LINES = 5
SHOWN_LOG_WIDTH = 300


class CheckVerdict(Model):
    """How one check ended, why, and the manifest that it rests on.

    `waived` names the waivers laid over the state, with ", " between them; the state stays what it is.
    """

    check: CheckId
    state: State
    waived: str = ""
    required: bool
    isolated: bool | None
    counts: Counts
    metrics: dict[str, float]
    duration_s: Annotated[float, Field(ge=0)]
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    manifest: str
    manifest_sha256: Sha256 | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class JudgedCheck:
    """The verdict of one check, and all that was found; the verdict shows no more than people read."""

    verdict: CheckVerdict
    findings: tuple[Finding, ...]


def judge_checks(folder: Path, policy: Policy, expected: Expected) -> tuple[JudgedCheck, ...]:
    """Judge every check of the policy, in its order."""
    return tuple(judge_check(folder, name, check, expected) for name, check in policy.checks.items())


def judge_check(folder: Path, name: str, check: Check, expected: Expected) -> JudgedCheck:
    """Judge one check by what its folder holds; reads, and changes nothing."""
    place = Place(expected.run_id, name)
    try:
        manifest = read_manifest(folder / name)
    except EvidenceError as error:
        return without_manifest(place, check, find_absence(place, folder, error))
    results = tuple(
        read_result(folder / name, file.path, file.format) for file in check.results_of(manifest.profile)
    )
    findings = list(find_misbinding(place, manifest, expected))
    findings += find_alterations(place, manifest, folder / name)
    # Results that are not this run's, or not what was written, say nothing about this run.
    if not findings:
        findings += find_staleness(place, manifest, check, expected)
        findings += find_measured(place, manifest, check, results, expected.baseline)
    if all(finding.state.settles for finding in findings):
        findings += find_bad_ending(place, folder / SESSIONS / f"{name}.json")
    verdict = CheckVerdict(
        check=name,
        state=worst(finding.state for finding in findings) if findings else State.PASS,
        required=check.required,
        isolated=manifest.isolated,
        counts=total(results),
        metrics={key: value for result in results for key, value in sorted(result.metrics.items())},
        duration_s=manifest.duration_s,
        started_at=manifest.started_at,
        finished_at=manifest.finished_at,
        manifest=place.artifact(MANIFEST),
        manifest_sha256=hash_file(folder / name, MANIFEST).sha256,
        reasons=shorten(findings),
    )
    return JudgedCheck(verdict, tuple(findings))


def find_measured(
    place: Place, manifest: Manifest, check: Check, results: tuple[Result, ...], baseline: Baseline | None
) -> Iterator[Finding]:
    """All that can be wrong with evidence that belongs here and is whole."""
    yield from find_outcome(place, manifest, check, results)
    yield from find_miscounts(place, manifest, check, results)
    yield from find_broken_limits(place, check, results, baseline, manifest.profile)
    yield from find_shortfalls(place, check, total(results))
    yield from find_flaky_excess(place, check, total(results), baseline, manifest.profile)


def without_manifest(place: Place, check: Check, finding: Finding) -> JudgedCheck:
    """The verdict of a check that left no manifest that can be read."""
    verdict = CheckVerdict(
        check=place.check,
        state=finding.state,
        required=check.required,
        isolated=None,
        counts=Counts(),
        metrics={},
        duration_s=0,
        started_at=None,
        finished_at=None,
        manifest=place.artifact(MANIFEST),
        manifest_sha256=None,
        reasons=(finding.reason,),
    )
    return JudgedCheck(verdict, (finding,))


def find_absence(place: Place, folder: Path, error: EvidenceError) -> Finding:
    """Why there is no manifest: how the session ended that should have written it, and its last words."""
    if error.state is not State.MISSING:
        return place.finding(
            error.state,
            "manifest-readable",
            error.message,
            path=MANIFEST,
            pointer=error.pointer,
            expected="a manifest that can be believed",
            observed=error.state.value,
        )
    ending, words, timed_out = read_session(place, folder)
    return place.finding(
        State.TIMEOUT if timed_out else State.MISSING,
        "manifest-present",
        f"no evidence was left ({ending})",
        path=MANIFEST,
        expected="a manifest",
        observed=words,
    )


def read_session(place: Place, folder: Path) -> tuple[str, str, bool]:
    """How the gate's session of a check ended, its last lines, and whether its time was over."""
    try:
        session = read_model(folder / SESSIONS / f"{place.check}.json", Step)
    except EvidenceError as error:
        has_begun = error.state is State.MISSING and (folder / place.check).is_dir()
        return "it was cut short" if has_begun else "it was not run", "no manifest", False
    try:
        log = read_bytes(folder / SESSIONS / f"{place.check}.log").decode(errors="replace")
    except EvidenceError:
        log = ""
    lines = [line.strip()[:SHOWN_LOG_WIDTH] for line in log.splitlines() if line.strip()]
    return session.ending, " | ".join(lines[-SHOWN_LOG_LINES:]) or "no output", session.timed_out


def shorten(findings: list[Finding]) -> tuple[Reason, ...]:
    """The reasons, worst first, and no more than a person will read."""
    ordered = sorted(findings, key=lambda finding: rank(finding.state))
    shown = [finding.reason for finding in ordered[:SHOWN_REASONS]]
    if rest := len(findings) - len(shown):
        shown.append(shown[-1].model_copy(update={"rule": "more", "message": f"and {rest} more reasons"}))
    return tuple(shown)
