"""The decision about all objectives of one measurement: PASS, FAIL, or what is missing for either."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gatewright.core.verdict import Verdict, merge_verdicts
from gatewright.slo.advice import Lack, words_for_lack
from gatewright.slo.clumps import ClumpRule, clumped_evidence, looks_clumped, variance_inflation
from gatewright.slo.objective import LatencyObjective, Objective, SuccessObjective, ThroughputObjective
from gatewright.slo.sequential import Evidence, clopper_pearson, independent_evidence
from gatewright.slo.throughput import Flow, throughput_evidence

__all__ = ["ALPHA", "Decision", "Judge", "Measured", "Requirements", "Rule"]

ALPHA = 0.05
STALL_S = 0.25
INDEPENDENT = "independent exceedances: e-process"
CLUMPED = "clumped exceedances: deflated binomial"
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
    """

    alpha: float = ALPHA
    least_samples: int = 100
    least_s: float = 10.0
    least_fail_s: float = 4.0
    stall_s: float = STALL_S


@dataclass(frozen=True)
class Measured:
    """What is known at one moment: a gapless prefix of the schedule, every run of it over.

    Attributes:
        samples: runs in the prefix.
        elapsed_s: seconds of the schedule that the prefix covers.
        offered_rate: nominal arrivals per second.
        exceedances: by name of the objective, ascending numbers (from 0) of the runs that broke it.
        flow: arrivals and completions by blocks of time.
    """

    samples: int
    elapsed_s: float
    offered_rate: float
    exceedances: Mapping[str, Sequence[int]]
    flow: Flow


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


@dataclass(frozen=True)
class Weighed:
    """One objective's evidence before the objectives are seen together."""

    objective: Objective
    rule: Rule
    exceeded: int
    evidence: Evidence
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
        """Decide about every objective; the error is shared among them by Holm's method, for each side."""
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
            lost = max(0, sum(measured.flow.arrived) - sum(measured.flow.completed))
            return Weighed(objective, BLOCKS, lost, throughput_evidence(measured.flow, objective.runs_per_s))
        numbers = measured.exceedances[objective.name]
        samples, allowed = measured.samples, objective.allowed_share
        clumps = ClumpRule.for_rate(measured.offered_rate, unseen_s=self._unseen_s(objective))
        clumped = clumped_evidence(samples, numbers, allowed, clumps)
        factor = variance_inflation(max(1, samples), numbers, clumps)
        lack = Lack(samples, len(numbers), allowed, factor, clumps.stall)
        if looks_clumped(samples, numbers, clumps):
            return Weighed(objective, CLUMPED, len(numbers), clumped, lack)
        evidence = independent_evidence(samples, len(numbers), allowed)
        if clumps.stall > 1:
            return Weighed(
                objective,
                INDEPENDENT,
                len(numbers),
                Evidence(max(evidence.p_pass, clumped.p_pass), evidence.p_fail),
                lack,
            )
        return Weighed(objective, INDEPENDENT, len(numbers), evidence, replace(lack, factor=1.0, unseen=0))

    def _unseen_s(self, objective: LatencyObjective | SuccessObjective) -> float:
        """How long a missed stall would have broken the objective: it delays runs, and fails none."""
        if isinstance(objective, SuccessObjective):
            return 0.0
        return max(0.0, self.requirements.stall_s - objective.threshold_s)

    def _decision(self, weighed: Weighed, measured: Measured, *, passes: bool, fails: bool) -> Decision:
        needs = self.requirements
        enough = measured.samples >= needs.least_samples
        if fails and enough and measured.elapsed_s >= needs.least_fail_s:
            verdict = Verdict.FAIL
        elif passes and enough and measured.elapsed_s >= needs.least_s:
            verdict = Verdict.PASS
        else:
            verdict = Verdict.INCONCLUSIVE
        lower, upper = self._bounds(weighed, measured)
        return Decision(
            objective=weighed.objective,
            verdict=verdict,
            rule=weighed.rule,
            samples=measured.samples,
            exceeded=weighed.exceeded,
            evidence=weighed.evidence,
            lower=lower,
            upper=upper,
            missing=self._missing(weighed, measured) if verdict is Verdict.INCONCLUSIVE else "",
        )

    def _bounds(self, weighed: Weighed, measured: Measured) -> tuple[float, float]:
        if isinstance(weighed.objective, ThroughputObjective):
            return measured.flow.bounds(self.requirements.alpha)
        return clopper_pearson(measured.samples, weighed.exceeded, self.requirements.alpha)

    def _missing(self, weighed: Weighed, measured: Measured) -> str:
        needs = self.requirements
        rate = measured.offered_rate
        short = max(needs.least_samples - measured.samples, (needs.least_s - measured.elapsed_s) * rate)
        # Any objective may come last in Holm's order, so the words count on the strictest share of alpha.
        return words_for_lack(weighed.lack, short, rate, alpha=needs.alpha / len(self.objectives))


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses Holm's step-down method refutes at a family-wise error of alpha."""
    refuted = [False] * len(p_values)
    for step, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[index] > alpha / (len(p_values) - step):
            break
        refuted[index] = True
    return refuted
