"""What a policy says about signing (`[signing]` in `gate.toml`)."""

from typing import Annotated

from pydantic import Field

from gatewright.core.model import Model
from gatewright.gate.demands import Switch

__all__ = ["Signing"]


class Signing(Model):
    """Who seals a run.

    Attributes:
        key: the key file, absolute or from the home folder (`~/`). Where there is no such file nobody signs;
            `GATEWRIGHT_SIGNING_KEY` outranks it.
        required: whether a run that nobody signed is INCONCLUSIVE at best.
    """

    key: Annotated[str, Field(pattern=r"^(/|~/|[A-Za-z]:[\\/]|$)")] = ""
    required: Switch = False
