"""Templates are directed acyclic graphs of steps with known roles."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multyagents_api.domain.errors import InvalidTemplate
from multyagents_api.domain.templates import Step, check_steps

ROLES = frozenset({1})


def step(step_id: str, *depends_on: str, role_id: int = 1) -> Step:
    return Step(step_id, role_id, "Do it", "", depends_on, requires_approval=False)


@pytest.mark.parametrize(
    ("steps", "place"),
    [
        ([step("a"), step("a")], ("steps", 1, "step_id")),
        ([step("a", role_id=2)], ("steps", 0, "role_id")),
        ([step("a", "b")], ("steps", 0, "depends_on", 0)),
        ([step("a"), step("b", "a", "a")], ("steps", 1, "depends_on", 1)),
        ([step("a", "a")], ("steps", 0, "depends_on", 0)),
        ([step("a", "c"), step("b", "a"), step("c", "b")], ("steps",)),
    ],
)
def test_a_bad_graph_is_refused_at_its_place(steps, place):
    """Repeated names, unknown roles or dependencies and circles are told with the place of the offence."""
    with pytest.raises(InvalidTemplate) as refused:
        check_steps(steps, ROLES)
    assert refused.value.place == place
    assert str(refused.value) == refused.value.problem


@settings(derandomize=True, max_examples=100, deadline=None)
@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(
            st.permutations(range(n)),
            st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=20),
        )
    )
)
def test_edges_along_any_order_are_accepted_in_any_listing(drawn):
    """Whatever the order of the steps in the list: edges from later to earlier in some order form no circle."""
    order, edges = drawn
    names = [f"s{index}" for index in range(len(order))]
    depends = {
        name: tuple(names[low] for low, high in sorted(edges) if high == index and low < high)
        for index, name in enumerate(names)
    }
    check_steps([step(names[index], *depends[names[index]]) for index in order], ROLES)
