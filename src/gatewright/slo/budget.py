"""Error budgets: how fast a measurement burns what its objective allows to go wrong."""

import math
from dataclasses import dataclass

from scipy import special

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict
from gatewright.slo.advice import least_number, more
from gatewright.slo.clumps import ClumpRule, variance_inflation
from gatewright.slo.judge import Requirements, Tally
from gatewright.slo.objective import require

__all__ = ["PERIOD_S", "BudgetDecision", "ErrorBudget", "deflated_bounds", "judge_budget"]

PERIOD_S = 28 * 86_400.0
"""Four weeks, in seconds: every period holds as many weekends as the next."""


@dataclass(frozen=True)
class ErrorBudget:
    """The share of runs that may be bad in a period.

    Attributes:
        target: the share of runs that is promised to be good, in (0, 1).
        period_s: the period over which the promise is kept, in seconds.
    """

    target: float
    period_s: float = PERIOD_S

    def __post_init__(self) -> None:
        require("the target of an error budget", self.target, above=0, below=1)
        require("the period of an error budget", self.period_s, above=0)

    @property
    def allowed_share(self) -> float:
        """The largest share of runs that may be bad."""
        return 1 - self.target

    def burn(self, share: float) -> float:
        """The burn rate of a share of bad runs: 1 spends the budget exactly in its period."""
        return share / self.allowed_share


@dataclass(frozen=True)
class BudgetDecision:
    """How fast a measurement burns a budget, and what was decided.

    Attributes:
        budget: what is allowed.
        verdict: FAIL when the burn rate's lower bound is above 1, PASS when its upper bound isn't, else
            INCONCLUSIVE.
        samples: runs that were judged.
        bad: how many of them were bad.
        elapsed_s: how long they took to come, in seconds.
        burn: the burn rate; 0 where there were no runs, which never passes.
        lower: its lower bound, one-sided.
        upper: likewise its upper bound.
        factor: how many runs count as one, because bad runs come in clumps.
        missing: in words, what would make it conclusive; empty when it is.
    """

    budget: ErrorBudget
    verdict: Verdict
    samples: int
    bad: int
    elapsed_s: float
    burn: float
    lower: float
    upper: float
    factor: float
    missing: str

    @property
    def spent(self) -> float:
        """The share of the period's budget that this measurement spent, its rate being the period's."""
        return self.burn * self.elapsed_s / self.budget.period_s

    @property
    def spent_at_most(self) -> float:
        """The same by the upper bound of the burn rate."""
        return self.upper * self.elapsed_s / self.budget.period_s

    @property
    def remaining(self) -> float:
        """The share of the period's budget that is left; negative when more than all was spent."""
        return 1 - self.spent

    @property
    def lasts_s(self) -> float:
        """How long a full budget lasts at this burn rate, in seconds; infinite where nothing was bad."""
        return self.budget.period_s / self.burn if self.burn else math.inf


def judge_budget(
    budget: ErrorBudget,
    tally: Tally,
    elapsed_s: float,
    requirements: Requirements | None = None,
    *,
    unseen_s: float = 0.0,
    looks: int = 1,
) -> BudgetDecision:
    """Decide whether a measurement stays within its budget: burn rate = (bad / N) / (1 - target).

    Bounds are Clopper and Pearson's (Biometrika 1934) on counts that are deflated by the clump factor, since
    bad runs come in clumps. They hold for one look at a measurement whose length did not depend on it.

    Args:
        budget: what is allowed.
        tally: the runs, and which of them were bad.
        elapsed_s: how long they took to come, in seconds.
        requirements: what a decision needs at least.
        unseen_s: for so many seconds a stall that was missed would have made runs bad; counts against PASS.
        looks: how often one looked before deciding, this time included; the error is shared among them.

    Raises:
        ConfigurationError: figures that no measurement has.
    """
    needs = requirements or Requirements()
    ensure_sound(tally, elapsed_s, looks)
    samples, bad = tally.samples, len(tally.exceedances)
    scales = Scales(budget, needs.alpha / looks, *deflation(tally, unseen_s))
    verdict = scales.verdict(samples, bad)
    least_s = needs.least_fail_s if verdict is Verdict.FAIL else needs.least_s
    if samples < needs.least_samples or elapsed_s < least_s:
        verdict = Verdict.INCONCLUSIVE
    least = max(needs.least_samples, samples + math.ceil((least_s - elapsed_s) * tally.rate))
    lower, upper = scales.bounds(samples, bad)
    return BudgetDecision(
        budget=budget,
        verdict=verdict,
        samples=samples,
        bad=bad,
        elapsed_s=elapsed_s,
        burn=budget.burn(bad / samples) if samples else 0.0,
        lower=lower,
        upper=upper,
        factor=scales.factor,
        missing=scales.words_for_lack(tally, least) if verdict is Verdict.INCONCLUSIVE else "",
    )


@dataclass(frozen=True)
class Scales:
    """Weighs counts against a budget; `factor` runs count as one, `unseen` bad ones count against PASS."""

    budget: ErrorBudget
    alpha: float
    factor: float
    unseen: int

    def bounds(self, samples: int, bad: int) -> tuple[float, float]:
        """One-sided bounds of the burn rate."""
        lower, upper = deflated_bounds(samples, bad, self.alpha, factor=self.factor, unseen=self.unseen)
        return self.budget.burn(lower), self.budget.burn(upper)

    def verdict(self, samples: int, bad: int) -> Verdict:
        """What the bounds say."""
        lower, upper = self.bounds(samples, bad)
        if lower > 1:
            return Verdict.FAIL
        return Verdict.PASS if upper <= 1 else Verdict.INCONCLUSIVE

    def words_for_lack(self, tally: Tally, least: int) -> str:
        """What is missing, in one clause, when `least` runs are needed and the share of bad ones stays."""
        samples, bad = max(1, tally.samples), len(tally.exceedances)

        def decided(runs: int) -> bool:
            return self.verdict(runs, round(bad * runs / samples)) is not Verdict.INCONCLUSIVE

        enough = least_number(decided, above=max(samples, least))
        if enough is None:
            return "the burn rate is too close to 1 to tell even with a million runs"
        return more(enough - tally.samples, tally.rate)


def deflation(tally: Tally, unseen_s: float) -> tuple[float, int]:
    """How many runs count as one, and how many bad ones a stall that was missed would have made."""
    rule = ClumpRule.for_rate(tally.rate, unseen_s=unseen_s)
    factor = variance_inflation(max(1, tally.samples), tally.exceedances, rule)
    return factor, rule.stall if rule.stall > 1 else 0


def deflated_bounds(
    samples: int, count: int, alpha: float, *, factor: float, unseen: int = 0
) -> tuple[float, float]:
    """Clopper and Pearson's bounds of a share, each at level alpha, where `factor` runs count as one.

    `unseen` are added to the count for the upper bound. Without samples, the bounds are 0 and 1.
    """
    if not samples:
        return 0.0, 1.0
    most = min(samples, count + unseen)
    lower = special.betaincinv(count / factor, (samples - count) / factor + 1, alpha) if count else 0.0
    clean = samples - most
    upper = special.betaincinv(most / factor + 1, clean / factor, 1 - alpha) if clean else 1.0
    return float(lower), float(upper)


def ensure_sound(tally: Tally, elapsed_s: float, looks: int) -> None:
    """Refuse figures that no measurement has."""
    require("the rate of a measurement", tally.rate, above=0)
    if not 0 <= elapsed_s < math.inf:
        raise ConfigurationError(f"a measurement can't have taken {elapsed_s:g} s")
    if looks < 1:
        raise ConfigurationError(f"a measurement is looked at once at least, not {looks} times")
    numbers = tally.exceedances
    if len(numbers) > max(0, tally.samples) or (
        numbers and not 0 <= numbers[0] <= numbers[-1] < tally.samples
    ):
        raise ConfigurationError(
            f"{len(numbers)} bad runs can't be among {tally.samples}",
            remedy="number runs from 0 on, in ascending order",
        )
