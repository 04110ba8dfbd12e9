"""Gates whose pages are looked at."""

import pytest
from fakes.gate_stories import failing, passing


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    return failing(tmp_path_factory.mktemp("failed"))


@pytest.fixture(scope="module")
def passed(tmp_path_factory):
    return passing(tmp_path_factory.mktemp("passed"))
