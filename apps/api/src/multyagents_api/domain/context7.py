"""Context7, the look-up of library documentation: a role's default, which a step may force on or off."""

from enum import StrEnum

__all__ = ["Context7"]


class Context7(StrEnum):
    """What a step wants of its role's default; values are the words on the wire."""

    INHERIT = "inherit"
    FORCE_ON = "force_on"
    FORCE_OFF = "force_off"

    def resolve(self, *, role_default: bool) -> bool:
        """Whether an attempt may look documentation up."""
        return role_default if self is Context7.INHERIT else self is Context7.FORCE_ON
