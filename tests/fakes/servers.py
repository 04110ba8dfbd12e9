"""Servers under stress that somebody else started."""

from collections.abc import Callable
from dataclasses import dataclass, field


def nothing() -> None:
    """Nothing happens."""


@dataclass
class FixedServer:
    """A server at a fixed place; killing and restarting it does what the test says."""

    base_url: str
    on_kill: Callable[[], None] = nothing
    on_restart: Callable[[], None] = nothing
    deaths: list[str] = field(default_factory=list)

    def kill(self) -> None:
        self.deaths.append("killed")
        self.on_kill()

    def restart(self) -> None:
        self.deaths.append("restarted")
        self.on_restart()
