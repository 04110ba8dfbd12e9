"""Is a candidate slower than a base? Decides over rounds of blocks on which the two took turns.

Three measures are taken of every block: the server's CPU per run, and the p50 and the p95 of its runs'
latencies. A *round* is a fresh start of both servers and a pair of blocks with the same arrivals; rounds take
turns in who goes first, so blocks are in the order ABBA, and drift that is linear in time cancels. Each round
gives one figure for each measure: the logarithm of the ratio candidate/base.

Rounds are what is resampled. Processes of the very same code differ in CPU per run by 1 to 3% (layout of
memory, hashing, the core they settle on), which no number of blocks within one process averages out
(Kalibera and Jones, "Rigorous benchmarking in reasonable time", ISMM 2013). Blocks of one pair of processes
would take that for a difference of the code.

*Ratio and bounds.* Now and then a block on a shared machine is hit by a burst that adds tens of percent to
its CPU, and more to its latencies. The ratio is therefore exp of the mean of the rounds' figures without
the lowest and the highest quarter, which leaves out what rare events cost: those are for objectives of
percentiles and for soaks to find. Bounds are exp(m -+ t * s): m is that mean, s half the distance between
the 16% and 84% points of its bootstrap distribution times sqrt(n/(n-1)) for n rounds, and t the quantile of
Student's distribution with n - 1 degrees of freedom (Efron and Tibshirani, "An introduction to the
bootstrap", 1993; Hesterberg, The American Statistician 69, 2015, on why plain percentiles are too narrow
for few units).

*Error.* Bounds are two-sided at 95%, simultaneously for all looks: a look has alpha / looks, 2.5% / looks
on either side (Bonferroni). At a look, FAIL by any of the measures fails the release, so the lower side is
shared among them by Holm's method. PASS needs every measure, so its error is not shared (intersection-union
test; Berger, Technometrics 24, 1982).

*Which measures are required.* All three, each for FAIL and for PASS. CPU says the most: it hardly notices
neighbours. Latencies see what costs no CPU (a sleep, a lock, one more round trip), but on a busy machine
the p50 of the same code varies by tens of percent from block to block. They fail beyond the same margin,
and their margin of PASS is wide (1.5) unless policy narrows it: an upper bound below 1.08 needs a quiet
machine or some hundred blocks.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import cycle, repeat
from statistics import median

import numpy as np
import numpy.typing as npt
from scipy import stats

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict, merge_verdicts

__all__ = [
    "BLOCKS_OF_A_ROUND",
    "PERCENTILES",
    "Block",
    "CompareRules",
    "Comparison",
    "Margins",
    "Measure",
    "MeasureDecision",
    "Side",
    "compare",
    "looks_for",
]

BLOCKS_OF_A_ROUND = 2
BLOCKS_OF_A_TURN = 4
"""ABBA: a number of blocks must hold whole turns."""
TRIMMED_SHARE = 0.25
MOST_LAG = 0.25
"""Of the base's p50: a ratio of 1.5 looks like 1.4 then."""
ONE_SIGMA = (0.1587, 0.8413)
LEAST_PASS_BLOCKS = 32
LEAST_FAIL_BLOCKS = 16
LEAST_RUNS = 100
"""Of each side; with fewer a p95 is hardly more than a maximum."""
LEAST_ERROR = 1e-6
HOPELESS_BLOCKS = 4096


class Side(StrEnum):
    """Whose server a block loaded."""

    BASE = "base"
    CANDIDATE = "candidate"


class Measure(StrEnum):
    """What is compared; the names stand in reports and policies."""

    CPU = "server_cpu_per_run"
    P50 = "latency_p50"
    P95 = "latency_p95"


TURN = (Side.BASE, Side.CANDIDATE, Side.CANDIDATE, Side.BASE)
PERCENTILES = {Measure.P50: 0.50, Measure.P95: 0.95}
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """What one block saw of one side.

    Attributes:
        side: whose server was loaded.
        runs: that were offered.
        failed: of these, whatever else than success became of them.
        cpu_s: CPU seconds of the server and all that it started; None where the system does not tell.
        latencies_s: of the runs that succeeded, in seconds.
        lag_s: how late the generator sent in the middle (median), in seconds.
    """

    side: Side
    runs: int
    failed: int
    cpu_s: float | None
    latencies_s: Sequence[float]
    lag_s: float = 0.0

    def figure(self, measure: Measure) -> float:
        """The block's value of a measure, in seconds; NaN where there is none."""
        if measure is Measure.CPU:
            return self.cpu_s / self.runs if self.runs and self.cpu_s is not None else math.nan
        if not self.latencies_s:
            return math.nan
        return float(np.quantile(self.latencies_s, PERCENTILES[measure], method="inverted_cdf"))


@dataclass(frozen=True)
class Margins:
    """Ratios candidate/base: FAIL when a lower bound is above one, PASS when an upper is below the other."""

    fail_above: float = 1.02
    pass_below: float = 1.08

    def __post_init__(self) -> None:
        for name, value in (("fail", self.fail_above), ("pass", self.pass_below)):
            if not 1 <= value < math.inf:
                raise ConfigurationError(f"the margin to {name} must be a ratio of at least 1, not {value:g}")
        if self.pass_below == 1:
            raise ConfigurationError("the margin to pass must be above 1", remedy="no sample proves equality")


DEFAULT_MARGINS = {
    Measure.CPU: Margins(),
    Measure.P50: Margins(pass_below=1.5),
    Measure.P95: Margins(pass_below=1.5),
}


@dataclass(frozen=True)
class CompareRules:
    """How a comparison is decided.

    Attributes:
        looks: the numbers of blocks at which it is decided, ascending; the last is the most that is measured.
        margins: of each measure.
        alpha: the error of the bounds, both sides and all looks together.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """

    looks: tuple[int, ...] = (16, 32, 64)
    margins: Mapping[Measure, Margins] = field(default_factory=lambda: DEFAULT_MARGINS)
    alpha: float = 0.05
    resamples: int = 2000
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.looks or any(look <= 0 or look % BLOCKS_OF_A_TURN for look in self.looks):
            raise ConfigurationError(
                f"the number of blocks must be a positive multiple of {BLOCKS_OF_A_TURN}",
                remedy=f"use {LEAST_PASS_BLOCKS} or more",
            )
        if list(self.looks) != sorted(set(self.looks)):
            raise ConfigurationError("looks at a comparison must ascend")

    @property
    def level(self) -> float:
        """The error of a bound on one side at one look."""
        return self.alpha / 2 / len(self.looks)


def looks_for(blocks: int) -> tuple[int, ...]:
    """When to look at a comparison of at most so many blocks: a quarter (from 16 on), half, and all."""
    parts = {blocks // part // BLOCKS_OF_A_TURN * BLOCKS_OF_A_TURN for part in (4, 2)}
    return (*sorted(look for look in parts if LEAST_FAIL_BLOCKS <= look < blocks), blocks)


@dataclass(frozen=True)
class Ratio:
    """The ratio candidate/base of one measure: mean and error of its logarithm over so many rounds."""

    mean: float
    error: float
    rounds: int

    @property
    def estimate(self) -> float:
        """The ratio itself."""
        return math.exp(self.mean)

    def lower(self, level: float) -> float:
        """A bound that the true ratio is below with a probability of at most `level`."""
        return math.exp(self.mean - self._width(level))

    def upper(self, level: float) -> float:
        """A bound that the true ratio is above with a probability of at most `level`."""
        return math.exp(min(700.0, self.mean + self._width(level)))

    def p_at_most(self, ratio: float) -> float:
        """The p-value of "the true ratio is at most this"."""
        return float(stats.t.sf((self.mean - math.log(ratio)) / self.error, self.rounds - 1))

    def blocks_until(self, distance: float, level: float) -> float:
        """How many blocks would shrink the width of a bound to this distance, all else being equal."""
        if distance <= 0:
            return math.inf
        quantile = float(stats.t.isf(level, self.rounds - 1))
        return BLOCKS_OF_A_ROUND * self.rounds * (quantile * self.error / distance) ** 2

    def _width(self, level: float) -> float:
        return float(stats.t.isf(level, self.rounds - 1)) * self.error


@dataclass(frozen=True)
class MeasureDecision:
    """What was decided about one measure.

    Attributes:
        measure: which.
        margins: that it was held to.
        verdict: FAIL, PASS, or INCONCLUSIVE.
        ratio: candidate/base; None when there are too few blocks for any.
        lower: its lower bound, at the level that Holm's method left to it.
        upper: its upper bound, at the level of one look.
        missing: in words, what would make it conclusive; empty when it is.
    """

    measure: Measure
    margins: Margins
    verdict: Verdict
    ratio: float | None
    lower: float | None
    upper: float | None
    missing: str = ""


@dataclass(frozen=True)
class Comparison:
    """What was decided; `problems` say why figures can't be compared, or why no PASS can stand.

    Attributes:
        verdict: of all.
        decisions: one for each measure.
        problems: in words; with any, nothing passes.
        hopeless: whether the problems stay, however many blocks follow.
    """

    verdict: Verdict
    decisions: tuple[MeasureDecision, ...]
    problems: tuple[str, ...]
    hopeless: bool


def compare(blocks: Sequence[Block], rules: CompareRules | None = None) -> Comparison:
    """Decide over all blocks so far; blocks of a pair that is not complete are left out.

    In this order: FAIL when the lower bound of any measure is above its margin, PASS when the upper bounds
    of all are below theirs, else INCONCLUSIVE. A block without runs, CPU or latencies, and failed runs of
    the base make it INCONCLUSIVE; failed runs of the candidate keep it from PASS (refusing is cheap, so
    they may hide a slowness, and never invent one).

    Args:
        blocks: in the order in which they were measured.
        rules: how to decide; decide at `rules.looks` only, else the error is not what they promise.
    """
    rules = rules or CompareRules()
    rounds = list(zip(blocks[::2], blocks[1::2], strict=False))
    unfit = tuple(find_unfit(rounds))
    doubts = (*unfit, *find_doubts(rounds))
    decisions = (
        undecided(rules)
        if unfit or len(rounds) * BLOCKS_OF_A_ROUND < LEAST_FAIL_BLOCKS
        else decide(rounds, rules)
    )
    verdict = merge_verdicts(each.verdict for each in decisions)
    if doubts and verdict is Verdict.PASS:
        verdict = Verdict.INCONCLUSIVE
    return Comparison(verdict, decisions, doubts, hopeless=bool(unfit))


def find_unfit(rounds: Sequence[Sequence[Block]]) -> Iterator[str]:
    """Why figures can't be compared at all."""
    blocks = [block for each in rounds for block in each]
    if any(block.side is not side for block, side in zip(blocks, cycle(TURN), strict=False)):
        yield "blocks are not in the order ABBA"
    for side in Side:
        mine = [block for block in blocks if block.side is side]
        if empty := sum(not block.runs for block in mine):
            yield f"{empty} of {len(mine)} blocks of the {side} had no run"
        elif not all(usable(block.figure(Measure.CPU)) for block in mine):
            yield f"the server CPU of the {side} is not known"
        elif any(not block.latencies_s or not all(map(usable, block.latencies_s)) for block in mine):
            yield f"a block of the {side} has no latencies"
    failed = sum(block.failed for block in blocks if block.side is Side.BASE)
    if failed:
        yield f"{failed} runs of the base failed, so it is no measure for the candidate"


def find_doubts(rounds: Sequence[Sequence[Block]]) -> Iterator[str]:
    """Why no PASS can stand."""
    blocks = [block for each in rounds for block in each]
    if len(blocks) < LEAST_PASS_BLOCKS:
        yield f"needs at least {LEAST_PASS_BLOCKS} blocks, has {len(blocks)}"
    for side in Side:
        runs = sum(block.runs for block in blocks if block.side is side)
        if runs < LEAST_RUNS:
            yield f"needs at least {LEAST_RUNS} runs of the {side}, has {runs}: raise the rate"
    yield from find_lateness(blocks)
    failed = sum(block.failed for block in blocks if block.side is Side.CANDIDATE)
    if failed:
        yield f"{failed} runs of the candidate failed"


def find_lateness(blocks: Sequence[Block]) -> Iterator[str]:
    """A generator that is late reads answers late, too: the same delay on both sides moves ratios to 1."""
    figures = [block.figure(Measure.P50) for block in blocks if block.side is Side.BASE]
    if not figures or not all(map(usable, figures)):
        return
    lag, quick = median(block.lag_s for block in blocks), median(figures)
    if not lag <= MOST_LAG * quick:
        yield (
            f"the generator was late by {lag * 1e3:.1f} ms in the middle, while a run of the base takes "
            f"{quick * 1e3:.1f} ms: lower the rate, or quieten the machine"
        )


def usable(value: float) -> bool:
    """Whether a figure is one: positive and finite."""
    return 0 < value < math.inf


def undecided(rules: CompareRules, missing: str = "") -> tuple[MeasureDecision, ...]:
    """Nothing is known of any measure."""
    return tuple(
        MeasureDecision(measure, rules.margins[measure], Verdict.INCONCLUSIVE, None, None, None, missing)
        for measure in Measure
    )


def decide(rounds: Sequence[Sequence[Block]], rules: CompareRules) -> tuple[MeasureDecision, ...]:
    """Decide about every measure that has enough blocks."""
    early = len(rounds) * BLOCKS_OF_A_ROUND < LEAST_PASS_BLOCKS
    measures = [Measure.CPU] if early else list(Measure)
    ratios = [find_ratio(rounds, measure, rules) for measure in measures]
    p_values = [
        ratio.p_at_most(rules.margins[measure].fail_above)
        for ratio, measure in zip(ratios, measures, strict=True)
    ]
    later = undecided(rules, f"decided from {LEAST_PASS_BLOCKS} blocks on")[len(measures) :]
    levels = holm_levels(p_values, rules.level)
    return (*map(decide_measure, measures, ratios, levels, repeat(rules)), *later)


def decide_measure(measure: Measure, ratio: Ratio, fail_level: float, rules: CompareRules) -> MeasureDecision:
    """Decide about one measure, at the level that Holm's method leaves to it."""
    margins = rules.margins[measure]
    lower, upper = ratio.lower(fail_level), ratio.upper(rules.level)
    missing = ""
    if lower > margins.fail_above:
        verdict = Verdict.FAIL
    elif upper < margins.pass_below:
        verdict = Verdict.PASS
    else:
        verdict = Verdict.INCONCLUSIVE
        missing = words_for_more(ratio, margins, fail_level, rules.level)
    return MeasureDecision(measure, margins, verdict, ratio.estimate, lower, upper, missing)


def holm_levels(p_values: Sequence[float], alpha: float) -> list[float]:
    """The level at which Holm's step-down method tests each hypothesis.

    After the first one that stands the level stays as it is, so that a hypothesis is refuted exactly when
    its p-value is at most its level.
    """
    levels = [alpha] * len(p_values)
    level, stands = alpha, False
    for step, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        level = level if stands else alpha / (len(p_values) - step)
        levels[index] = level
        stands = stands or p_values[index] > level
    return levels


def find_ratio(rounds: Sequence[Sequence[Block]], measure: Measure, rules: CompareRules) -> Ratio:
    """The ratio of one measure over all rounds, with its bootstrap error."""
    logs = np.array([log_ratio(blocks, measure) for blocks in rounds])
    count = len(logs)
    chance = np.random.default_rng(rules.seed)
    means = trimmed_mean(logs[chance.integers(0, count, (rules.resamples, count))])
    low, high = np.quantile(means, ONE_SIGMA)
    error = float(high - low) / 2 * math.sqrt(count / (count - 1))
    return Ratio(float(trimmed_mean(logs)), max(error, LEAST_ERROR), count)


def trimmed_mean(values: Numbers) -> Numbers:
    """The mean along the last axis without the lowest and the highest quarter."""
    cut = int(TRIMMED_SHARE * values.shape[-1])
    kept = np.sort(values, axis=-1)[..., cut : values.shape[-1] - cut]
    return np.asarray(kept.mean(axis=-1))


def log_ratio(blocks: Sequence[Block], measure: Measure) -> float:
    """The logarithm of candidate/base within one round."""
    signs = {Side.CANDIDATE: 1, Side.BASE: -1}
    return sum(signs[block.side] * math.log(block.figure(measure)) for block in blocks)


def words_for_more(ratio: Ratio, margins: Margins, level: float, pass_level: float) -> str:
    """How many more blocks would decide, if the ratio stays where it is."""
    have = ratio.rounds * BLOCKS_OF_A_ROUND
    for_pass = ratio.blocks_until(math.log(margins.pass_below) - ratio.mean, pass_level)
    for_fail = ratio.blocks_until(ratio.mean - math.log(margins.fail_above), level)
    need = min(for_pass, for_fail)
    if need > HOPELESS_BLOCKS:
        return "too noisy for any sensible number of blocks: quieten the machine, or lengthen the blocks"
    more = max(1, math.ceil((need - have) / BLOCKS_OF_A_TURN)) * BLOCKS_OF_A_TURN
    word = "PASS" if for_pass <= for_fail else "FAIL"
    return f"about {more} more blocks would give {word}, if the ratio stays {ratio.estimate:.3f}"
