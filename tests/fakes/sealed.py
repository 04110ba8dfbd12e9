"""A gate's run that nobody ran: evidence written by hand, judged and closed as a gate would do it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from fakes.clock import FakeClock

from gatewright.core.provenance import Environment, Subject, read_subject, read_tree
from gatewright.evidence.digest import hash_file, list_folder
from gatewright.evidence.manifest import MANIFEST, Manifest, Step
from gatewright.evidence.record import EVIDENCE
from gatewright.evidence.results import read_result
from gatewright.execution.project import Project
from gatewright.execution.run import Run
from gatewright.gate.aggregate import SESSIONS
from gatewright.gate.binding import Expected
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.measure import total
from gatewright.gate.policy import LoadedPolicy, parse_policy
from gatewright.gate.verify import POLICY_COPY

__all__ = [
    "CLOCK",
    "ENVIRONMENT",
    "RUN_ID",
    "START",
    "CheckMade",
    "SealedRun",
    "expectation",
    "junit",
    "open_run_folder",
    "report",
    "seal",
    "step",
]

RUN_ID = "run-1"
ENVIRONMENT = Environment(
    python="3.11",
    implementation="CPython",
    platform="Linux",
    machine="x",
    cpu="c",
    cpus=2,
    memory_bytes=1,
    packages={},
)
START = FakeClock().now()
"""When the run and its checks began; they took a second, and were judged a second later."""
CLOCK = FakeClock(START + timedelta(seconds=2))


def junit(*outcomes: str) -> str:
    """A test report with one case for each outcome: `passed`, `failed`, `skipped`, `flaky`."""
    inner = {"passed": "", "failed": "<failure/>", "skipped": "<skipped/>", "flaky": "<rerunFailure/>"}
    cases = [
        f'<testcase classname="demo" name="{n}">{inner[each]}</testcase>' for n, each in enumerate(outcomes)
    ]
    return f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"


def report(verdict: str = "PASS", **changes: Any) -> str:
    """A suite's report."""
    document = {
        "schema_version": "demo/1",
        "suite": "demo",
        "verdict": verdict,
        "reasons": [],
        "counts": {"schedules": 500, "samples": 2000},
        "metrics": {"latency_p95_ms": 12.5},
        "started_at": START.isoformat(),
        "finished_at": START.isoformat(),
    }
    return json.dumps(document | changes)


@dataclass(frozen=True)
class CheckMade:
    """What a check left: its files, how its command ended, and what its manifest says otherwise.

    Attributes:
        files: contents by path.
        ending: how its one command ended, as fields of a `Step`.
        session: how the gate saw its session end, likewise; no record when None.
        manifest: fields of the manifest that differ from the truth.
    """

    files: Mapping[str, str | bytes] = field(default_factory=lambda: {"junit.xml": junit(*["passed"] * 3)})
    ending: Mapping[str, Any] = field(default_factory=lambda: {"exit_code": 0})
    session: Mapping[str, Any] | None = None
    manifest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SealedRun:
    """A run that has closed, and what it was judged by."""

    project: Project
    folder: Path
    document: VerdictDocument


def step(ending: Mapping[str, Any], argv: Sequence[str] = ("tool",), log: str = "step-1.log") -> Step:
    """A command that took a second."""
    finished = START + timedelta(seconds=1)
    return Step(argv=tuple(argv), started_at=START, finished_at=finished, duration_s=1, log=log, **ending)


def write_check(folder: Path, name: str, made: CheckMade, loaded: LoadedPolicy, subject: Subject) -> None:
    """Write what a check left into a run folder."""
    place = folder / name
    for path, content in {"step-1.log": "measured\n", **made.files}.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content.encode() if isinstance(content, str) else content)
    results = [read_result(place, each.path, each.format) for each in loaded.policy.checks[name].results]
    manifest = Manifest(
        run_id=folder.name,
        check=name,
        profile="quick",
        isolated=True,
        policy=loaded.digest,
        subject=subject,
        environment=ENVIRONMENT,
        started_at=START,
        finished_at=START + timedelta(seconds=1),
        duration_s=1,
        steps=(step(made.ending),),
        counts=total(results),
        files=tuple(hash_file(place, path) for path in list_folder(place).files),
    ).model_copy(update=dict(made.manifest))
    (place / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if made.session is not None:
        (folder / SESSIONS).mkdir(exist_ok=True)
        record = step(made.session, ("gatewright", "run", name), f"{name}.log")
        (folder / SESSIONS / f"{name}.json").write_text(
            record.model_dump_json(indent=2) + "\n", encoding="utf-8"
        )
        (folder / SESSIONS / f"{name}.log").write_text("passed\n", encoding="utf-8")


def open_run_folder(root: Path, policy: str, checks: Mapping[str, CheckMade]) -> Run:
    """A project with a run that is open, and that all its checks have added their evidence to."""
    root.mkdir(parents=True, exist_ok=True)
    project = Project(root)
    project.policy.write_text(policy, encoding="utf-8")
    folder = project.runs / RUN_ID
    folder.mkdir(parents=True)
    loaded = parse_policy(policy.encode(), project.policy.name)
    (folder / POLICY_COPY).write_bytes(loaded.data)
    tree = read_tree(root, EVIDENCE)
    subject = read_subject(root, tree)
    for name, made in checks.items():
        write_check(folder, name, made, loaded, subject)
    return Run(project, folder, loaded, tree, subject, ENVIRONMENT, START, "quick")


def expectation(run: Run, **changes: Any) -> Expected:
    """What the evidence of such a run must be bound to."""
    facts: dict[str, Any] = {
        "run_id": run.run_id,
        "policy_digest": run.policy.digest,
        "subject": run.subject,
        "now": CLOCK.now(),
    }
    return Expected(**(facts | changes))


def seal(root: Path, policy: str, checks: Mapping[str, CheckMade]) -> SealedRun:
    """Such a run, judged and closed."""
    run = open_run_folder(root, policy, checks)
    return SealedRun(run.project, run.folder, run.close(CLOCK))
