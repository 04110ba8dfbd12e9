"""The mutation score of the judge's room, `src/gatewright/gate`: how many small faults the tests notice.

mutmut (see `[tool.mutmut]` in pyproject.toml) plants one fault after the other in a copy of the sources and
runs the tests that reach it. It plants none in constants, annotations and decorated functions (validators,
properties).
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["WANTED", "Score", "main", "read_score"]

ROOT = Path(__file__).resolve().parents[1]
MUTANTS = ROOT / "mutants"
WANTED = 0.95
"""The share of faults that tests must notice; docs/mutation.md has the score by module."""

SURVIVED = {0, 5, 33}
"""What mutmut notes for a mutant that every test let pass, or that no test reached."""
NOT_TRIED = {None, 2, 34}


@dataclass(frozen=True)
class Score:
    """How many mutants there are, and the names of those that nobody noticed and that were not tried."""

    total: int
    survivors: tuple[str, ...]
    untried: tuple[str, ...]

    @property
    def share(self) -> float:
        """The share that was noticed; a mutant that was not tried was not, and of none nothing was."""
        return (self.total - len(self.survivors) - len(self.untried)) / self.total if self.total else 0.0


def read_score(mutants: Path) -> Score:
    """What mutmut has left beside each file that it mutated."""
    codes: dict[str, int | None] = {}
    for path in sorted(mutants.rglob("*.py.meta")):
        codes |= json.loads(path.read_bytes())["exit_code_by_key"]
    return Score(
        total=len(codes),
        survivors=tuple(name for name, code in codes.items() if code in SURVIVED),
        untried=tuple(name for name, code in codes.items() if code in NOT_TRIED),
    )


def main(arguments: list[str]) -> int:
    """Plant all faults and judge the score; arguments are the names of mutants, all of them by default."""
    shutil.rmtree(MUTANTS, ignore_errors=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    lanes = str(os.cpu_count() or 1)
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", lanes, *arguments]
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    score = read_score(MUTANTS)
    for name in (*score.survivors, *score.untried):
        print(f"not noticed: {name} (python -m mutmut show {name})")
    print(f"{score.share:.1%} of {score.total} mutants were noticed, at least {WANTED:.0%} are wanted")
    return code or (0 if score.share >= WANTED else 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
