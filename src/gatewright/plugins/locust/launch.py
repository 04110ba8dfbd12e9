"""Starts Locust's master and workers as processes of their own; this one never imports Locust."""

import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.core.model import Model
from gatewright.evidence.strict import EvidenceError, read_model
from gatewright.execution.process import ChildProcess
from gatewright.plugins.locust.measurement import LocustMeasurement
from gatewright.plugins.locust.messages import Address
from gatewright.plugins.locust.workload import Pace, Workload

__all__ = ["LocustError", "Places", "run_locust", "run_worker"]

LOOPBACK = Address("127.0.0.1", 0)
PATIENCE_S = 30.0
MARGIN_S = 60.0
POLL_INTERVAL_S = 0.1
GRACE_S = 15.0
"""In which a master notices that a worker has died in the middle of a run."""
LOG_LINES_SHOWN = 3
LOG_TAIL_BYTES = 8192
LARGEST_MEASUREMENT = 256 * 1024 * 1024


class LocustError(GatewrightError):
    """Locust's master could not measure; the message carries its last words."""


@dataclass(frozen=True)
class Places:
    """Where the processes are.

    Attributes:
        bind: where the master listens; loopback and a free port, unless workers come from other machines.
        local_workers: whether all workers are started here; else they are waited for.
        patience_s: how long the master waits for its workers.
        ca_file: certificates (PEM) of the issuers to trust behind TLS, instead of those of the system.
        raw: a folder that gets every latency of every worker of this machine; none when None.
    """

    bind: Address = LOOPBACK
    local_workers: bool = True
    patience_s: float = PATIENCE_S
    ca_file: Path | None = None
    raw: Path | None = None


def run_locust(
    workload: Workload,
    pace: Pace,
    *,
    may_load: str | None = None,
    places: Places | None = None,
    show: Callable[[str], None] = lambda _line: None,
) -> LocustMeasurement:
    """Measure with a master and its workers; whatever goes wrong stands in the measurement's problems.

    None of the processes outlives this call, however it ends.

    Args:
        workload: what is done and counted.
        pace: how fast, how long, by how many workers.
        may_load: a host besides loopback that may be loaded.
        places: where the processes are; all on this machine when None.
        show: receives lines of progress.

    Raises:
        ConfigurationError: Locust is not installed, or the target may not be loaded.
        LocustError: the master could not start, or ended without a measurement.
    """
    places = places or Places()
    ensure_possible(workload, may_load)
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="gatewright-locust-")))
        master = resources.enter_context(start_master(folder, workload, pace, places))
        address = Address(places.bind.host, await_port(folder, master))
        workers = [
            resources.enter_context(start_worker(folder, number, address, places))
            for number in range(1, pace.workers + 1)
            if places.local_workers
        ]
        show(f"{pace.workers} workers of Locust meet at {address}, then run for {pace.seconds:g} s")
        longest = places.patience_s + pace.seconds + workload.deadline_s + MARGIN_S
        await_end(folder, master, workers, longest)
        return with_last_words(read_measurement(folder, master), folder, workers)


def run_worker(
    workload: Workload, master: Address, *, may_load: str | None = None, ca_file: Path | None = None
) -> int:
    """Be one worker for a master on another machine, until that one says quit; returns the exit code.

    Raises:
        ConfigurationError: Locust is not installed, or the target may not be loaded from here.
    """
    ensure_possible(workload, may_load)
    with tempfile.TemporaryDirectory(prefix="gatewright-locust-") as name:
        folder = Path(name)
        write_document(folder / "workload.json", workload)
        argv = worker_command(folder, master, ca_file)
        with ChildProcess(argv, env=child_environment()) as worker:
            return worker.wait() or 0


def ensure_possible(workload: Workload, may_load: str | None) -> None:
    """Refuse what must not or can't be run."""
    origin = workload.origin
    if not origin.is_loopback and origin.host != may_load:
        raise ConfigurationError(
            f"{origin.host} is not this machine", remedy=f"pass --i-may-load {origin.host} if you may load it"
        )
    if importlib.util.find_spec("locust") is None:
        raise ConfigurationError(
            "this engine needs Locust, which is not installed", remedy="pip install 'gatewright[locust]'"
        )


def start_master(folder: Path, workload: Workload, pace: Pace, places: Places) -> ChildProcess:
    """A master that will write its measurement into the folder."""
    write_document(folder / "workload.json", workload)
    write_document(folder / "pace.json", pace)
    argv = [
        *module_command("master"),
        *("--workload", str(folder / "workload.json"), "--pace", str(folder / "pace.json")),
        *("--bind", str(places.bind), "--patience", f"{places.patience_s:g}"),
        *("--port-file", str(folder / "port"), "--output", str(folder / "locust.json")),
    ]
    return start(argv, folder / "master.log")


def start_worker(folder: Path, number: int, master: Address, places: Places) -> ChildProcess:
    """A worker on this machine."""
    argv = worker_command(folder, master, places.ca_file)
    if places.raw is not None:
        argv += ["--raw", str(places.raw / f"worker-{number}.raw")]
    return start(argv, worker_log(folder, number))


def worker_command(folder: Path, master: Address, ca_file: Path | None) -> list[str]:
    """The command of a worker."""
    trusted = [] if ca_file is None else ["--ca-file", str(ca_file)]
    return [
        *module_command("worker"),
        *("--workload", str(folder / "workload.json"), "--master", str(master)),
        *trusted,
    ]


def module_command(name: str) -> list[str]:
    """The command of a module beside this one; Locust comes first, since it patches sockets when imported."""
    module = f"{__package__}.{name}"
    code = f"import locust, runpy; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    return [sys.executable, "-P", "-c", code]


def start(argv: Sequence[str], log: Path) -> ChildProcess:
    """A process whose output goes into a log."""
    with log.open("wb") as output:
        return ChildProcess(argv, env=child_environment(), stdout=output, stderr=output)


def child_environment() -> dict[str, str]:
    """Ours, with all that we can import, and without what would set Locust up otherwise."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(dict.fromkeys(filter(None, sys.path)))}


def write_document(path: Path, document: Model) -> None:
    """Write a document for another process."""
    path.write_text(document.model_dump_json(), encoding="utf-8")


def await_port(folder: Path, master: ChildProcess) -> int:
    """The port at which the master listens."""
    deadline = time.monotonic() + PATIENCE_S
    while not (folder / "port").is_file():
        if master.wait(POLL_INTERVAL_S) is not None:
            raise LocustError(f"Locust's master ended before it listened{last_words(folder / 'master.log')}")
        if time.monotonic() > deadline:
            raise LocustError(f"Locust's master did not listen{last_words(folder / 'master.log')}")
    return int((folder / "port").read_text(encoding="ascii"))


def await_end(folder: Path, master: ChildProcess, workers: Sequence[ChildProcess], longest_s: float) -> None:
    """Wait until the master has ended; it notices workers that have died, but not those that never came."""
    deadline = time.monotonic() + longest_s
    while master.wait(POLL_INTERVAL_S) is None:
        if time.monotonic() > deadline:
            words = gone(folder, workers) or [
                f"Locust's master has not ended{last_words(folder / 'master.log')}"
            ]
            raise LocustError("; ".join(words))
        if any(worker.poll() for worker in workers):
            deadline = min(deadline, time.monotonic() + GRACE_S)


def read_measurement(folder: Path, master: ChildProcess) -> LocustMeasurement:
    """What the master wrote."""
    try:
        return read_model(folder / "locust.json", LocustMeasurement, limit=LARGEST_MEASUREMENT)
    except EvidenceError as error:
        words = last_words(folder / "master.log")
        code = master.returncode
        raise LocustError(f"Locust's master ended with exit code {code}: {error}{words}") from error


def with_last_words(
    measurement: LocustMeasurement, folder: Path, workers: Sequence[ChildProcess]
) -> LocustMeasurement:
    """When something went wrong: also what workers said that have ended badly."""
    if not measurement.problems:
        return measurement
    return measurement.model_copy(update={"problems": (*measurement.problems, *gone(folder, workers))})


def gone(folder: Path, workers: Sequence[ChildProcess]) -> list[str]:
    """The workers that have ended badly, and what they said."""
    return [
        f"a worker ended with exit code {code}{last_words(worker_log(folder, number))}"
        for number, worker in enumerate(workers, 1)
        if (code := worker.poll())
    ]


def worker_log(folder: Path, number: int) -> Path:
    """Where a worker's output goes."""
    return folder / f"worker-{number}.log"


def last_words(log: Path) -> str:
    """The last lines of a log, as the end of a sentence."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
        text = file.read().decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()][-LOG_LINES_SHOWN:]
    return f"; it said: {' | '.join(lines)}" if lines else "; it said nothing"
