"""The races of the API: the three that the release asks for first, then one for each other guard."""

from multyagents_api.scenarios.races.attempts import (
    Callback,
    CancelCompletion,
    Completion,
    KeyedCallback,
    Retry,
    StaleAttempt,
    Submission,
)
from multyagents_api.scenarios.races.dispatches import ApprovalDispatch, ParallelDispatch, PartialRerun
from multyagents_api.scenarios.races.leases import Lease
from multyagents_api.scenarios.races.operators import AbortDispatch, Operators, PauseDispatch
from multyagents_api.scenarios.races.queues import Adoption, Onlooker, Outbox, PathLock, Queue
from multyagents_api.scenarios.races.reruns import (
    FallingDependency,
    HeldRerun,
    LateArtifact,
    Reapproval,
    RerunDispatch,
    RerunTwice,
    TwoReruns,
)

__all__ = ["REQUIRED", "SCENARIOS", "STRESSED"]

REQUIRED = (ParallelDispatch, PartialRerun, ApprovalDispatch)
SCENARIOS = (
    *REQUIRED,
    Completion,
    Callback,
    KeyedCallback,
    Submission,
    StaleAttempt,
    CancelCompletion,
    Retry,
    PauseDispatch,
    Operators,
    AbortDispatch,
    TwoReruns,
    RerunDispatch,
    HeldRerun,
    RerunTwice,
    Reapproval,
    FallingDependency,
    LateArtifact,
    Queue,
    Onlooker,
    PathLock,
    Adoption,
    Outbox,
    Lease,
)
STRESSED = tuple(scenario for scenario in SCENARIOS if scenario not in {Outbox, Lease})
"""Those whose actors are clients of a server; sweeps are the servers' own, and wait long."""
