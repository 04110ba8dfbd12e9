"""What an operator decides about a local runner."""

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["LocalSettings"]


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """A local runner.

    Args:
        api_url: where its callbacks go.
        roots: existing directories, absolute and free of symlinks, that commands may work in.
        state: a directory of its own, for what attempts have to themselves.
        slots: how many commands are executed at once.
        queue: how many attempts may wait for a slot.
        environment: names of variables that commands get besides the usual few.
        agent_command: what is executed for steps without a command; empty: they are refused.
        timeout_s: for how long a command may execute where its step says nothing.
        grace_s: for how long a command may go on after it was asked to end.
        token: who the runner is to the API; may be empty.
        secret: what the API must say to the runner, as `user:password`; empty: nothing.
    """

    api_url: str
    roots: tuple[Path, ...]
    state: Path
    slots: int = 2
    queue: int = 100
    environment: tuple[str, ...] = ()
    agent_command: tuple[str, ...] = ()
    timeout_s: float = 3_600.0
    grace_s: float = 10.0
    token: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
