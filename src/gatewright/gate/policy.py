"""The release policy: which checks a release needs and how much each must have measured (`gate.toml`)."""

import codecs
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from gatewright.core.errors import ConfigurationError
from gatewright.core.model import Model
from gatewright.evidence.digest import hash_bytes
from gatewright.evidence.manifest import CheckId
from gatewright.evidence.results import Format
from gatewright.gate.demands import Allowed, FlakyBudget, Limit, Switch, Wanted
from gatewright.gate.faults import find_faults
from gatewright.gate.loads import Load
from gatewright.gate.paths import INNER_PATTERN, InnerPath, Word, inside
from gatewright.gate.signing import Signing
from gatewright.gate.waivers import BrokenWaiver, Waiver, read_waivers

__all__ = [
    "POLICY",
    "Check",
    "Gate",
    "Limit",
    "LoadedPolicy",
    "Outputs",
    "Policy",
    "ResultFile",
    "load_policy",
]

POLICY = "gate.toml"

MAXIMUM_BYTES = 256 * 1024
MAXIMUM_DOTS = 500
"""In one line; `tomllib` takes time by the square of the parts of a key, which has a line to itself."""

LONG_NUMBER = re.compile(r"[0-9_]{1000}")
"""Python itself reads no integer of more than 4300 digits."""

Steps = Annotated[tuple[Annotated[tuple[Word, ...], Field(min_length=1)], ...], Field(min_length=1)]
ENDINGS = r"\.(json|xml|sarif)$"
ResultPath = Annotated[
    str,
    Field(pattern=ENDINGS, json_schema_extra={"allOf": [{"pattern": INNER_PATTERN}]}),
    AfterValidator(inside),
]


class ResultFile(Model):
    """A file that a check leaves: where, and in which format.

    Attributes:
        path: where, in the check's folder.
        format: its format; without one, its content must tell.
    """

    path: ResultPath
    format: Format | None = None

    @staticmethod
    def named(value: object) -> object:
        """A path alone stands for the file there."""
        return {"path": value} if isinstance(value, str) else value


Results = Annotated[
    tuple[Annotated[ResultFile, BeforeValidator(ResultFile.named, ResultPath | ResultFile)], ...],
    Field(min_length=1),
]


class Check(Model):
    """One check: what it runs, and what its evidence must show to pass.

    Attributes:
        required: whether the verdict needs it; otherwise it is only reported.
        session: the Nox session in which the gate starts it; without one the gate's interpreter runs it.
        steps: commands, run in order, all of them; `{python}`, `{evidence}`, `{profile}` and `{root}` are
            filled in.
        full_steps: commands of the full profile, where they differ.
        results: files that the steps leave in the check's folder: paths, or `{ path = ..., format = ... }`.
        full_results: files that the commands of the full profile leave, where they differ.
        publish: files of the check's folder by name, and where in the project a copy goes.
        min_collected: how many tests must have been collected; fewer are no proof.
        min_samples: how many runs of a load must have been measured.
        min_schedules: how many schedules of a race suite must have been run.
        max_skipped: how many tests may have been skipped.
        max_flaky: how many tests may have passed at a second try.
        flaky_budget: how many tests may be flaky over several runs together.
        max_age_s: older evidence is stale, in seconds.
        timeout_s: the time that all steps together get, in seconds.
        exclusive: nothing else runs beside it.
        limits: bounds of metrics by name.
    """

    required: Switch = True
    session: Annotated[str, Field(pattern="^[a-z0-9_.-]+$")] | None = None
    steps: Steps
    full_steps: Steps | None = None
    results: Results
    full_results: Results | None = None
    publish: dict[InnerPath, InnerPath] = Field(default_factory=dict)
    min_collected: Allowed = 0
    min_samples: Allowed = 0
    min_schedules: Allowed = 0
    max_skipped: Allowed = 0
    max_flaky: Allowed = 0
    flaky_budget: FlakyBudget | None = None
    max_age_s: Wanted = 86_400
    timeout_s: Wanted = 900
    exclusive: Switch = False
    limits: dict[str, Limit] = Field(default_factory=dict)

    @model_validator(mode="after")
    def reads_each_once(self) -> "Check":
        """A file that is read twice would count twice."""
        for results in (self.results, self.full_results or ()):
            if len({result.path for result in results}) != len(results):
                raise ValueError("names a result twice")
        return self

    def steps_of(self, profile: str) -> Steps:
        """The commands of a profile."""
        return self.full_steps if profile == "full" and self.full_steps else self.steps

    def results_of(self, profile: str) -> tuple[ResultFile, ...]:
        """The files that the commands of a profile leave."""
        return self.full_results if profile == "full" and self.full_results else self.results


class Gate(Model):
    """What holds for a run as a whole.

    Attributes:
        keep: how many run folders stay on disk.
        jobs: how many checks run at once; what is measured beside others is measured on a busy machine.
        full_jobs: how many in the full profile, where that differs.
        warn_blocks: whether a required check that ends as WARN makes the verdict INCONCLUSIVE.
        require_commit: whether evidence of an unknown commit is refused.
        scenarios: the packages whose race scenarios a tape may name; nothing else is imported for a replay.
        faults: what a self-check plants, `module:name`, in one of those packages.
        measured: the `MeasuredService`, `module:name`, that a comparison with a base starts.
    """

    keep: Wanted = 20
    jobs: Annotated[Wanted, Field(le=64)] = 1
    full_jobs: Annotated[Wanted, Field(le=64)] | None = None
    warn_blocks: Switch = False
    require_commit: Switch = False
    scenarios: tuple[str, ...] = ()
    faults: Annotated[str, Field(pattern=r"^([\w.]+:\w+)?$")] = ""
    measured: Annotated[str, Field(pattern=r"^([\w.]+:\w+)?$")] = ""

    def jobs_of(self, profile: str) -> int:
        """How many checks run at once in a profile."""
        return self.full_jobs if profile == "full" and self.full_jobs else self.jobs


class Outputs(Model):
    """The forms in which a verdict is written down, beside JSON, Markdown and HTML.

    Attributes:
        formats: each gives a file `verdict.*` in the run folder, copied beside the latest verdict.
    """

    formats: tuple[Literal["junit", "ctrf", "sarif", "github"], ...] = ()


def no_switch(value: object) -> object:
    """Accept anything but a switch: in Python, true is 1."""
    if isinstance(value, bool):
        raise ValueError("must be 1")  # noqa: TRY004 - pydantic hears no other
    return value


class Policy(Model):
    """A release policy. At least one check must be required, or nothing would be measured.

    Attributes:
        schema_version: the form of the policy, 1.
        gate: what holds for a run as a whole.
        checks: the checks, by name; at least one of them is required.
        signing: who seals a run, and whether one without a seal may pass.
        slo: loads by name, for checks whose step is `gatewright slo run NAME`.
        outputs: the forms in which the verdict is written down.
        waivers: known findings that somebody answers for; a broken one does nothing, and breaks nothing.
    """

    schema_version: Annotated[Literal[1], BeforeValidator(no_switch, json_schema_input_type=Literal[1])]
    gate: Gate = Gate()
    checks: Annotated[dict[CheckId, Check], Field(min_length=1)]
    signing: Signing = Signing()
    slo: dict[CheckId, Load] = Field(default_factory=dict)
    outputs: Outputs = Outputs()
    waivers: Annotated[
        tuple[Waiver | BrokenWaiver, ...],
        BeforeValidator(read_waivers, json_schema_input_type=tuple[Waiver, ...]),
    ] = ()

    @model_validator(mode="after")
    def requires_something(self) -> "Policy":
        """A gate that needs nothing would pass on nothing."""
        if not any(check.required for check in self.checks.values()):
            raise PydanticCustomError(
                "nothing_required", "no check is required, so nothing could ever block a release"
            )
        return self

    def narrowed(self, only: str | None) -> "Policy":
        """The policy of a run that is about one check, which it then requires; itself for None.

        Raises:
            ConfigurationError: there is no such check.
        """
        if only is None:
            return self
        if only not in self.checks:
            raise ConfigurationError(
                f"{POLICY} has no check {only!r}", remedy=f"it has {', '.join(self.checks)}"
            )
        check = self.checks[only].model_copy(update={"required": True})
        waivers = tuple(waiver for waiver in self.waivers if waiver.check == only)
        return self.model_copy(update={"checks": {only: check}, "waivers": waivers})


@dataclass(frozen=True)
class LoadedPolicy:
    """A policy and the digest of the very bytes that it was read from."""

    policy: Policy
    data: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return hash_bytes(self.data)


class UnreadablePolicyError(ValueError):
    """Bytes that are no text of a policy: on which line, why, and what helps."""

    def __init__(self, message: str, remedy: str, line: int = 1) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.line = line


def decode_policy(data: bytes) -> str:
    """The text of a policy, which no parser takes long for.

    Raises:
        UnreadablePolicyError: it is none.
    """
    if len(data) > MAXIMUM_BYTES:
        raise UnreadablePolicyError(f"a policy has at most {MAXIMUM_BYTES // 1024} KiB", "make it smaller")
    if data.startswith(codecs.BOM_UTF8):
        raise UnreadablePolicyError("the file begins with a byte-order mark", "save it as UTF-8 without one")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as failure:
        number = data.count(b"\n", 0, failure.start) + 1
        raise UnreadablePolicyError("this is no UTF-8 text", "save it as UTF-8", number) from None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > MAXIMUM_DOTS:
            raise UnreadablePolicyError(f"a line has more than {MAXIMUM_DOTS} dots", "break it up", number)
        if LONG_NUMBER.search(line):
            raise UnreadablePolicyError("a line has a number of 1000 digits", "write a smaller one", number)
    return text


def load_policy(path: Path) -> LoadedPolicy:
    """Read a policy.

    Raises:
        ConfigurationError: in one line, naming the place.
    """
    return parse_policy(read_policy(path), path.name)


def read_policy(path: Path) -> bytes:
    """The bytes of a policy, no more than show that it is too large; see `load_policy`."""
    try:
        with path.open("rb") as file:
            return file.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"can't read {path.name}: {error.strerror}") from None


def parse_policy(data: bytes, name: str) -> LoadedPolicy:
    """Parse the text of a policy; see `load_policy`."""
    try:
        document = tomllib.loads(decode_policy(data))
    except UnreadablePolicyError as error:
        raise ConfigurationError(f"{name}: {error}", remedy=error.remedy) from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{name} is not TOML: {error}") from None
    try:
        return LoadedPolicy(Policy.model_validate(document), data)
    except ValidationError as error:
        fault = next(find_faults(Policy, document, error))
        raise ConfigurationError(f"{name}: {fault}") from None
