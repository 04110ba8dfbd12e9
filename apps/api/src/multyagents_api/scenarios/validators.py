"""Apps by the hundred: those of one process share the validators that FastAPI makes for each of them anew."""

from contextlib import suppress
from typing import Any

__all__ = ["share_validators"]

_made: dict[str, tuple[Any, Any]] = {}
"""Validators by what they were made from; which is kept, so that no other thing gets its address."""


def share_validators() -> None:
    """Make each validator once from now on; an app then takes a third of the time.

    An app has 150 of them, for parameters, bodies and answers, and they never change. FastAPI offers no way
    to hand them over; where its inner parts are not as we know them, every app makes its own as ever.
    """
    with suppress(ImportError, AttributeError):
        from fastapi._compat.v2 import ModelField, asdict  # noqa: PLC0415 - it may not be there

        make = ModelField.__post_init__
        if make.__module__ == __name__:
            return

        def share(field: ModelField) -> None:
            source = repr(asdict(field.field_info))
            if source not in _made:
                make(field)
                _made[source] = (field._type_adapter, field.field_info)  # noqa: SLF001
            field._type_adapter = _made[source][0]  # noqa: SLF001

        ModelField.__post_init__ = share  # type: ignore[assignment, method-assign]
