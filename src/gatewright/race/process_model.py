"""What the actors of a race share."""

from enum import StrEnum

__all__ = ["ProcessModel"]


class ProcessModel(StrEnum):
    """What the actors share besides the database."""

    SEPARATE = "separate"
    """Each actor drives an app of its own, as if in another process: every statement is a point."""

    SHARED = "shared"
    """One app for all of them: points are where the code really yields."""

    THREADS = "threads"
    """One process whose threads they are: points are lines of its code."""

    SERVER = "server"
    """Each actor drives an app of its own on a real database server: every statement waits at a gate."""
