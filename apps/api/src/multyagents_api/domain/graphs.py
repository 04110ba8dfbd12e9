"""Graphs of steps: each named once, depending on others of the same graph without a circle."""

from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Protocol

from multyagents_api.domain.errors import Place

__all__ = ["Node", "Offence", "graph_offences"]

Offence = tuple[Place, str]
"""What is wrong with something, and where in it."""


class Node(Protocol):
    """A step of a template, or a task made of one."""

    @property
    def step_id(self) -> str:
        """Its name within the graph."""
        ...

    @property
    def depends_on(self) -> Sequence[str]:
        """The names of the steps that it waits for."""
        ...


def graph_offences(nodes: Sequence[Node]) -> Iterator[Offence]:
    """What keeps steps from being a directed acyclic graph; places begin with the index of a step.

    A circle has no place of its own, and is looked for only among steps without other offences.
    """
    found = False
    for offence in (*_repeated_names(nodes), *_unknown_dependencies(nodes)):
        found = True
        yield offence
    if not found:
        yield from _circles(nodes)


def _repeated_names(nodes: Sequence[Node]) -> Iterator[Offence]:
    seen: set[str] = set()
    for index, node in enumerate(nodes):
        if node.step_id in seen:
            yield (index, "step_id"), f"the step_id {node.step_id!r} is used twice"
        seen.add(node.step_id)


def _unknown_dependencies(nodes: Sequence[Node]) -> Iterator[Offence]:
    names = {node.step_id for node in nodes}
    for index, node in enumerate(nodes):
        for position, dependency in enumerate(node.depends_on):
            if dependency not in names:
                yield (index, "depends_on", position), f"there is no step {dependency!r} to depend on"


def _circles(nodes: Sequence[Node]) -> Iterator[Offence]:
    try:
        TopologicalSorter({node.step_id: node.depends_on for node in nodes}).prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        yield (), f"the steps depend on each other in a circle: {circle}"
