"""Guards that hold in one process only: what is atomic merely because one event loop runs it, or one lock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gatewright.core.verdict import Verdict
from gatewright.race.explorer import Budget, Exploration, explore
from gatewright.race.process_model import ProcessModel
from gatewright.race.scenario import Scenario
from gatewright.race.strategies import PreemptionBounding, Strategy

__all__ = ["ModelComparison", "compare_process_models"]


@dataclass(frozen=True)
class ModelComparison:
    """The same scenario raced within one process, and between processes."""

    shared: Exploration
    separate: Exploration

    @property
    def false_guards(self) -> tuple[str, ...]:
        """The invariants that hold in one process and break between several; none where that is not known."""
        if self.shared.verdict is Verdict.INCONCLUSIVE:
            return ()
        broken = {name for name, times in self.separate.violated.items() if times}
        return tuple(sorted(name for name in broken if not self.shared.violated[name]))

    @property
    def sentences(self) -> tuple[str, ...]:
        """The findings, for a report."""
        return tuple(
            f"{name} holds in one process and breaks between several: what guards it is no guard"
            for name in self.false_guards
        )


def compare_process_models(
    scenario: type[Scenario],
    *,
    strategies: Callable[[], Sequence[Strategy]] = lambda: [PreemptionBounding(2)],
    budget: Budget | None = None,
    seed: int = 0,
) -> ModelComparison:
    """Race a scenario in both process models.

    Args:
        scenario: what to race.
        strategies: makes those of each model; by default up to two preemptions.
        budget: of each model.
        seed: of identifiers and chance inside the app.

    Raises:
        SetupFailed: the state before the race could not be brought about.
    """
    shared, separate = (
        explore(scenario(), strategies=strategies(), budget=budget, model=model, seed=seed)
        for model in (ProcessModel.SHARED, ProcessModel.SEPARATE)
    )
    return ModelComparison(shared, separate)
