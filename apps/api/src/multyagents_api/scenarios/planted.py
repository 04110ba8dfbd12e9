"""Planted faults: each takes one guard out of the service while it is entered, and its race must notice.

They replace statements and functions at run time and never stand in the service's own modules.
"""

from gatewright.race.selfcheck import PlantedFault
from multyagents_api.scenarios import planted_attempts as attempts
from multyagents_api.scenarios import planted_dispatches as dispatches
from multyagents_api.scenarios import planted_runs as runs
from multyagents_api.scenarios.race_suite import (
    AbortDispatch,
    Adoption,
    ApprovalDispatch,
    Callback,
    CancelCompletion,
    Completion,
    FallingDependency,
    HeldRerun,
    KeyedCallback,
    LateArtifact,
    Onlooker,
    Operators,
    Outbox,
    ParallelDispatch,
    PartialRerun,
    PathLock,
    PauseDispatch,
    Queue,
    Reapproval,
    RerunDispatch,
    RerunTwice,
    Retry,
    StaleAttempt,
    Submission,
    TwoReruns,
)

__all__ = ["FAULTS"]

FAULTS: tuple[PlantedFault, ...] = tuple(
    PlantedFault(plant.__name__.replace("_", "-"), str(plant.__doc__), scenario, plant)
    for plant, scenario in (
        (dispatches.double_dispatch, ParallelDispatch),
        (dispatches.giving_up_at_once, CancelCompletion),
        (dispatches.unapproved_dispatch, ApprovalDispatch),
        (dispatches.approval_read_before_the_write, Reapproval),
        (dispatches.dispatch_in_a_held_run, PauseDispatch),
        (dispatches.gated_task_blocks_free_one, Queue),
        (dispatches.blocked_told_again, Queue),
        (dispatches.outbox_outside_the_transaction, Onlooker),
        (dispatches.events_outside_the_transaction, Onlooker),
        (dispatches.lost_audit_update, Onlooker),
        (dispatches.overdue_taken_on_twice, Outbox),
        (dispatches.task_in_two_runs, Adoption),
        (attempts.backward_callback, Callback),
        (attempts.callback_key_outside_the_transaction, KeyedCallback),
        (attempts.stale_attempt, StaleAttempt),
        (attempts.late_answer_overwrites_callback, Submission),
        (attempts.numbers_not_given_back, Submission),
        (attempts.cancel_overwrites_the_end, CancelCompletion),
        (attempts.running_on_after_a_cancel, CancelCompletion),
        (attempts.stale_look, Completion),
        (attempts.unnoted_move, Completion),
        (attempts.retry_over_budget, Retry),
        (attempts.paths_checked_before_the_write, PathLock),
        (attempts.paths_released_early, PathLock),
        (attempts.artifact_of_a_reset_attempt, LateArtifact),
        (runs.double_rerun, PartialRerun),
        (runs.unchecked_reset, PartialRerun),
        (runs.lost_rerun_count, TwoReruns),
        (runs.uncounted_rerun, RerunDispatch),
        (runs.uncounted_change, LateArtifact),
        (runs.unversioned_rerun, LateArtifact),
        (runs.rerun_of_a_busy_run, RerunDispatch),
        (runs.rerun_of_a_held_run, HeldRerun),
        (runs.rerun_of_another_failure, RerunTwice),
        (runs.rerun_over_a_fallen_dependency, FallingDependency),
        (runs.second_decision, ApprovalDispatch),
        (runs.decision_overwritten, ApprovalDispatch),
        (runs.decision_after_the_abort, AbortDispatch),
        (runs.operator_overwrites_operator, Operators),
        (runs.pause_undone_by_callback, Operators),
        (runs.abort_forgets_what_went_meanwhile, AbortDispatch),
    )
)
