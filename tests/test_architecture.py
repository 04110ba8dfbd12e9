"""The shape of the repository: import contracts, fixed names, locks, scripts, published schemas."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bootstrap.locks import lock_names
from launcher import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
SHELL_SCRIPTS = [
    ROOT / "scripts" / "multyagents",
    ROOT / ".ci" / "run",
    *sorted((ROOT / "scripts").glob("*.sh")),
]

FIXED_NAMES = [
    "noxfile.py",
    "tasks.py",
    "gate.toml",
    "pyproject.toml",
    "LICENSE",
    "README.md",
    "CONTRIBUTING.md",
    "scripts/multyagents",
    "scripts/launcher.py",
    "scripts/task-072-race-stress.sh",
    "scripts/task-076-slo-smoke.sh",
    "apps/api/pyproject.toml",
    "apps/api/scripts/task_072_concurrency_stress.py",
    "apps/api/scripts/task_076_slo_performance.py",
    "apps/api/src/multyagents_api/concurrency_stress.py",
    "apps/api/src/multyagents_api/slo_performance.py",
    "apps/api/src/multyagents_api/restart_persistence.py",
    "apps/api/tests/test_api_concurrency_stress.py",
    "apps/api/tests/test_api_slo_performance.py",
    "docs/TEST_MATRIX.md",
    "docs/PRODUCT_SPEC.md",
    "docs/ARCHITECTURE.md",
    "docs/evidence/task-072/README.md",
    "docs/evidence/task-076/README.md",
]

SUITE_REPORTS = [
    "gatewright.suites.race.report:RaceReport",
    "gatewright.suites.slo.compare_report:CompareReport",
    "gatewright.suites.slo.report:SloReport",
    "gatewright.suites.drill.report:DrillReport",
]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the checkout, with the project's packages importable."""
    path = os.pathsep.join(map(str, (ROOT / "src", ROOT / "apps" / "api" / "src")))
    environ = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, cwd=ROOT, env=environ, text=True, capture_output=True, check=False)


def test_rooms_import_only_what_lies_further_in():
    """The contracts of `.importlinter` hold, and every room is named in them."""
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    result = run(sys.executable, "-c", code, "--no-cache")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", FIXED_NAMES)
def test_names_that_users_rely_on_are_there(name: str):
    """They stand in the product's description and in other people's scripts."""
    assert (ROOT / name).is_file()


@pytest.mark.parametrize(
    "word",
    [
        "race-stress",
        "slo-smoke",
        "restart-persistence",
        "stress-smoke",
        "chaos",
        "security",
        "test",
        "gate",
        "judge",
        "verify",
        "explain",
        "replay",
        "doctor",
        "wheelhouse",
    ],
)
def test_the_launcher_knows_its_words(word: str):
    """The words that the documentation promises."""
    assert word in COMMANDS


@pytest.mark.parametrize("script", SHELL_SCRIPTS, ids=lambda script: script.name)
def test_shell_scripts_parse_and_can_be_started(script: Path):
    """`bash -n` is clean, and git keeps the executable bit."""
    assert os.access(script, os.X_OK)
    if (bash := shutil.which("bash")) is None:
        pytest.skip("there is no bash here")
    assert run(bash, "-n", str(script)).stderr == ""


@pytest.mark.parametrize("name", lock_names(ROOT))
def test_locks_hold_hashes_and_no_hosts(name: str):
    """A lock that names a host would send every user to whatever mirror made it."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^[a-z0-9][^\n#]*==[^\n]*\\$", text, re.MULTILINE)
    assert pinned
    assert text.count("\n    --hash=sha256:") >= len(pinned)
    assert "://" not in text
    assert "index-url" not in text


def test_every_lock_belongs_to_a_group():
    """A lock that nothing writes any more would be installed forever as it is."""
    assert {lock.stem for lock in (ROOT / "requirements").glob("*.txt")} == set(lock_names(ROOT))


def test_published_schemas_are_those_of_the_code(tmp_path: Path):
    """Readers of evidence validate against docs/schemas; a changed model changes them in the same commit.

    Mend it by `./scripts/multyagents schema --write docs/schemas` with the names of SUITE_REPORTS behind.
    """
    result = run(sys.executable, "-m", "gatewright", "schema", "--write", str(tmp_path), *SUITE_REPORTS)
    assert result.returncode == 0, result.stderr
    written, published = (
        {schema.name: schema.read_text(encoding="utf-8") for schema in folder.glob("*.json")}
        for folder in (tmp_path, ROOT / "docs" / "schemas")
    )
    assert len(written) > len(SUITE_REPORTS)
    assert published == written
