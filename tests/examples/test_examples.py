"""The examples do what their pages say, though their services know nothing of the toolkit."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHOPS = sorted(folder.parent for folder in ROOT.glob("examples/*/shop.py"))
PLUGIN = "gatewright.plugins.pytest_race"


@pytest.fixture(params=SHOPS, ids=[shop.name for shop in SHOPS])
def shop(request: pytest.FixtureRequest) -> Path:
    """The folder of an example."""
    return request.param


def race(shop: Path, tapes: Path, guard: str) -> subprocess.CompletedProcess[str]:
    """Run an example's test as its page says, in a process of its own, warnings being errors."""
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "pytest", "-v", "-W", "error", "-p", "no:cacheprovider"]
    if not entry_points(group="pytest11", name="gatewright"):
        command += ["-p", PLUGIN]
    return subprocess.run(
        [*command, f"--race-tapes={tapes}"],
        cwd=shop,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "SHOP_GUARD": guard},
        text=True,
        capture_output=True,
        check=False,
    )


@pytest.mark.end_to_end
def test_without_its_guard_a_shop_sells_a_seat_twice(shop: Path, tmp_path: Path) -> None:
    """The test fails with one preemption, names both customers, and keeps the schedule: as its page shows."""
    result = race(shop, tmp_path, "off")
    assert result.returncode == 1, result.stdout + result.stderr
    page = (shop / "README.md").read_text(encoding="utf-8")
    shown = page.split("```")[1].strip().splitlines()[:-2]  # the last two name a tape, by its content
    assert "seat-race: FAIL with 1 preemption (schedule 3, icb)" in shown
    assert "  sold to bob and alice" in shown
    assert "\n".join(shown) in result.stdout
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.end_to_end
def test_the_guide_leads_to_a_test_that_passes(tmp_path: Path) -> None:
    """Its code, put beside the async shop, is a whole test."""
    code = (
        (ROOT / "docs" / "guide-race.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    )
    (tmp_path / "test_seat_race.py").write_text(code, encoding="utf-8")
    shutil.copy(ROOT / "examples" / "async_shop" / "shop.py", tmp_path)
    result = race(tmp_path, tmp_path, "on")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.end_to_end
def test_with_its_guard_a_shop_passes(shop: Path, tmp_path: Path) -> None:
    """No false alarm, and the search within the bound is exhausted."""
    result = race(shop, tmp_path, "on")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "seat-race: PASS" in result.stdout
    assert "all schedules with up to 2 preemptions" in result.stdout


def test_a_shop_knows_nothing_of_the_toolkit(shop: Path) -> None:
    """Only the test imports it."""
    importing = [file.name for file in shop.rglob("*.py") if "gatewright" in file.read_text(encoding="utf-8")]
    assert importing == ["test_seat_race.py"]
