"""What must hold of a run after a restart, beyond what must hold after any race."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from multyagents_api.scenarios.oracles.order import (
    artifacts_in_time,
    audit_is_kept,
    decided_in_time,
    rerun_by_the_rules,
    statuses_go_forward,
)
from multyagents_api.scenarios.oracles.run_state import RunState
from multyagents_api.scenarios.oracles.runs import (
    DISPATCHED,
    Told,
    attempts_are_exclusive,
    dispatched_by_the_rules,
    ended_once,
    run_follows_from_tasks,
    sequences_are_gapless,
    single_dispatches,
)
from multyagents_api.scenarios.recording_runner import Delivery

__all__ = ["ORACLES", "each_reaches_the_runner", "violations"]


def tasks_follow_from_events(state: RunState) -> Iterator[str]:
    """Tasks are what their events tell of them: a change and its event are there both, or neither."""
    told = Told()
    for event in state.events:
        told.take(event)
    for task in state.tasks:
        expected = told.status.get(task.id, "created")
        if task.status != expected:
            yield f"task {task.id} is {task.status}, and its events make it {expected}"


ORACLES = {
    "lawful-statuses": (
        statuses_go_forward,
        ended_once,
        attempts_are_exclusive,
        tasks_follow_from_events,
        decided_in_time,
        artifacts_in_time,
        rerun_by_the_rules,
    ),
    "runs-follow-tasks": (run_follows_from_tasks,),
    "single-dispatches": (single_dispatches, dispatched_by_the_rules, audit_is_kept),
    "whole-events": (sequences_are_gapless,),
}
"""The oracles by the expectation that they look after."""


def violations(name: str, run_id: str, state: RunState) -> list[str]:
    """What one expectation's oracles say of a run."""
    return [f"run {run_id}: {what}" for oracle in ORACLES[name] for what in oracle(state)]


def each_reaches_the_runner(
    state: RunState, deliveries: Sequence[Delivery], recorded_at: Mapping[tuple[str, int], float]
) -> Iterator[str]:
    """Every dispatched attempt was handed over, always as the same, and not again after that was recorded.

    More deliveries are right: whoever is killed between handing over and recording it must do it again.

    Args:
        state: a run whose attempts are all over.
        deliveries: what arrived of it.
        recorded_at: when a client learned that an attempt is with the runner.
    """
    arrived: dict[tuple[str, int], list[Delivery]] = {}
    for delivery in deliveries:
        arrived.setdefault((delivery.task_id, delivery.attempt), []).append(delivery)
    dispatched = {
        (event.task_id or "", event.attempt or 0) for event in state.events if event.type == DISPATCHED
    }
    for task_id, attempt in sorted(dispatched - arrived.keys()):
        yield f"task {task_id} attempt {attempt} was dispatched, and never reached the runner"
    for task_id, attempt in sorted(arrived.keys() - dispatched):
        yield f"task {task_id} attempt {attempt} reached the runner, and was never dispatched"
    for key, each in arrived.items():
        yield from _unlike(key, each)
        late = sum(delivery.at > recorded_at.get(key, delivery.at) for delivery in each)
        if late:
            yield f"task {key[0]} attempt {key[1]} was handed over again after its answer was recorded"


def _unlike(key: tuple[str, int], deliveries: Iterable[Delivery]) -> Iterator[str]:
    """That an attempt was not handed over as the same each time."""
    forms = {(delivery.content, delivery.key) for delivery in deliveries}
    if len(forms) > 1:
        yield f"task {key[0]} attempt {key[1]} was handed over in {len(forms)} forms"
