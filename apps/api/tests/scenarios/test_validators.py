"""Apps that share their validators are as if each had made its own."""

import sys

import pytest

from multyagents_api.bootstrap import AuthKind, Settings, create_app
from multyagents_api.scenarios import validators


def test_shared_validators_are_made_once_and_change_nothing(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """The contract is that of an app that made its own, which is the case where nothing is made yet."""
    validators.share_validators()
    settings = Settings(tmp_path / "runs.db", auth=AuthKind.OFF)
    sharing = create_app(settings).openapi()
    made = len(validators._made)
    assert create_app(settings).openapi() == sharing
    assert len(validators._made) == made > 100
    monkeypatch.setattr(validators, "_made", {})
    assert create_app(settings).openapi() == sharing
    assert 0 < len(validators._made) <= made


def test_a_fastapi_of_other_inner_parts_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    """Then every app makes its own."""
    monkeypatch.setitem(sys.modules, "fastapi._compat.v2", None)
    validators.share_validators()
