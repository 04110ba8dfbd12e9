"""The mutation score counts what was noticed, and nothing that was not tried."""

import json
from pathlib import Path

import pytest
from mutation import WANTED, read_score


def left(folder: Path, **codes: int | None) -> Path:
    (folder / "a.py.meta").write_text(json.dumps({"exit_code_by_key": codes}), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("codes", "share", "survivors", "untried"),
    [
        ({}, 0.0, (), ()),
        ({"killed": 1, "slow": 36, "crash": -11}, 1.0, (), ()),
        ({"killed": 1, "alive": 0}, 0.5, ("alive",), ()),
        (
            {"killed": 1, "unreached": 33, "unfinished": None, "skipped": 34},
            0.25,
            ("unreached",),
            ("unfinished", "skipped"),
        ),
    ],
)
def test_only_what_a_test_noticed_counts(
    codes: dict[str, int | None],
    share: float,
    survivors: tuple[str, ...],
    untried: tuple[str, ...],
    tmp_path: Path,
) -> None:
    score = read_score(left(tmp_path, **codes))
    assert score.share == share
    assert (score.survivors, score.untried) == (survivors, untried)
    assert (score.share >= WANTED) == (share == 1.0)
