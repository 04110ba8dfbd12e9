"""What a race suite found, typed: the evidence that is written and read back."""

from typing import Literal

from pydantic import Field, FiniteFloat, JsonValue, NonNegativeFloat, NonNegativeInt

from gatewright.core.verdict import Verdict
from gatewright.evidence.report import Model, SuiteReport
from gatewright.race.tape import Tape

__all__ = [
    "SCHEMA",
    "Aggregate",
    "Counterexample",
    "FaultResult",
    "InvariantResult",
    "IterationDetail",
    "IterationFailure",
    "MissBoundResult",
    "OperationDetail",
    "RaceReport",
    "ScenarioResult",
    "SelfCheckResult",
    "Skipped",
    "StepDetail",
]

SCHEMA: Literal["gatewright.race/1"] = "gatewright.race/1"
Mode = Literal["explore", "stress", "self-check"]


class Aggregate(Model):
    """A metric over all iterations of a scenario."""

    min: FiniteFloat
    max: FiniteFloat
    sum: FiniteFloat
    avg: FiniteFloat


class IterationFailure(Model):
    """What an invariant saw in one iteration."""

    iteration: NonNegativeInt
    violations: tuple[str, ...]


class InvariantResult(Model):
    """One invariant: in how many iterations it was evaluated, in how many it was violated, and how."""

    name: str
    sentence: str
    evaluated: NonNegativeInt
    violated: NonNegativeInt
    failures: tuple[IterationFailure, ...]


class OperationDetail(Model):
    """A request of one actor and its answer; `error` is what the app raised, or why no answer came.

    `called` and `returned` count steps in mode explore and are nanoseconds of one clock in mode stress.
    """

    actor: str
    method: str
    path: str
    body: JsonValue
    status: int
    answer: JsonValue
    error: str
    called: NonNegativeInt
    returned: NonNegativeInt


class StepDetail(Model):
    """An actor went on past a point.

    `waited`: it ran into another's lock and stopped again; `preempts` names the actor that could have gone on
    and was stopped for it, if there is one.
    """

    actor: str
    label: str
    waited: bool
    preempts: str


class IterationDetail(Model):
    """One schedule, or one release of the barrier, whole."""

    iteration: NonNegativeInt
    strategy: str
    verdict: Verdict
    metrics: dict[str, int]
    violations: dict[str, tuple[str, ...]]
    operations: tuple[OperationDetail, ...]
    steps: tuple[StepDetail, ...]


class Counterexample(Model):
    """The failing schedule with the fewest preemptions, and how to see it again.

    `reproduced` of `replays` replays took the same steps and violated the same invariants. `interleaving` is
    the statement log as text, a column for each actor. `broken_at` has the number of the step that broke an
    invariant, where that is known. `tape_file` stands beside the report and holds `tape`, which `command`
    replays; `picture_file` shows it in a browser.
    """

    iteration: NonNegativeInt
    strategy: str
    preemptions: NonNegativeInt
    violations: dict[str, tuple[str, ...]]
    broken_at: dict[str, NonNegativeInt]
    operations: tuple[OperationDetail, ...]
    steps: tuple[StepDetail, ...]
    interleaving: tuple[str, ...]
    replays: NonNegativeInt
    reproduced: NonNegativeInt
    tape: Tape
    tape_file: str
    picture_file: str
    command: str


class MissBoundResult(Model):
    """How likely a bug of a depth was missed: with a chance of at most (1 - 1/(n * k^(d-1)))^N.

    n are the `actors`, k is the `horizon` (the measured number of steps), d the `depth`, N the `runs` of PCT;
    no other strategy's schedules count.
    """

    depth: NonNegativeInt
    actors: NonNegativeInt
    horizon: NonNegativeInt
    runs: NonNegativeInt
    chance: NonNegativeFloat


class ScenarioResult(Model):
    """One scenario in one mode.

    Attributes:
        scenario: its name.
        mode: an iteration is one controlled schedule in `explore`, one release of the barrier in `stress`.
        process_model: what the actors share.
        database: what the servers under stress share; empty in mode explore.
        iterations: how many there were.
        failed: in how many an invariant was violated.
        overlapped: in how many two actors were under way at once.
        strategies: iterations by strategy.
        achieved: by strategy, what its schedules have covered.
        pruned: turns within the bound that were left out, since nothing new could come of them.
        miss_bounds: how likely PCT has missed a bug, by depth, also where that is too weak to comfort.
        first_failure: the first failing iteration; 0 when none failed.
        metrics: aggregated over all iterations.
        invariants: all of them, those that hold too.
        doubts: what forbids a PASS.
        details: every failing iteration and the first few.
        counterexample: in mode explore, when a schedule failed.
    """

    scenario: str
    mode: Mode
    process_model: str
    database: str = ""
    verdict: Verdict
    iterations: NonNegativeInt
    failed: NonNegativeInt
    overlapped: NonNegativeInt
    strategies: dict[str, NonNegativeInt]
    achieved: dict[str, str]
    pruned: NonNegativeInt = 0
    miss_bounds: tuple[MissBoundResult, ...] = ()
    first_failure: NonNegativeInt
    metrics: dict[str, Aggregate]
    invariants: tuple[InvariantResult, ...]
    doubts: tuple[str, ...]
    details: tuple[IterationDetail, ...]
    counterexample: Counterexample | None

    @property
    def place(self) -> str:
        """The mode, and the database where there is one to name."""
        return f"{self.mode} on {self.database}" if self.database else self.mode


class FaultResult(Model):
    """A planted fault, after so many schedules: a row of the matrix of faults and oracles.

    Attributes:
        fault: its name.
        sentence: what it takes away.
        scenario: which should see it.
        killed: whether it did.
        killed_by: the invariants that saw it.
        oracles: for each invariant of the scenario, whether it saw the fault in the schedule that killed it.
        schedules: how many it took; all there are when it survived.
        preemptions: in the schedule that killed it.
        false_alarms: invariants that saw something in that schedule without the fault, too.
        doubts: why it could not be planted, or known.
    """

    fault: str
    sentence: str
    scenario: str
    killed: bool
    killed_by: tuple[str, ...]
    oracles: dict[str, bool] = Field(default_factory=dict)
    schedules: NonNegativeInt
    preemptions: NonNegativeInt
    false_alarms: tuple[str, ...] = ()
    doubts: tuple[str, ...]


class SelfCheckResult(Model):
    """Whether the suite can see: a green suite whose self-check let a fault live is not green."""

    planted: NonNegativeInt
    killed: NonNegativeInt
    faults: tuple[FaultResult, ...]

    @property
    def verdict(self) -> Verdict:
        """FAIL for an alarm without a fault, INCONCLUSIVE when one lives or none was planted."""
        if any(fault.false_alarms for fault in self.faults):
            return Verdict.FAIL
        return Verdict.PASS if 0 < self.planted == self.killed else Verdict.INCONCLUSIVE


class Skipped(Model):
    """A part of the suite that this machine can't run, and why; the rest stands for itself."""

    mode: Mode
    database: str
    reason: str


class RaceReport(SuiteReport):
    """What a race suite found.

    Everything but `started_at`, `finished_at`, `timings` and results of mode stress is the same for the same
    seed. `timings` has seconds by phase and schedules per second by scenario. `shard` is the part of the work
    that this is, `merged_from` the parts that were joined; `amount` is a digest of the configuration,
    `source` one of the work tree (of shards only), `command` what runs the suite.
    """

    schema_version: Literal["gatewright.race/1"] = SCHEMA
    modes: tuple[Mode, ...]
    seed: int
    profile: str
    shard: str = "1/1"
    amount: str = ""
    source: str = ""
    command: str = ""
    merged_from: tuple[str, ...] = ()
    scenarios: tuple[ScenarioResult, ...]
    self_check: SelfCheckResult | None
    skipped: tuple[Skipped, ...] = ()
    timings: dict[str, NonNegativeFloat] = Field(default_factory=dict)
