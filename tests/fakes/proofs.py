"""How many examples a property is tried with."""

from typing import Any

from hypothesis import settings

__all__ = ["tried"]


def tried(examples: int, **more: Any) -> settings:
    """The same examples every time, however long each takes.

    Args:
        examples: so many in Hypothesis' own profile. In another one (`--hypothesis-profile`), as many more or less
            as its `max_examples` is more or less than 100.
        more: further settings.
    """
    scaled = max(1, examples * settings().max_examples // 100)
    return settings(max_examples=scaled, derandomize=True, deadline=None, **more)
