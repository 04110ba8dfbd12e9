"""Planted faults: each takes one guard out of the service while it is entered, and its race must notice.

They replace statements and functions at run time and never stand in the service's own modules.
"""

from gatewright.race.selfcheck import PlantedFault
from multyagents_api.scenarios.planted import attempts, dispatches, runs
from multyagents_api.scenarios.races import attempts as races_attempts
from multyagents_api.scenarios.races import dispatches as races
from multyagents_api.scenarios.races import leases as races_leases
from multyagents_api.scenarios.races import operators as races_operators
from multyagents_api.scenarios.races import queues as races_queues
from multyagents_api.scenarios.races import reruns as races_reruns

__all__ = ["FAULTS"]

FAULTS: tuple[PlantedFault, ...] = tuple(
    PlantedFault(plant.__name__.replace("_", "-"), str(plant.__doc__), scenario, plant)
    for plant, scenario in (
        (dispatches.double_dispatch, races.ParallelDispatch),
        (dispatches.giving_up_at_once, races_attempts.CancelCompletion),
        (dispatches.dispatch_acknowledged_twice, races_queues.Queue),
        (dispatches.unapproved_dispatch, races.ApprovalDispatch),
        (dispatches.approval_read_before_the_write, races_reruns.Reapproval),
        (dispatches.dispatch_in_a_held_run, races_operators.PauseDispatch),
        (dispatches.gated_task_blocks_free_one, races_queues.Queue),
        (dispatches.blocked_told_again, races_queues.Queue),
        (dispatches.outbox_outside_the_transaction, races_queues.Onlooker),
        (dispatches.events_outside_the_transaction, races_queues.Onlooker),
        (dispatches.lost_audit_update, races_queues.Onlooker),
        (dispatches.overdue_taken_on_twice, races_queues.Outbox),
        (dispatches.task_in_two_runs, races_queues.Adoption),
        (attempts.backward_callback, races_attempts.Callback),
        (attempts.callback_key_outside_the_transaction, races_attempts.KeyedCallback),
        (attempts.stale_attempt, races_attempts.StaleAttempt),
        (attempts.late_answer_overwrites_callback, races_attempts.Submission),
        (attempts.lease_not_looked_at_again, races_leases.Lease),
        (attempts.numbers_not_given_back, races_attempts.Submission),
        (attempts.cancel_overwrites_the_end, races_attempts.CancelCompletion),
        (attempts.running_on_after_a_cancel, races_attempts.CancelCompletion),
        (attempts.stale_look, races_attempts.Completion),
        (attempts.unnoted_move, races_attempts.Completion),
        (attempts.retry_over_budget, races_attempts.Retry),
        (attempts.retry_reuses_the_number, races_attempts.Retry),
        (attempts.paths_checked_before_the_write, races_queues.PathLock),
        (attempts.paths_released_early, races_queues.PathLock),
        (attempts.artifact_of_a_reset_attempt, races_reruns.LateArtifact),
        (runs.double_rerun, races.PartialRerun),
        (runs.unchecked_reset, races.PartialRerun),
        (runs.lost_rerun_count, races_reruns.TwoReruns),
        (runs.uncounted_rerun, races_reruns.RerunDispatch),
        (runs.uncounted_change, races_reruns.LateArtifact),
        (runs.unversioned_rerun, races_reruns.LateArtifact),
        (runs.rerun_of_a_busy_run, races_reruns.RerunDispatch),
        (runs.rerun_of_a_held_run, races_reruns.HeldRerun),
        (runs.rerun_of_another_failure, races_reruns.RerunTwice),
        (runs.rerun_over_a_fallen_dependency, races_reruns.FallingDependency),
        (runs.second_decision, races.ApprovalDispatch),
        (runs.decision_overwritten, races.ApprovalDispatch),
        (runs.decision_after_the_abort, races_operators.AbortDispatch),
        (runs.operator_overwrites_operator, races_operators.Operators),
        (runs.pause_answered_too_late, races_operators.Operators),
        (runs.pause_undone_by_callback, races_operators.Operators),
        (runs.abort_forgets_what_went_meanwhile, races_operators.AbortDispatch),
    )
)
