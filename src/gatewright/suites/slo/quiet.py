"""Noise of the machine: decisions that lie within what noise alone makes of the figures are doubtful."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gatewright.core.verdict import Verdict
from gatewright.load import NoiseReading
from gatewright.slo import Decision, LatencyObjective, noise_margin
from gatewright.suites.slo.tallies import Counts

__all__ = ["QuietRule", "doubtful", "margin_of"]


@dataclass(frozen=True)
class QuietRule:
    """Up to which noise a machine counts as quiet; shares of the measured time.

    Attributes:
        cpu_pressure: some task waited for a CPU.
        io_pressure: some task waited for a disk.
        steal: other virtual machines had the CPU.
        run_delay: the generator, or a thread of the server, was runnable and had no CPU.
    """

    cpu_pressure: float = 0.4
    io_pressure: float = 0.4
    steal: float = 0.05
    run_delay: float = 0.2

    def noises(self, reading: NoiseReading) -> Iterator[str]:
        """In words, what was louder; what this system doesn't tell is not."""
        levels = (
            ("CPU pressure", reading.cpu_pressure, self.cpu_pressure),
            ("disk pressure", reading.io_pressure, self.io_pressure),
            ("steal", reading.steal, self.steal),
            ("run delay of the generator", reading.own_run_delay, self.run_delay),
            ("run delay of the server", reading.server_run_delay, self.run_delay),
        )
        for name, level, limit in levels:
            if level is not None and level > limit:
                yield f"{name} {level:.0%}"


def margin_of(objective: LatencyObjective, counts: Counts) -> float | None:
    """The margin that noise alone makes to the percentile of an objective, as a share of it."""
    return noise_margin(counts.latencies, objective.percentile)


def doubtful(decision: Decision, counts: Counts, noises: Sequence[str]) -> Decision:
    """The decision, INCONCLUSIVE where noise alone may have made it; nothing ever becomes PASS.

    Args:
        decision: about a latency.
        counts: what it rests on.
        noises: what was loud on the machine; without any, the decision stands.
    """
    objective = decision.objective
    if not noises or decision.verdict is Verdict.INCONCLUSIVE or not isinstance(objective, LatencyObjective):
        return decision
    margin = margin_of(objective, counts)
    distance = abs(counts.percentile(objective.percentile) / objective.threshold_s - 1)
    # Where nothing succeeded there is no percentile, and the distance is NaN: noise makes no such failure.
    if margin is None or not distance <= margin:
        return decision
    words = (
        f"the machine was noisy ({', '.join(noises)}), and the percentile lies within {distance:.1%} of its "
        f"limit, while noise alone moves it by {margin:.1%} here: quieten the machine, or measure longer"
    )
    return replace(decision, verdict=Verdict.INCONCLUSIVE, missing=words, demoted_from=decision.verdict)
