"""What `slo compare` measures, as a project declares it: a server's command, and what a run does there."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.load import Journey, Origin
from gatewright.suites.slo.importing import add_to_path, filled, imported

__all__ = ["MeasuredService", "Places", "load_service"]

PLACEHOLDERS = ("python", "source", "scratch", "port_file")


@dataclass(frozen=True)
class Places:
    """Where one side of a comparison lives; each fills the placeholder of its name.

    Attributes:
        python: the interpreter whose environment the side runs in.
        source: the root of its source tree: the work tree, or the unpacked base.
        scratch: an empty folder of its own.
        port_file: where its server tells the port.
    """

    python: Path
    source: Path
    scratch: Path

    @property
    def port_file(self) -> Path:
        """Where the server of this side tells its port."""
        return self.scratch / "port"

    def fill(self, text: str) -> str:
        """The text with `{python}`, `{source}`, `{scratch}`, `{port_file}` filled in; other braces stay."""
        return filled(text, {name: getattr(self, name) for name in PLACEHOLDERS})


@dataclass(frozen=True)
class MeasuredService:
    """How a server of any revision is started, and what a run does there.

    `command` and the values of `environment` may hold the placeholders of `Places`. The declaration is
    always the candidate's, its journeys too: a base that lacks this module, or has another one, makes no
    difference.

    Attributes:
        name: of the service, for the report.
        command: starts a server that writes its port to `{port_file}`, on a loopback address.
        journey: makes what a run does on a server that has just started, and prepares it there; a
            `GatewrightError` says that the server did not take it.
        environment: variables on top of those of this process.
        python_path: folders relative to `{source}` that go before all others on PYTHONPATH.
        locks: files relative to `{source}` that say what the environment holds; a base with the same ones
            runs in the candidate's environment. The first is what an environment of the base's own is made
            from.
        ready_path: answers 200 once requests are served.
        rate: runs per second that are offered, unless a flag says otherwise.
    """

    name: str
    command: tuple[str, ...]
    journey: Callable[[Origin], Journey]
    environment: Mapping[str, str] = field(default_factory=dict)
    python_path: tuple[str, ...] = ()
    locks: tuple[str, ...] = ("requirements.txt",)
    ready_path: str = "/readyz"
    rate: float = 40.0

    def argv(self, places: Places) -> list[str]:
        """The server's command on one side."""
        return [places.fill(word) for word in self.command]

    def server_environment(
        self, places: Places, inherited: Mapping[str, str], project: Path
    ) -> dict[str, str]:
        """The whole environment of one side's server.

        Folders of the project that stand on the inherited PYTHONPATH are left out: they would lend the
        candidate's modules to the base.

        Args:
            places: of the side.
            inherited: the variables of this process.
            project: the work tree.
        """
        own = [str(places.source / folder) for folder in self.python_path]
        foreign = [
            entry
            for entry in inherited.get("PYTHONPATH", "").split(os.pathsep)
            if entry and not Path(entry).resolve().is_relative_to(project.resolve())
        ]
        declared = {name: places.fill(value) for name, value in self.environment.items()}
        return {**inherited, "PYTHONPATH": os.pathsep.join([*own, *foreign]), **declared}


def load_service(path: str, project: Path) -> MeasuredService:
    """The declaration that stands at an import path `MODULE:NAME` of a project.

    Raises:
        ConfigurationError: it can't be imported, or is none.
    """
    add_to_path(project, (".",))
    found = imported("the measured service", path)
    if not isinstance(found, MeasuredService):
        raise ConfigurationError(f"{path} is no MeasuredService")
    return found
