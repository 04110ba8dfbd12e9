"""Runs of a gate whose checks left planted evidence: real manifests, judged and written by the real gate."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fakes.clock import FakeClock

from gatewright.core.provenance import Environment, Subject
from gatewright.evidence.digest import hash_file, list_folder
from gatewright.evidence.manifest import MANIFEST, Manifest, Step
from gatewright.evidence.results import read_result
from gatewright.execution.project import Project
from gatewright.execution.run import Run, open_run
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.measure import total
from gatewright.gate.policy import load_policy

__all__ = [
    "SAMPLES",
    "FakeGate",
    "Planted",
    "failing_race",
    "failing_slo",
    "junit",
    "passing_race",
    "passing_slo",
]

SAMPLES = Path(__file__).resolve().parents[1] / "report" / "html" / "samples"
BEGUN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
MACHINE = Environment(
    python="3.12.11",
    implementation="CPython",
    platform="Linux 6.12",
    machine="x86_64",
    cpu="AMD EPYC 9354P",
    cpus=8,
    memory_bytes=33_500_000_000,
    packages={"filelock": "3.20.0", "pathspec": "1.0.4", "pydantic": "2.14.3", "tabulate": "0.9.0"},
)
COMMIT = "8f4c1d20b7a9e35d6c0f41b2a8e97d53c6b1f0a4"


def junit(passed: int = 3, failed: int = 0, skipped: int = 0, name: str = "test_orders") -> str:
    """A test report."""
    cases = [f"<testcase classname='{name}' name='test_{number}'/>" for number in range(passed)]
    cases += [
        f"<testcase classname='{name}' name='test_bad_{n}'><failure/></testcase>" for n in range(failed)
    ]
    cases += [
        f"<testcase classname='{name}' name='test_skip_{n}'><skipped/></testcase>" for n in range(skipped)
    ]
    return f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"


def sample(name: str) -> dict[str, Any]:
    """A report that a suite of this repository once wrote, trimmed."""
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


def failing_race() -> dict[str, Any]:
    """Two reruns of one failure were accepted."""
    return sample("race-report.json")


def failing_slo() -> dict[str, Any]:
    """95% of runs took far longer than promised."""
    return sample("slo-report.json")


def passing_race() -> dict[str, Any]:
    """The same races without the finding."""
    report = failing_race()
    scenario = report["scenarios"][0] | {
        "verdict": "PASS",
        "failed": 0,
        "counterexample": None,
        "iterations": 391,
    }
    counts = report["counts"] | {"passed": 1, "failed": 0, "schedules": 4809}
    checked = {"planted": 44, "killed": 44, "faults": []}
    return report | {
        "verdict": "PASS",
        "reasons": [],
        "counts": counts,
        "scenarios": [scenario],
        "self_check": checked,
    }


def passing_slo() -> dict[str, Any]:
    """The same load, held to a promise that it keeps."""
    report = failing_slo()
    scenario = dict(report["scenarios"][0])
    scenario["objectives"] = [
        each
        | {
            "threshold": 40.0 if "p95" in each["name"] else each["threshold"],
            "verdict": "PASS",
            "missing": "",
        }
        for each in scenario["objectives"]
    ]
    counts = report["counts"] | {"passed": 1, "failed": 0}
    return report | {
        "verdict": "PASS",
        "reasons": [],
        "counts": counts,
        "scenarios": [scenario | {"verdict": "PASS"}],
    }


@dataclass(frozen=True)
class Planted:
    """What a check left.

    Attributes:
        files: by name, text or what is written as JSON.
        argv: its command.
        exit_code: of that command; None when it was killed.
        duration_s: of the check.
        isolated: whether it had an environment of its own.
    """

    files: Mapping[str, Any]
    argv: tuple[str, ...] = ("python", "-m", "pytest", "-q", "--junit-xml=junit.xml", "tests")
    exit_code: int | None = 0
    duration_s: float = 12.5
    isolated: bool = True


class FakeGate:
    """A project whose gate runs at moments of our choice.

    Args:
        root: a folder for it.
        policy: its `gate.toml`.
    """

    def __init__(self, root: Path, policy: str) -> None:
        root.mkdir(parents=True, exist_ok=True)
        (root / "gate.toml").write_text(policy, encoding="utf-8")
        (root / ".gitignore").write_text("docs/evidence/**\n", encoding="utf-8")
        self.project = Project(root)

    def open(self, run_id: str, clock: FakeClock, *, profile: str = "quick", **subject: Any) -> Run:
        """Open a run, of a commit and on a machine that are always the same."""
        run = open_run(self.project, load_policy(self.project.policy), clock, run_id=run_id, profile=profile)
        known = run.subject.model_copy(update={"commit": COMMIT, "dirty": False} | subject)
        return replace(run, subject=known, environment=MACHINE)

    def run(
        self,
        checks: Mapping[str, Planted],
        *,
        number: int = 0,
        profile: str = "quick",
        before_close: Callable[[Run], None] = lambda _: None,
        **subject: Any,
    ) -> VerdictDocument:
        """One whole run, hours after the one of the number before.

        Args:
            checks: what each check left; those of the policy that are not among them left nothing.
            number: of the run, from 0 on.
            profile: `quick` or `full`.
            before_close: may still change what was left.
            subject: fields of the subject that differ from the usual.
        """
        begun = BEGUN + timedelta(hours=5 * number)
        clock = FakeClock(begun)
        run = self.open(f"{begun:%Y%m%dT%H%M%SZ}-{number:06x}", clock, profile=profile, **subject)
        for name, planted in checks.items():
            leave(run, name, planted, clock)
        before_close(run)
        clock.advance(1)
        return run.close(clock)

    @property
    def latest(self) -> Path:
        """The page of the latest verdict."""
        return self.project.evidence / "latest.html"

    def page_of(self, document: VerdictDocument) -> Path:
        """The page in the folder of a run."""
        return self.project.runs / document.run_id / "verdict.html"


def leave(run: Run, name: str, planted: Planted, clock: FakeClock) -> None:
    """Write what a check left, and its manifest; nothing here has to outlive a crash."""
    folder = run.folder / name
    folder.mkdir()
    for path, content in planted.files.items():
        text = content if isinstance(content, str) else json.dumps(retimed(content, clock.now()))
        (folder / path).write_text(text, encoding="utf-8")
    (folder / "step-1.log").write_text(
        "...\n1 failed\n" if planted.exit_code else "...\nall passed\n", encoding="utf-8"
    )
    results = run.policy.policy.checks[name].results
    begun = clock.now()
    clock.advance(planted.duration_s)
    step = Step(
        argv=planted.argv,
        exit_code=planted.exit_code,
        signal="" if planted.exit_code is not None else "SIGKILL",
        started_at=begun,
        finished_at=clock.now(),
        duration_s=planted.duration_s,
        log="step-1.log",
    )
    manifest = Manifest(
        run_id=run.run_id,
        check=name,
        profile=run.profile,
        isolated=planted.isolated,
        policy=run.policy.digest,
        subject=Subject(**{key: getattr(run.subject, key) for key in Subject.model_fields}),
        environment=run.environment,
        started_at=begun,
        finished_at=clock.now(),
        duration_s=planted.duration_s,
        steps=(step,),
        counts=total(tuple(read_result(folder, result.path, result.format) for result in results)),
        files=tuple(hash_file(folder, path) for path in list_folder(folder).files),
    )
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")


def retimed(report: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A report of just now: old evidence is stale."""
    if "started_at" not in report:
        return report
    return report | {"started_at": now.isoformat(), "finished_at": now.isoformat()}
