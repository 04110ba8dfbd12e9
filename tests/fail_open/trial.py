"""Put cases to a gate, each in a project of its own, and record what it says.

Needs the standard library alone.
"""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fail_open.changes import apply, place, placed
from fail_open.corpus import Case
from fail_open.gates import NO_ANSWER, Gate
from fail_open.situation import write_project

__all__ = ["Outcome", "TrialError", "try_cases"]

CLEAN = Case("control", "clean", "The project that other cases spoil.", "run", 0)
BEGAN = "began"
"""A file beside the project, which a check makes as it begins."""


class TrialError(Exception):
    """A gate that can't be tried: it does not pass the clean project, or does not keep what it says it keeps."""


@dataclass(frozen=True)
class Outcome:
    """What a gate said of a case. `exit_code` is None when it gave no answer in time, or was not asked."""

    case: Case
    offered: bool
    exit_code: int | None = None
    seconds: float = 0

    @property
    def passed(self) -> bool:
        """Whether the gate said PASS."""
        return self.offered and self.exit_code == 0

    @property
    def word(self) -> str:
        """What became of it, in a word or two."""
        if not self.offered:
            return "not offered"
        if self.case.is_control:
            return "passed" if self.passed else "refused"
        return "fell open" if self.passed else "held"


def try_cases(
    gate: Gate, cases: list[Case], folder: Path, *, limit_s: float, jobs: int = 1
) -> tuple[Outcome, ...]:
    """Put cases to a gate.

    Args:
        gate: which.
        cases: all of them; those that it does not offer are not asked.
        folder: an empty folder to work in.
        limit_s: how long each answer may take, in seconds.
        jobs: how many are put at once, each in a folder of its own.

    Returns:
        One outcome for each case, in their order.

    Raises:
        TrialError: the gate can't be tried.
    """
    shares = [cases[number::jobs] for number in range(jobs)]
    with ThreadPoolExecutor(jobs) as pool:
        outcomes = list(
            pool.map(
                lambda number, share: list(try_share(gate, share, new_folder(folder / str(number)), limit_s)),
                range(jobs),
                shares,
            )
        )
    return tuple(outcomes[index % jobs][index // jobs] for index in range(len(cases)))


def new_folder(path: Path) -> Path:
    """Make a folder."""
    path.mkdir()
    return path


def try_share(gate: Gate, cases: list[Case], folder: Path, limit_s: float) -> Iterator[Outcome]:
    """Put cases to a gate, one after the other."""
    trial = Trial(gate, folder, limit_s)
    for case in cases:
        if not gate.offers(case):
            yield Outcome(case, offered=False)
            continue
        begin = time.monotonic()
        code = trial.put(case)
        yield Outcome(case, offered=True, exit_code=code, seconds=round(time.monotonic() - begin, 2))


class Trial:
    """One gate in one folder.

    All projects lie at the same path, one after the other, so that what a gate has written about places stays true
    when a clean run is put back.
    """

    def __init__(self, gate: Gate, folder: Path, limit_s: float) -> None:
        self.gate = gate
        self.project = folder / "project"
        self.kept = folder / "kept"
        self.limit_s = limit_s

    def put(self, case: Case) -> int | None:
        """The exit code of the gate for a case."""
        if case.kind in {"judge", "verify"}:
            self.restore()
            return self.ask_later(case)
        self.clear()
        if case.kind == "run":
            return self.run(case, "clean")
        self.run(case, "earlier", first=True)
        return self.killed(case) if case.kind == "kill" else self.run(case, "clean")

    def run(self, case: Case, run: str, *, first: bool = False) -> int | None:
        """Write the project and run the gate in it."""
        write_project(self.project, case, first=first)
        self.prepare(run)
        return self.gate.answer(self.gate.gate, self.project, run, limit_s=self.limit_s)

    def killed(self, case: Case) -> int | None:
        """Kill the gate amid its check, then ask for its verdict."""
        write_project(self.project, case)
        self.prepare("clean")
        began = self.project.parent / BEGAN
        began.unlink(missing_ok=True)
        self.gate.kill_when(began.exists, self.project, "clean", limit_s=self.limit_s)
        return self.gate.answer(self.gate.judge, self.project, "clean", limit_s=self.limit_s)

    def ask_later(self, case: Case) -> int | None:
        """Spoil what a clean run has left, then ask about it."""
        places = self.gate.places("clean")
        try:
            for change in case.change:
                apply(self.project, placed(change, places))
        except (OSError, LookupError, ValueError, AssertionError) as error:
            raise TrialError(f"{self.gate.name}: {case.name} finds nothing to spoil: {error!r}") from None
        self.prepare("clean")
        command = self.gate.judge if case.kind == "judge" else self.gate.verify
        return self.gate.answer(
            command, self.project, "clean", limit_s=self.limit_s, folder=place(case.folder, places)
        )

    def prepare(self, run: str) -> None:
        """Let the gate write what it needs."""
        if self.gate.prepare and self.gate.answer(self.gate.prepare, self.project, run, limit_s=self.limit_s):
            raise TrialError(f"{self.gate.name}: its command to prepare a project fails")

    def restore(self) -> None:
        """Put the project of a clean run back; the first time, make it, with a run before."""
        if not self.kept.exists():
            self.clear()
            codes = [self.run(CLEAN, run) for run in ("earlier", "clean")]
            if codes != [0, 0]:
                said = "no answer" if NO_ANSWER in codes else f"exit codes {codes}"
                raise TrialError(f"{self.gate.name} does not pass the clean project ({said})")
            shutil.copytree(self.project, self.kept, symlinks=True)
        self.clear()
        shutil.copytree(self.kept, self.project, symlinks=True)

    def clear(self) -> None:
        """Take the project of the last case away."""
        if self.project.exists():
            shutil.rmtree(self.project)
