"""Anytime-valid evidence about a share of exceedances that occur independently of each other."""

import math
from dataclasses import dataclass

from scipy import special

__all__ = ["Evidence", "clopper_pearson", "independent_evidence", "least_clean_samples"]


@dataclass(frozen=True)
class Evidence:
    """How strongly a sample speaks, in p-values that hold at whatever moment one looks.

    Attributes:
        p_pass: small when the share lies below what is allowed.
        p_fail: small when it lies above.
    """

    p_pass: float
    p_fail: float


def independent_evidence(samples: float, exceedances: float, allowed: float) -> Evidence:
    """Evidence by a mixture e-process: likelihood under a truncated Beta(1, b) prior over that at `allowed`.

    With b = (1 - allowed) / allowed the prior's mean is about `allowed`. Under the hypothesis that is to be
    refuted, the e-value ever reaches 1/alpha with probability at most alpha (Ville's inequality), so 1/E is a
    p-value at any stopping time. Source: Ramdas, Grunwald, Vovk, Shafer: "Game-theoretic statistics and safe
    anytime-valid inference", Statistical Science 2023.

    Args:
        samples: how many runs were seen; no whole number where several count as one.
        exceedances: how many of them exceeded.
        allowed: the largest share that is allowed, in (0, 1).
    """
    b = (1 - allowed) / allowed
    hits, misses = 1 + exceedances, b + samples - exceedances
    null = exceedances * math.log(allowed) + (samples - exceedances) * math.log1p(-allowed)
    mixture = special.betaln(hits, misses) - special.betaln(1, b) - null
    below = special.betainc(1, b, allowed)
    log_pass = mixture + log(special.betainc(hits, misses, allowed)) - math.log(below)
    log_fail = mixture + log(special.betaincc(hits, misses, allowed)) - math.log1p(-below)
    return Evidence(p_pass=math.exp(-max(0.0, log_pass)), p_fail=math.exp(-max(0.0, log_fail)))


def log(tail: float) -> float:
    """The logarithm of a tail; one that underflows speaks for the other side alone, so its e-value is 0."""
    return math.log(tail) if tail > 0 else -math.inf


def clopper_pearson(samples: int, exceedances: int, alpha: float) -> tuple[float, float]:
    """Exact one-sided bounds, each at level alpha, of a share; for one look, and so for display only."""
    if not samples:
        return 0.0, 1.0
    lower = special.betaincinv(exceedances, samples - exceedances + 1, alpha) if exceedances else 0.0
    clean = samples - exceedances
    upper = special.betaincinv(exceedances + 1, clean, 1 - alpha) if clean else 1.0
    return float(lower), float(upper)


def least_clean_samples(allowed: float, alpha: float) -> int:
    """The least number of runs that prove an objective when none of them exceeds.

    At alpha 0.05: p95 82, p99 417, 99.9% 4,188.
    """
    low, high = 0, 1
    while independent_evidence(high, 0, allowed).p_pass > alpha:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if independent_evidence(middle, 0, allowed).p_pass > alpha:
            low = middle
        else:
            high = middle
    return high
