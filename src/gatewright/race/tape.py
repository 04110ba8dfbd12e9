"""A schedule as a value: what is needed to run it again, in another process, on another day."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gatewright.core.errors import ConfigurationError
from gatewright.race.process_model import ProcessModel

__all__ = ["Tape", "read_tape"]

LARGEST_SEED = 2**63 - 1
LARGEST_TAPE_BYTES = 4 * 1024 * 1024

Name = Annotated[str, Field(min_length=1, max_length=400)]
Text = Annotated[str, Field(max_length=4000)]


class Tape(BaseModel):
    """The recorded schedule of one race.

    `scenario` is an import path (`package.module:Class`; where it has `<locals>`, only the scenario's own
    test can replay the tape), `steps` are pairs of actor and point label in the order in which actors were
    let go, `failed` has every violated invariant with what it said.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    schema_version: Literal["gatewright.race-tape/1"] = "gatewright.race-tape/1"
    scenario: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.-]*:[A-Za-z_][\w.<>]*$", max_length=400)]
    name: Name
    strategy: Name
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)]
    process_model: Annotated[ProcessModel, Field(strict=False)]
    preemptions: Annotated[int, Field(ge=0)]
    steps: Annotated[
        tuple[Annotated[tuple[Name, Name], Field(strict=False)], ...], Field(strict=False, max_length=100_000)
    ]
    failed: dict[Name, Annotated[tuple[Text, ...], Field(strict=False)]]

    def to_json(self) -> str:
        """The tape as it is written to a file, one step on a line."""
        head = self.model_dump(mode="json", exclude={"steps"})
        steps = ",\n    ".join(json.dumps(step, ensure_ascii=False) for step in self.steps)
        lines = [
            f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}," for key, value in head.items()
        ]
        return "\n".join(["{", *lines, f'  "steps": [\n    {steps}\n  ]', "}"]) + "\n"


def read_tape(path: Path) -> Tape:
    """Read a tape; it may come from anywhere, so everything about it is checked.

    Raises:
        ConfigurationError: no file, too large, no JSON, duplicate keys, or not a tape.
    """
    try:
        if path.stat().st_size > LARGEST_TAPE_BYTES:
            raise ConfigurationError(f"{path}: too large for a tape")
        value = json.loads(path.read_bytes(), object_pairs_hook=_unique, parse_constant=_refuse)
        return Tape.model_validate(value)
    except OSError as error:
        raise ConfigurationError(f"{path}: the tape can't be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = "/".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{path}: not a tape: {place}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: not a tape: {type(error).__name__}: {error}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")
