"""What a policy refers to is looked up in its project, and nothing of it is imported."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatewright.execution.surroundings import look_around

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("flat", True),
        ("flat.module", True),
        ("flat.missing", False),
        ("inner", True),
        ("deep.races", True),
        ("single", True),
        ("gatewright.gate.policy", True),
        ("gatewright.gate.missing", False),
        ("json", True),
        ("no_such_package", False),
        ("", False),
        (".", False),
        ("..", False),
        ("../flat", False),
        ("flat.", False),
    ],
)
def test_packages_are_found_where_projects_keep_them(tmp_path: Path, name: str, *, there: bool) -> None:
    """Beside the policy, below src, below the src of a part, or installed; a broken one is not run."""
    for place in ("flat", "src/inner", "apps/api/src/deep/races"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "__init__.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    (tmp_path / "flat" / "module.py").touch()
    (tmp_path / "single.py").touch()
    assert look_around(tmp_path, NOW).has_package(name) == there


def test_sessions_are_those_of_the_noxfile_beside_the_policy(tmp_path: Path) -> None:
    (tmp_path / "noxfile.py").write_text("import nox\n@nox.session\ndef tests(s): ...\n", encoding="utf-8")
    around = look_around(tmp_path, NOW)
    assert around.sessions.has("tests")
    assert around.now is NOW
