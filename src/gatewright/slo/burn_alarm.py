"""An alarm on a running measurement: it burns its error budget so fast that going on is of no use."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from gatewright.core.errors import ConfigurationError
from gatewright.slo.budget import ErrorBudget, deflated_bounds
from gatewright.slo.clumps import clump_factor
from gatewright.slo.judge import ALPHA
from gatewright.slo.objective import require

__all__ = ["BurnAlarm", "BurnReading", "BurnRules", "WindowBurn"]

FAST_BURN = 14.4
"""2% of a 30 days' budget in one hour."""
PARTS = 12
"""The short window is a twelfth of the long one."""
SHARE_OF_TEST = 5
LEAST_LONG_S = 12
MOST_LONG_S = 3600
DEFAULT_LONG_S = 60
ROUNDING = 1e-12


@dataclass(frozen=True)
class BurnRules:
    """When a running measurement is to be aborted.

    The rule is the first row of "Multiwindow, Multi-Burn-Rate Alerts" in Google's Site Reliability Workbook
    (2018), chapter 5, its windows scaled to a test: the long one shows that the burn matters, the short one,
    a twelfth of it, that it goes on.

    Attributes:
        threshold: the burn rate that both windows must reach.
        long_s: the long window, in whole seconds.
        short_s: the short window, likewise.
        least_samples: runs that each window must hold.
        alpha: probability that a measurement which keeps its budget is ever aborted.
    """

    threshold: float = FAST_BURN
    long_s: int = DEFAULT_LONG_S
    short_s: int = DEFAULT_LONG_S // PARTS
    least_samples: int = 20
    alpha: float = ALPHA

    def __post_init__(self) -> None:
        require("a burn rate that aborts", self.threshold, above=0)
        require("the alpha of a burn alarm", self.alpha, above=0, below=1)
        if not 1 <= self.short_s <= self.long_s < math.inf:
            raise ConfigurationError(
                f"burn windows of {self.long_s:g} s and {self.short_s:g} s can't be used",
                remedy="the short one takes at least 1 s, and no longer than the long one",
            )
        if self.least_samples < 1:
            raise ConfigurationError(f"a burn window needs runs, not {self.least_samples}")

    @classmethod
    def for_length(cls, length_s: float, *, threshold: float = FAST_BURN) -> "BurnRules":
        """Windows for a test of this length, in seconds: the long one is a fifth of it, 12 s to an hour."""
        require("the length of a test", length_s, above=0)
        long_s = int(min(MOST_LONG_S, max(LEAST_LONG_S, length_s // SHARE_OF_TEST)))
        return cls(threshold=threshold, long_s=long_s, short_s=max(1, round(long_s / PARTS)))


@dataclass(frozen=True)
class WindowBurn:
    """What one window holds: its length in seconds, runs, bad ones among them, and the burn rate.

    Seconds that a window still lacks count as good ones at the same rate; without runs the burn rate is 0.
    """

    seconds: int
    samples: int
    bad: int
    burn: float


@dataclass(frozen=True)
class BurnReading:
    """What the alarm says after a second.

    Attributes:
        long: the long window.
        short: the short one.
        lower: the lower bound of the long window's burn rate.
        rings: whether the measurement is to be aborted.
        words: why, in one line; empty when it doesn't ring.
    """

    long: WindowBurn
    short: WindowBurn
    lower: float
    rings: bool
    words: str


class BurnAlarm:
    """Fed with every second's counts, says when a measurement must be aborted.

    Rings when both windows hold enough runs and burn at the threshold at least, and the long window's burn
    is above 1 for sure: by Clopper and Pearson's lower bound, where the bad runs of one second count as one
    event, and the k-th look takes alpha / (k (k + 1)) of the error, so that looking every second does not
    add up.

    Args:
        target: the share of runs that is promised to be good, in (0, 1).
        rules: windows and threshold.
    """

    def __init__(self, target: float, rules: BurnRules | None = None) -> None:
        self.budget = ErrorBudget(target)
        self.rules = rules or BurnRules()
        self._seconds: deque[tuple[int, int]] = deque(maxlen=self.rules.long_s)
        self._looks = 0

    @property
    def can_ring(self) -> bool:
        """Whether a burn at the threshold exists at all: when every run is bad, it is 1 / (1 - target)."""
        return self.budget.burn(1.0) >= self.rules.threshold * (1 - ROUNDING)

    def feed(self, good: int, bad: int) -> BurnReading:
        """Count the runs that ended in the next second.

        Raises:
            ConfigurationError: a count that is no natural number.
        """
        for count in (good, bad):
            if not (0 <= count < math.inf and count == int(count)):
                raise ConfigurationError(f"a second can't hold {count:g} runs")
        self._seconds.append((int(good), int(bad)))
        held = list(self._seconds)
        return self._read(held, held[-self.rules.short_s :])

    def _read(self, held: list[tuple[int, int]], latest: list[tuple[int, int]]) -> BurnReading:
        long, short = self._window(held, self.rules.long_s), self._window(latest, self.rules.short_s)
        enough = min(long.samples, short.samples) >= self.rules.least_samples
        lower = self._lower_bound(held, long) if enough else 0.0
        burning = min(long.burn, short.burn) >= self.rules.threshold * (1 - ROUNDING)
        rings = enough and burning and lower > 1
        return BurnReading(long, short, lower, rings, self._words(long, short, lower) if rings else "")

    def _window(self, held: Sequence[tuple[int, int]], seconds: int) -> WindowBurn:
        bad = sum(second[1] for second in held)
        samples = bad + sum(second[0] for second in held)
        share = bad / samples * len(held) / seconds if samples else 0.0
        return WindowBurn(seconds, samples, bad, self.budget.burn(share))

    def _lower_bound(self, held: Sequence[tuple[int, int]], long: WindowBurn) -> float:
        self._looks += 1
        alpha = self.rules.alpha / (self._looks * (self._looks + 1))
        factor = clump_factor([bad for _, bad in held if bad])
        lower, _ = deflated_bounds(long.samples, long.bad, alpha, factor=factor)
        return self.budget.burn(lower)

    def _words(self, long: WindowBurn, short: WindowBurn, lower: float) -> str:
        rates = f"{long.burn:.1f} over {long.seconds} s and {short.burn:.1f} over {short.seconds} s"
        return (
            f"burn rate {rates} (from {self.rules.threshold:g} on a run is aborted; at least {lower:.1f}): "
            f"{long.bad} of {long.samples} runs were bad"
        )
