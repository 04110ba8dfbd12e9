"""Runs that are sealed, and what an enemy who can write their folder does to them."""

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from fakes.keys import FakeKey

from gatewright.core.clock import SystemClock
from gatewright.evidence.dsse import IN_TOTO, Signer, seal
from gatewright.execution.gate import add_check
from gatewright.execution.project import Project, Settings
from gatewright.execution.run import open_run
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.policy import load_policy
from gatewright.gate.verify import SUMS, VERDICT, Verification

__all__ = [
    "ALL_SEALS",
    "OTHER",
    "RELEASE",
    "SIGNED",
    "UNIT_SEAL",
    "VERDICT_SEAL",
    "copy_from",
    "digest_of",
    "edit_json",
    "edit_payload",
    "edit_verdict",
    "payload_of",
    "reseal_sums",
    "rules",
    "run_signed",
]

RELEASE, OTHER = FakeKey("release"), FakeKey("other")
SIGNED = "[signing]\nrequired = true\n"
VERDICT_SEAL = "_attestations/verdict.dsse.json"
UNIT_SEAL = "_attestations/check-unit.dsse.json"
ALL_SEALS = (VERDICT_SEAL, UNIT_SEAL, "_attestations/check-stress.dsse.json")


def run_signed(project: Project, run_id: str, signer: Signer | None = RELEASE) -> VerdictDocument:
    """A run of the gate, as its steps are, by a signer of the test's own."""
    policy = load_policy(project.policy)
    run = open_run(project, policy, SystemClock(), run_id=run_id, signer=signer)
    for name in policy.policy.checks:
        add_check(project, Settings(), run.folder, name, clock=SystemClock(), echo=lambda _: None)
    return run.close(SystemClock())


def rules(verification: Verification) -> set[tuple[str, str]]:
    return {(problem.artifact, problem.rule) for problem in verification.problems}


def payload_of(path: Path) -> dict:
    return json.loads(base64.b64decode(json.loads(path.read_bytes())["payload"]))


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def reseal_sums(folder: Path) -> None:
    """Write all digests anew, as whoever can write the folder can."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = {path: path.relative_to(folder).as_posix() for path in files}
    lines = [
        f"{digest_of(path)}  {name}\n"
        for path, name in names.items()
        if name != SUMS and not name.startswith("_attestations/")
    ]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def edit_json(path: Path, change: Callable[[dict], object]) -> None:
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def edit_payload(path: Path, change: Callable[[dict], object], signer: FakeKey | None = None) -> None:
    """Change what an envelope says; with a signer, as that one would have signed it."""
    statement = payload_of(path)
    change(statement)
    data = json.dumps(statement).encode()
    if signer:
        path.write_text(seal(data, IN_TOTO, signer).to_json(), encoding="utf-8")
    else:
        edit_json(path, lambda it: it.update(payload=base64.b64encode(data).decode()))


def edit_verdict(folder: Path, change: Callable[[dict], object]) -> None:
    edit_json(folder / VERDICT, change)
    reseal_sums(folder)


def copy_from(other: str, path: str) -> Callable[[Path, Project], None]:
    return lambda folder, made: shutil.copyfile(made.runs / other / path, folder / path)
