"""Context7: the role's default, unless the step forces it."""

import pytest

from multyagents_api.domain.context7 import Context7


@pytest.mark.parametrize(
    ("wanted", "by_default_off", "by_default_on"),
    [(Context7.INHERIT, False, True), (Context7.FORCE_ON, True, True), (Context7.FORCE_OFF, False, False)],
)
def test_a_step_inherits_or_forces(wanted, by_default_off, by_default_on):
    """Only what is inherited depends on the role."""
    assert wanted.resolve(role_default=False) is by_default_off
    assert wanted.resolve(role_default=True) is by_default_on
