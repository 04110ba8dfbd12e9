"""What a policy declares about loads: journeys, what is offered, and what was promised (`[slo.NAME]`).

Names and numbers only: the judge of evidence knows no load engine; `gatewright.suites.slo` reads this.
"""

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, model_validator

from gatewright.core.model import Model
from gatewright.gate.demands import Switch
from gatewright.gate.paths import InnerPath, Word

__all__ = [
    "DeclaredBudget",
    "DeclaredJourney",
    "DeclaredNeeds",
    "DeclaredObjective",
    "DeclaredSlices",
    "DeclaredStage",
    "Load",
]

Positive = Annotated[FiniteFloat, Field(gt=0, strict=True)]
ObjectPath = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
JourneyName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]


class DeclaredJourney(Model):
    """A journey: what makes it, and its share of all runs.

    Attributes:
        factory: `module:name` of what is called with the service's `Origin` and gives a
            `gatewright.load.Journey`.
        weight: its share is this over the sum of all weights.
    """

    factory: ObjectPath
    weight: Positive = 1.0


class DeclaredObjective(Model):
    """One promise.

    Attributes:
        metric: of what: `latency`, `success_ratio` or `throughput`.
        percentile: of latency, in percent, above 0 and below 100.
        at_most_ms: what that percentile may be, in milliseconds.
        at_least: a share below 1, or successful runs per second.
        journey: only runs that make this journey.
        step: only this step: its service time, or that runs don't fail there.
    """

    metric: Literal["latency", "success_ratio", "throughput"]
    percentile: Annotated[FiniteFloat, Field(gt=0, lt=100, strict=True)] | None = None
    at_most_ms: Positive | None = None
    at_least: Positive | None = None
    journey: str = ""
    step: str = ""

    @model_validator(mode="after")
    def is_complete(self) -> "DeclaredObjective":
        """Each metric has its own numbers, and no others."""
        latency = self.metric == "latency"
        has_latency = self.percentile is not None and self.at_most_ms is not None
        if latency and (not has_latency or self.at_least is not None):
            raise ValueError("a latency needs percentile and at_most_ms, and no at_least")
        if not latency and (self.at_least is None or self.percentile or self.at_most_ms):
            raise ValueError(f"a {self.metric} needs at_least, and neither percentile nor at_most_ms")
        if self.metric == "success_ratio" and self.at_least is not None and self.at_least >= 1:
            raise ValueError("a success_ratio must be below 1: no finite sample proves that nothing fails")
        if self.metric == "throughput" and self.step:
            raise ValueError("a throughput is about whole runs: leave the step out")
        return self


class DeclaredStage(Model):
    """A piece of the schedule: a rate that holds, or that goes evenly from one value to another.

    Attributes:
        seconds: how long it lasts.
        rate: runs offered per second, all the time.
        begin_rate: or at its begin,
        end_rate: and at its end.
    """

    seconds: Positive
    rate: Positive | None = None
    begin_rate: Annotated[FiniteFloat, Field(ge=0, strict=True)] | None = None
    end_rate: Annotated[FiniteFloat, Field(ge=0, strict=True)] | None = None

    @model_validator(mode="after")
    def has_a_rate(self) -> "DeclaredStage":
        """One that holds, or two."""
        ends = [each is not None for each in (self.begin_rate, self.end_rate)]
        if (self.rate is None and all(ends)) or (self.rate is not None and not any(ends)):
            return self
        raise ValueError("a stage needs either a rate, or a begin_rate and an end_rate")


class DeclaredBudget(Model):
    """The share of runs that must succeed over a period; a burn that is far too fast ends the load.

    Attributes:
        target: that share.
        period_days: the period, in days.
    """

    target: Annotated[FiniteFloat, Field(gt=0, lt=1, strict=True)]
    period_days: Positive = 28.0


class DeclaredSlices(Model):
    """A promise about slices of time: so many of them are good, or their runs are on average.

    Attributes:
        metric: a run is good when it is quick enough (`latency`), or when it succeeds (`success_ratio`).
        seconds: the length of a slice.
        at_least: the share of good slices; without `slice_at_least`, the average of slices' shares of good
            runs, each slice alike.
        slice_at_least: the share of good runs that makes a slice good.
        at_most_ms: the longest latency of a good run, in milliseconds.
        journey: only runs that make this journey.
        step: only this step.
    """

    metric: Literal["latency", "success_ratio"]
    seconds: Positive
    at_least: Annotated[FiniteFloat, Field(gt=0, lt=1, strict=True)]
    slice_at_least: Annotated[FiniteFloat, Field(gt=0, le=1, strict=True)] | None = None
    at_most_ms: Positive | None = None
    journey: str = ""
    step: str = ""

    @model_validator(mode="after")
    def is_complete(self) -> "DeclaredSlices":
        """A latency has a limit, and nothing else has."""
        if (self.metric == "latency") != (self.at_most_ms is not None):
            needs = "need at_most_ms" if self.metric == "latency" else "have no at_most_ms"
            raise ValueError(f"slices of a {self.metric} {needs}")
        return self


class DeclaredNeeds(Model):
    """What a decision needs at least; see `gatewright.slo.Requirements`.

    Attributes:
        alpha: the probability of a wrong PASS, and of a wrong FAIL, of all objectives together.
        samples: runs before any decision.
        seconds: how long is measured before PASS; short clean runs hide stalls.
        seconds_to_fail: how long before FAIL, so that one stall of the machine decides nothing.
        unseen_stall_s: a stall of this length, in seconds, is assumed to have been missed.
        unseen_break_s: so is one that breaks an objective for so many seconds.
        share_alpha: attempt k at the same objectives on the same tree has alpha/(k(k+1)) of the error.
    """

    alpha: Annotated[FiniteFloat, Field(gt=0, lt=0.5, strict=True)] = 0.05
    samples: Annotated[int, Field(ge=1, strict=True)] = 100
    seconds: Positive = 10.0
    seconds_to_fail: Positive = 4.0
    unseen_stall_s: Annotated[FiniteFloat, Field(ge=0, strict=True)] = 0.25
    unseen_break_s: Annotated[FiniteFloat, Field(ge=0, strict=True)] = 0.0
    share_alpha: Switch = False


class Load(Model):
    """A load that `gatewright slo run NAME` offers to a service, and what is promised under it.

    Attributes:
        server: the command of a server of its own; `{python}`, `{root}` and `{port_file}` are filled in, and
            it writes the port that it bound to that file.
        ready_path: what answers 200 once that server can be loaded.
        target: base URL of a server that runs already, instead.
        app: `module:name` of an ASGI application that is called in this process, instead: a smoke whose
            latencies leave out server and network.
        ca_file: certificates (PEM) of the issuers to trust behind TLS.
        python_path: folders of the project from which journeys are imported.
        journeys: what runs do.
        objectives: what was promised.
        rate: runs offered per second.
        seconds: the longest duration, warm-up included; a clear case ends earlier.
        stages: a rate that changes, instead of `rate` and `seconds`; all of them are offered.
        arrivals: independent users (poisson) or even distances (constant).
        deadline_s: a run that takes longer is given up and counts as failed.
        seed: of arrivals and of the draws among journeys.
        needs: what a decision needs at least.
        drift: allowed growth per run by series.
        budget: of runs that may fail.
        slices: what was promised about slices of time.
    """

    server: Annotated[tuple[Word, ...], Field(min_length=1)] | None = None
    ready_path: Annotated[str, Field(pattern="^/[!-~]*$")] = "/readyz"
    target: str | None = None
    app: ObjectPath | None = None
    ca_file: InnerPath | None = None
    python_path: tuple[InnerPath, ...] = (".",)
    journeys: Annotated[dict[JourneyName, DeclaredJourney], Field(min_length=1)]
    objectives: Annotated[tuple[DeclaredObjective, ...], Field(min_length=1)]
    rate: Positive = 40.0
    seconds: Positive = 60.0
    stages: tuple[DeclaredStage, ...] = ()
    arrivals: Literal["poisson", "constant"] = "poisson"
    deadline_s: Positive = 5.0
    seed: Annotated[int, Field(strict=True)] = 1
    needs: DeclaredNeeds = DeclaredNeeds()
    drift: dict[str, Positive] = Field(default_factory=dict)
    budget: DeclaredBudget | None = None
    slices: tuple[DeclaredSlices, ...] = ()

    @model_validator(mode="after")
    def has_one_service(self) -> "Load":
        """Either a server is started, or one runs already, or the application is called."""
        if sum(each is not None for each in (self.server, self.target, self.app)) != 1:
            raise ValueError("needs one of: a server to start, a target that runs already, an app to call")
        return self

    @model_validator(mode="after")
    def has_one_offer(self) -> "Load":
        """Stages say both rate and duration."""
        if self.stages and self.model_fields_set & {"rate", "seconds"}:
            raise ValueError("has stages, which say rate and seconds: leave those out")
        return self
