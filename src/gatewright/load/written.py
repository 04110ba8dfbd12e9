"""What load writes to files and sends between processes, and reads again without trust."""

from typing import ClassVar, Self

from pydantic import ConfigDict, ValidationError

from gatewright.core.errors import ConfigurationError
from gatewright.core.escape import printable
from gatewright.core.model import Model

__all__ = ["Written"]

LONGEST_PLACE = 60


class Written(Model):
    """The base of such documents: no number is read from a string, nothing unknown is passed over."""

    model_config = ConfigDict(strict=True)

    title: ClassVar[str]
    """What messages call such a document."""

    @classmethod
    def read(cls, text: str | bytes) -> Self:
        """Read what `model_dump_json` wrote.

        Raises:
            ConfigurationError: it is something else; the line names the first place that is wrong.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            place = printable(".".join(map(str, first["loc"])))[:LONGEST_PLACE] or "JSON"
            message = f"this is no {cls.title}: {place}: {printable(first['msg'])}"
            raise ConfigurationError(message) from error
