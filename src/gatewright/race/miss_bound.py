"""What random priorities guarantee: how likely a bug of a given depth is still to be missed."""

from dataclasses import dataclass

__all__ = ["MissBound"]


@dataclass(frozen=True, slots=True)
class MissBound:
    """A bug of `depth` among `actors` that make `horizon` steps, after so many runs of PCT of that depth.

    One run finds such a bug with a chance of at least 1/(n*k^(d-1)) (Burckhardt, Kothari, Musuvathi,
    Nagarakatte: A randomized scheduler with probabilistic guarantees of finding bugs, ASPLOS 2010).
    """

    depth: int
    actors: int
    horizon: int
    runs: int

    @property
    def chance(self) -> float:
        """The greatest chance that all runs missed it; 1.0 where nothing was run."""
        if not (self.actors and self.horizon):
            return 1.0
        chance: float = (1.0 - 1.0 / (self.actors * self.horizon ** (self.depth - 1))) ** self.runs
        return chance

    def __str__(self) -> str:
        return (
            f"a bug of depth {self.depth} among {self.actors} actors and {self.horizon} steps is missed by "
            f"{self.runs} runs with a chance of at most {self.chance:.3g}"
        )
