"""Evidence about throughput: what comes out, against what went in, second by second."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from scipy import special

from gatewright.slo.figures import UnusableFiguresError
from gatewright.slo.sequential import Evidence

__all__ = ["Flow", "throughput_evidence"]

LEAST_BLOCKS = 4
LARGEST_CORRELATION = 0.95


@dataclass(frozen=True)
class Flow:
    """Runs that were due and runs that succeeded, counted over equal blocks of time.

    Attributes:
        block_s: the length of a block, in seconds.
        arrived: runs scheduled in each block.
        completed: runs that succeeded in each block.
        offered_rate: the nominal rate of arrivals, in runs/s.
    """

    block_s: float
    arrived: Sequence[int]
    completed: Sequence[int]
    offered_rate: float

    def __post_init__(self) -> None:
        if len(self.arrived) != len(self.completed):
            raise UnusableFiguresError("arrivals and completions must be counted over the same blocks")
        if min([*self.arrived, *self.completed], default=0) < 0:
            raise UnusableFiguresError("no count of runs is negative")
        if not (0 < self.block_s < math.inf and 0 <= self.offered_rate < math.inf):
            raise UnusableFiguresError(
                f"blocks of {self.block_s:g} s at {self.offered_rate:g} runs/s can't be"
            )

    @property
    def observed_rate(self) -> float:
        """Successful runs over elapsed time, in runs/s; 0 before the first block is over."""
        return sum(self.completed) / (self.block_s * len(self.completed)) if self.completed else 0.0

    @property
    def losses(self) -> list[float]:
        """Arrived minus completed in each block, in runs/s."""
        return [(into - out) / self.block_s for into, out in zip(self.arrived, self.completed, strict=True)]

    def bounds(self, alpha: float) -> tuple[float, float]:
        """One-sided bounds of the rate, each at level alpha, in runs/s; for one look, so for display only."""
        if len(self.completed) < LEAST_BLOCKS:
            return 0.0, self.offered_rate
        loss = mean_loss(self.losses, correlation_factor(self.losses), least=1 / self.block_s)
        reach = float(special.stdtrit(loss.freedom, 1 - alpha)) * loss.error
        rate = self.offered_rate - loss.mean
        return max(0.0, rate - reach), rate + reach


@dataclass(frozen=True)
class MeanLoss:
    """The mean loss, its standard error (both in runs/s), and the degrees of freedom of that error."""

    mean: float
    error: float
    freedom: float

    def tails(self, value: float) -> tuple[float, float]:
        """The chances of a mean as low as this or lower, and as high or higher, if `value` is true."""
        distance = (self.mean - value) / self.error
        return float(special.stdtr(self.freedom, distance)), float(special.stdtr(self.freedom, -distance))


def mean_loss(losses: Sequence[float], factor: float, *, least: float) -> MeanLoss:
    """The mean of blocks of which `factor` count as one.

    A spread below `least` in few blocks is luck: one run more or less in one block is always possible.
    """
    count = len(losses)
    mean = sum(losses) / count
    deviation = math.sqrt(sum((loss - mean) ** 2 for loss in losses) / (count - 1))
    error = max(deviation, least / math.sqrt(count)) * math.sqrt(factor / count)
    return MeanLoss(mean, error, max(1.0, count / factor - 1))


def correlation_factor(values: Sequence[float]) -> float:
    """How many successive blocks count as one, since outages and backlogs last; at least 1.

    (1+r)/(1-r), with r the correlation of neighbours; r is raised by the bias of a short series, (1+4r)/n
    (Marriott and Pope, Biometrika 1954), and ignored within one standard error of none.
    """
    count = len(values)
    mean = sum(values) / count
    squares = sum((value - mean) ** 2 for value in values)
    if not squares:
        return 1.0
    r = sum((one - mean) * (other - mean) for one, other in pairwise(values)) / squares
    if r < 1 / math.sqrt(count):
        return 1.0
    r = min(LARGEST_CORRELATION, r + (1 + 4 * r) / count)
    return (1 + r) / (1 - r)


def throughput_evidence(flow: Flow, threshold: float) -> Evidence:
    """Student's t on the blocks' loss (arrived minus completed), each further block with less of the error.

    The number of arrivals in a window is chance (Poisson) and no merit of the service, so the offered rate
    less the mean loss is what is tested. One block that was not seen is added: against PASS one in which
    nothing came out, against FAIL one in which nothing was lost. With B blocks the p-value is multiplied by
    B(B+1): the sum of 1/(B(B+1)) is 1, so that looking at every block does not add up.
    """
    count = len(flow.completed)
    if count < LEAST_BLOCKS:
        return Evidence(p_pass=1.0, p_fail=1.0)
    losses, least = flow.losses, 1 / flow.block_s
    factor = correlation_factor(losses)
    bearable = flow.offered_rate - threshold
    low, _ = mean_loss([*losses, flow.offered_rate], factor, least=least).tails(bearable)
    _, high = mean_loss([*losses, 0.0], factor, least=least).tails(bearable)
    spent = count * (count + 1)
    return Evidence(p_pass=min(1.0, spent * low), p_fail=min(1.0, spent * high))
