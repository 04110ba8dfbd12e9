"""Evidence about throughput: what comes out, against what went in, second by second."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from gatewright.slo.sequential import Evidence

__all__ = ["Flow", "throughput_evidence"]

LEAST_BLOCKS = 4


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

    @property
    def observed_rate(self) -> float:
        """Successful runs over elapsed time, in runs/s; 0 before the first block is over."""
        return sum(self.completed) / (self.block_s * len(self.completed)) if self.completed else 0.0

    @property
    def loss(self) -> tuple[float, float]:
        """Mean of arrived minus completed over the blocks, and its standard error, in runs/s."""
        losses = [(into - out) / self.block_s for into, out in zip(self.arrived, self.completed, strict=True)]
        count = len(losses)
        mean = sum(losses) / count
        deviation = math.sqrt(sum((loss - mean) ** 2 for loss in losses) / (count - 1))
        # A spread of 0 in few blocks is luck: one run more or less in one block is always possible.
        least = 1 / self.block_s / math.sqrt(count)
        return mean, max(deviation, least) / math.sqrt(count)

    def bounds(self, alpha: float) -> tuple[float, float]:
        """One-sided bounds of the rate, each at level alpha, in runs/s; for one look, so for display only."""
        if len(self.completed) < LEAST_BLOCKS:
            return 0.0, self.offered_rate
        mean, error = self.loss
        reach = float(special.stdtrit(len(self.completed) - 1, 1 - alpha)) * error
        rate = self.offered_rate - mean
        return max(0.0, rate - reach), rate + reach


def throughput_evidence(flow: Flow, threshold: float) -> Evidence:
    """Student's t on the blocks' loss (arrived minus completed), each further block with less of the error.

    The number of arrivals in a window is chance (Poisson) and no merit of the service, so the offered rate
    less the mean loss is what is tested. With B blocks the p-value is multiplied by B(B+1): the sum of
    1/(B(B+1)) is 1, so that looking at every block does not add up.
    """
    count = len(flow.completed)
    if count < LEAST_BLOCKS:
        return Evidence(p_pass=1.0, p_fail=1.0)
    mean, error = flow.loss
    distance = (flow.offered_rate - mean - threshold) / error
    spent = count * (count + 1)
    return Evidence(
        p_pass=min(1.0, spent * float(special.stdtr(count - 1, -distance))),
        p_fail=min(1.0, spent * float(special.stdtr(count - 1, distance))),
    )
