"""What a policy demands of one figure: bounds, bounds against the history, and a budget of flaky tests."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, FiniteFloat, model_validator

from gatewright.core.model import Model

__all__ = ["Allowed", "Figure", "FlakyBudget", "Limit", "Share", "Switch", "Wanted"]

Switch = Annotated[bool, Field(strict=True)]
Allowed = Annotated[int, Field(ge=0, strict=True)]
Wanted = Annotated[int, Field(ge=1, strict=True)]
Figure = Annotated[FiniteFloat, Field(strict=True)]
Change = Annotated[FiniteFloat, Field(ge=0, strict=True)]
Share = Annotated[FiniteFloat, Field(ge=0, le=1, strict=True)]
Runs = Annotated[int, Field(ge=1, le=1000, strict=True)]

ABSOLUTE = ("min", "max", "warn_min", "warn_max")
RELATIVE = ("max_increase", "max_decrease", "warn_increase", "warn_decrease")
HISTORY = ("runs", "min_runs", "first_runs")


class Limit(Model):
    """Bounds of one metric; at least one of them. Relative ones are against the median of earlier runs.

    Earlier runs are those of the same profile in `docs/evidence/history.jsonl` whose verdict was PASS and in
    which the check settled by itself, without a waiver.

    Attributes:
        min: less than this fails.
        max: more than this fails.
        warn_min: less than this warns.
        warn_max: more than this warns.
        max_increase: growth over the median that fails when exceeded, as a share: 0.1 is ten percent.
        max_decrease: fall below the median that fails when exceeded, as a share: 0.1 is ten percent.
        warn_increase: growth over the median that warns when exceeded, as a share.
        warn_decrease: fall below the median that warns when exceeded, as a share.
        runs: how many of the latest earlier runs make the median.
        min_runs: with fewer earlier runs there is nothing to compare with.
        first_runs: what the check is until then, `inconclusive` or `warn`; it never passes in silence.
    """

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    min: Figure | None = None
    max: Figure | None = None
    warn_min: Figure | None = None
    warn_max: Figure | None = None
    max_increase: Change | None = None
    max_decrease: Share | None = None
    warn_increase: Change | None = None
    warn_decrease: Share | None = None
    runs: Runs = 10
    min_runs: Runs = 5
    first_runs: Literal["inconclusive", "warn"] = "inconclusive"

    @property
    def is_relative(self) -> bool:
        """Whether earlier runs are needed to judge it."""
        return any(getattr(self, name) is not None for name in RELATIVE)

    @model_validator(mode="after")
    def bounds_something(self) -> "Limit":
        """A limit without bounds would be met by everything."""
        if not self.is_relative:
            if all(getattr(self, name) is None for name in ABSOLUTE):
                raise ValueError("needs a min or a max")
            if set_in_vain := [name for name in HISTORY if name in self.model_fields_set]:
                raise ValueError(f"{set_in_vain[0]} is about max_increase and its like, and there is none")
        if self.min_runs > self.runs:
            raise ValueError(f"min_runs can't be more than the {self.runs} runs that make the median")
        return self

    @model_validator(mode="after")
    def warns_before_it_fails(self) -> "Limit":
        """Bounds that contradict each other were not meant."""
        rising = (
            ("min", "max"),
            ("min", "warn_min"),
            ("warn_max", "max"),
            ("warn_min", "warn_max"),
            ("warn_increase", "max_increase"),
            ("warn_decrease", "max_decrease"),
        )
        for low, high in rising:
            lower, upper = getattr(self, low), getattr(self, high)
            if lower is not None and upper is not None and lower > upper:
                raise ValueError(f"{low} is above {high}")
        return self


class FlakyBudget(Model):
    """How many tests may be flaky over several runs of one profile, this one included.

    Attributes:
        rate: flaky tests as a share of all that were collected.
        runs: over how many of the latest runs.
    """

    rate: Share
    runs: Runs = 20
