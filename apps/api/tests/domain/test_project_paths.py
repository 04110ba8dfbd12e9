"""Paths are compared part by part, and refused for their wording before anybody follows them."""

import pytest

from multyagents_api.domain.errors import InvalidPath
from multyagents_api.domain.projects import MOST_PARTS, check_root, check_wording, is_within, lies_in_any


@pytest.mark.parametrize(
    ("path", "root", "within"),
    [
        ("/srv/app", "/srv/app", True),
        ("/srv/app/src", "/srv/app", True),
        ("/srv/app2", "/srv/app", False),
        ("/srv", "/srv/app", False),
        ("/", "/srv", False),
        ("/srv", "/", True),
        ("/", "/", True),
    ],
)
def test_a_path_lies_within_another_by_whole_parts(path, root, within):
    """A name that begins like the root's is not under it."""
    assert is_within(path, root) is within
    assert lies_in_any(path, ["/nowhere", root]) is within


def test_nothing_lies_in_no_paths():
    """Where nothing is allowed, nothing is."""
    assert not lies_in_any("/srv", [])


@pytest.mark.parametrize("path", ["..", "../a", "a/..", "a/../b", "/srv/../etc", "a/" * MOST_PARTS])
def test_paths_that_go_up_or_too_deep_are_refused(path):
    """Whatever they would lead to."""
    with pytest.raises(InvalidPath) as refused:
        check_wording(path, ("root_path",))
    assert refused.value.place == ("root_path",)


@pytest.mark.parametrize("path", ["/srv/a..b", "...", "/", ".", "/srv//app/"])
def test_dots_in_names_are_no_way_up(path):
    """Only a part of exactly two dots goes up."""
    check_wording(path, ())


@pytest.mark.parametrize("path", ["srv", "./srv", "~/srv", ""])
def test_a_root_is_absolute(path):
    """It does not depend on where the service was started."""
    with pytest.raises(InvalidPath):
        check_root(path, ("root_path",))
