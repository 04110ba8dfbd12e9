"""The decision about all objectives of one measurement: PASS, FAIL, or what is missing for either."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from gatewright.core.verdict import Verdict, merge_verdicts
from gatewright.slo.advice import Lack, words_for_lack
from gatewright.slo.clumps import (
    ClumpRule,
    deflated_evidence,
    longest_unseen,
    looks_clumped,
    stall_of,
    variance_inflation,
)
from gatewright.slo.figures import UnusableFiguresError
from gatewright.slo.objective import LatencyObjective, Objective, SuccessObjective, ThroughputObjective
from gatewright.slo.sequential import Evidence, clopper_pearson, independent_evidence
from gatewright.slo.throughput import Flow, throughput_evidence

__all__ = ["ALPHA", "Decision", "Judge", "Measured", "Requirements", "Rule", "Tally"]

ALPHA = 0.05
STALL_S = 0.25
INDEPENDENT = "independent exceedances: e-process"
CLUMPED = "clumped exceedances: deflated e-process"
BLOCKS = "losses per second: Student's t"
Rule = str


@dataclass(frozen=True)
class Requirements:
    """What a decision needs at least, whatever the figures say.

    Attributes:
        alpha: probability of a wrong PASS, and of a wrong FAIL, of all objectives together.
        least_samples: runs before any decision.
        least_s: seconds of measurement before PASS; short clean runs hide stalls.
        least_fail_s: seconds before FAIL, so that one stall of the machine decides nothing.
        stall_s: a stall of this length, in seconds, is assumed to have been missed.
        break_s: so is one that breaks an objective for so many seconds, however far its threshold is. PASS of
            a p99 takes about 750 times as long: 0.2 s cost 150 s.
    """

    alpha: float = ALPHA
    least_samples: int = 100
    least_s: float = 10.0
    least_fail_s: float = 4.0
    stall_s: float = STALL_S
    break_s: float = 0.0


@dataclass(frozen=True)
class Tally:
    """What one objective saw: the runs that are its business, in the order of the schedule.

    Attributes:
        samples: how many there are.
        exceedances: ascending numbers, from 0 to `samples` - 1, of those that broke it.
        rate: how many come in a second, as planned.
        near_misses: likewise ascending, those beyond half of a latency's threshold, the broken ones included.
    """

    samples: int
    exceedances: Sequence[int]
    rate: float
    near_misses: Sequence[int] = ()

    def __post_init__(self) -> None:
        for numbers in (self.exceedances, self.near_misses):
            ascending = all(one < other for one, other in pairwise(numbers))
            if not ascending or (numbers and not 0 <= numbers[0] <= numbers[-1] < self.samples):
                raise UnusableFiguresError("runs must be numbered from 0 on, in ascending order")
        if not (self.samples >= 0 and 0 <= self.rate < math.inf):
            raise UnusableFiguresError(
                f"{self.samples} runs at {self.rate:g}/s: neither may be negative or infinite"
            )


@dataclass(frozen=True)
class Measured:
    """What is known at one moment: a gapless prefix of the schedule, every run of it over.

    Attributes:
        elapsed_s: seconds of the schedule that the prefix covers.
        tallies: by name, for every objective about latency or success.
        flows: by name, for every objective about throughput: arrivals and completions by blocks of time.
    """

    elapsed_s: float
    tallies: Mapping[str, Tally]
    flows: Mapping[str, Flow]

    def __post_init__(self) -> None:
        if not 0 <= self.elapsed_s < math.inf:
            raise UnusableFiguresError(f"no measurement takes {self.elapsed_s:g} s")


@dataclass(frozen=True)
class Decision:
    """What was decided about one objective, and on which figures.

    Attributes:
        objective: what was promised.
        verdict: PASS, FAIL, or INCONCLUSIVE.
        rule: the test that was applied.
        samples: runs that were judged.
        exceeded: runs that broke the objective; for throughput, runs that did not succeed in the window.
        evidence: anytime-valid p-values, before Holm's correction.
        lower: lower bound of the share of exceedances (of the rate, for throughput), one-sided at alpha.
        upper: likewise the upper bound.
        missing: in words, what would make it conclusive; empty when it is.
        excluded_s: PASS holds also if stalls that break the objective for up to so many seconds each were
            missed; None for throughput, and where nothing passes.
        demoted_from: the verdict that the figures would carry if the machine had been quiet; else None.
    """

    objective: Objective
    verdict: Verdict
    rule: Rule
    samples: int
    exceeded: int
    evidence: Evidence
    lower: float
    upper: float
    missing: str
    excluded_s: float | None = None
    demoted_from: Verdict | None = None


@dataclass(frozen=True)
class Weighed:
    """One objective's evidence before the objectives are seen together."""

    objective: Objective
    rule: Rule
    samples: int
    exceeded: int
    rate: float
    evidence: Evidence
    bounds: tuple[float, float]
    lack: Lack | None = None


class Judge:
    """Decides about objectives as often as it is asked; each answer holds by itself.

    Args:
        objectives: what was promised; their names differ.
        requirements: what a decision needs at least.
    """

    def __init__(self, objectives: Sequence[Objective], requirements: Requirements | None = None) -> None:
        self.objectives = tuple(objectives)
        self.requirements = requirements or Requirements()

    def decide(self, measured: Measured) -> tuple[Decision, ...]:
        """Decide about every objective; the error is shared among them by Holm's method, for each side.

        Raises:
            UnusableFiguresError: an objective was not measured.
        """
        self._ensure_measured(measured)
        weighed = [self._weigh(objective, measured) for objective in self.objectives]
        alpha = self.requirements.alpha
        passing = holm([each.evidence.p_pass for each in weighed], alpha)
        failing = holm([each.evidence.p_fail for each in weighed], alpha)
        return tuple(
            self._decision(each, measured, passes=passes, fails=fails)
            for each, passes, fails in zip(weighed, passing, failing, strict=True)
        )

    def verdict(self, decisions: Sequence[Decision]) -> Verdict:
        """All decisions in one word."""
        return merge_verdicts(decision.verdict for decision in decisions)

    def _weigh(self, objective: Objective, measured: Measured) -> Weighed:
        if isinstance(objective, ThroughputObjective):
            return self._weigh_flow(objective, measured.flows[objective.name])
        return self._weigh_tally(objective, measured.tallies[objective.name])

    def _ensure_measured(self, measured: Measured) -> None:
        for objective in self.objectives:
            kind = measured.flows if isinstance(objective, ThroughputObjective) else measured.tallies
            if objective.name not in kind:
                raise UnusableFiguresError(f"{objective.name} was not measured")

    def _weigh_flow(self, objective: ThroughputObjective, flow: Flow) -> Weighed:
        arrived = sum(flow.arrived)
        return Weighed(
            objective,
            rule=BLOCKS,
            samples=arrived,
            exceeded=max(0, arrived - sum(flow.completed)),
            rate=flow.offered_rate,
            evidence=throughput_evidence(flow, objective.runs_per_s),
            bounds=flow.bounds(self.requirements.alpha),
        )

    def _weigh_tally(self, objective: LatencyObjective | SuccessObjective, tally: Tally) -> Weighed:
        samples, numbers, allowed = tally.samples, tally.exceedances, objective.allowed_share
        clumps = self._clump_rule(objective, tally)
        factor = variance_inflation(max(1, samples), numbers, clumps)
        clumped = deflated_evidence(samples, len(numbers), allowed, factor=factor, unseen=clumps.stall)
        weighed = Weighed(
            objective,
            rule=CLUMPED,
            samples=samples,
            exceeded=len(numbers),
            rate=tally.rate,
            evidence=clumped,
            bounds=clopper_pearson(samples, len(numbers), self.requirements.alpha),
            lack=Lack(samples, len(numbers), allowed, factor, clumps.stall),
        )
        if looks_clumped(samples, numbers, clumps):
            return weighed
        evidence = independent_evidence(samples, len(numbers), allowed)
        if clumps.stall > 1:
            sceptical = Evidence(max(evidence.p_pass, clumped.p_pass), evidence.p_fail)
            return replace(weighed, rule=INDEPENDENT, evidence=sceptical)
        lack = Lack(samples, len(numbers), allowed, factor=1.0, unseen=0)
        return replace(weighed, rule=INDEPENDENT, evidence=evidence, lack=lack)

    def _clump_rule(self, objective: LatencyObjective | SuccessObjective, tally: Tally) -> ClumpRule:
        """What counts as one event, and how long a missed stall would have broken the objective.

        A stall delays runs beyond the threshold only after that has passed, and fails none.
        """
        needs = self.requirements
        unseen_s = needs.break_s
        if isinstance(objective, LatencyObjective):
            unseen_s = max(unseen_s, needs.stall_s - objective.threshold_s)
        rule = ClumpRule.for_rate(tally.rate, unseen_s=max(0.0, unseen_s))
        return replace(rule, stall=stall_of(tally.samples, tally.near_misses, rule))

    def _decision(self, weighed: Weighed, measured: Measured, *, passes: bool, fails: bool) -> Decision:
        needs = self.requirements
        enough = weighed.samples >= needs.least_samples
        if fails and enough and measured.elapsed_s >= needs.least_fail_s:
            verdict = Verdict.FAIL
        elif passes and enough and measured.elapsed_s >= needs.least_s:
            verdict = Verdict.PASS
        else:
            verdict = Verdict.INCONCLUSIVE
        return Decision(
            objective=weighed.objective,
            verdict=verdict,
            rule=weighed.rule,
            samples=weighed.samples,
            exceeded=weighed.exceeded,
            evidence=weighed.evidence,
            lower=weighed.bounds[0],
            upper=weighed.bounds[1],
            missing=self._missing(weighed, measured) if verdict is Verdict.INCONCLUSIVE else "",
            excluded_s=self._excluded_s(weighed, measured) if verdict is Verdict.PASS else None,
        )

    def _excluded_s(self, weighed: Weighed, measured: Measured) -> float | None:
        objective = weighed.objective
        if isinstance(objective, ThroughputObjective):
            return None
        tally = measured.tallies[objective.name]
        rule, alpha = ClumpRule.for_rate(tally.rate, unseen_s=0.0), self.requirements.alpha
        stall = longest_unseen(tally.samples, tally.exceedances, objective.allowed_share, rule, alpha=alpha)
        return stall / tally.rate if tally.rate else None

    def _missing(self, weighed: Weighed, measured: Measured) -> str:
        needs = self.requirements
        short = max(
            needs.least_samples - weighed.samples, (needs.least_s - measured.elapsed_s) * weighed.rate
        )
        # Any objective may come last in Holm's order, so the words count on the strictest share of alpha.
        return words_for_lack(weighed.lack, short, weighed.rate, alpha=needs.alpha / len(self.objectives))


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses Holm's step-down method refutes at a family-wise error of alpha."""
    refuted = [False] * len(p_values)
    for step, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[index] > alpha / (len(p_values) - step):
            break
        refuted[index] = True
    return refuted
