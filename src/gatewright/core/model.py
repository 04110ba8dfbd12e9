"""The bases of every model that is written to or read from a file."""

from pydantic import BaseModel, ConfigDict

__all__ = ["Foreign", "Model"]


class Model(BaseModel):
    """Evidence is strict: unknown fields are refused, values never change, numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Foreign(BaseModel):
    """A format of others' making: what is read is strict, what is not read is left aside."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)
