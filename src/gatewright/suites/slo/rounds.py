"""One round of a comparison: both servers are started, warmed up, and loaded one after the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gatewright.core.errors import GatewrightError
from gatewright.execution.server import ServerProcess
from gatewright.load import (
    HttpClient,
    LogHistogram,
    NoiseMeter,
    OpenLoop,
    Outcome,
    Recording,
    poisson_arrivals,
    run_on_fast_loop,
    tree_cpu_seconds,
)
from gatewright.load.journey import Journey
from gatewright.load.request import Origin
from gatewright.slo import Block, Side
from gatewright.suites.slo.measured_service import MeasuredService, Places

__all__ = ["Contestant", "LoadedBlock", "RoundPlan", "Stage", "run_round"]

WARM_CONNECTIONS = 8
STOP_GRACE_S = 1.0
"""For servers whose state is thrown away."""
ORDERS = ((Side.CANDIDATE, Side.BASE), (Side.BASE, Side.CANDIDATE))
"""Of even and of odd rounds: together ABBA."""


@dataclass(frozen=True)
class RoundPlan:
    """How each round is measured.

    Attributes:
        rate: runs offered per second.
        block_s: length of a block, in seconds.
        warm_up_s: load on each server before its first block, in seconds.
        deadline_s: a run that takes longer is given up and counts as failed.
        seed: of the arrivals; each round has others, and its two blocks the same.
    """

    rate: float
    block_s: float
    warm_up_s: float
    deadline_s: float
    seed: int


@dataclass(frozen=True)
class Stage:
    """What the servers of one side are started from."""

    service: MeasuredService
    python: Path
    source: Path
    environment: Mapping[str, str]
    project: Path


@dataclass(frozen=True)
class Contestant:
    """One side's running server."""

    side: Side
    origin: Origin
    journey: Journey
    tree_pid: int


@dataclass(frozen=True)
class LoadedBlock:
    """One block as it was measured.

    Attributes:
        block: what the decision needs.
        seed: of its arrivals.
        lag_p99_s: how late the generator sent, in seconds.
        dropped: runs that the generator could not send.
        cpu_pressure: share of the time in which some task of the machine waited for a CPU; None when
            unknown.
    """

    block: Block
    seed: int
    lag_p99_s: float
    dropped: int
    cpu_pressure: float | None


def run_round(
    number: int,
    stages: Mapping[Side, Stage],
    plan: RoundPlan,
    folder: Path,
    seen: Callable[[LoadedBlock], None],
) -> None:
    """Start both servers, warm both up, load one after the other, end them.

    Args:
        number: of the round, from 1.
        stages: what each side is started from.
        plan: how to measure.
        folder: where the round's servers may write.
        seen: receives each block.

    Raises:
        GatewrightError: a server does not start, or does not take the journey.
    """
    first, second = ORDERS[number % 2]
    with (
        started(stages[first], first, number, folder) as one,
        started(stages[second], second, number, folder) as other,
    ):
        run_on_fast_loop(load_round(number, (one, other), plan, seen))


@contextmanager
def started(stage: Stage, side: Side, number: int, folder: Path) -> Iterator[Contestant]:
    """A fresh server of one side, ready to be loaded."""
    scratch = folder / f"{side}-{number}"
    scratch.mkdir()
    places = Places(stage.python, stage.source, scratch)
    service = stage.service
    # Both sides of a round hash alike, and each round otherwise: the order of sets is no difference of code.
    inherited = {**stage.environment, "PYTHONHASHSEED": str(number)}
    server = ServerProcess(
        service.argv(places),
        port_file=places.port_file,
        env=service.server_environment(places, inherited, stage.project),
        cwd=scratch,
        ready_path=service.ready_path,
        log=scratch / "server.log",
    )
    try:
        with server:
            origin = Origin.parse(server.base_url)
            yield Contestant(side, origin, service.journey(origin), server.tree_pid)
            server.stop(STOP_GRACE_S)
    except GatewrightError as error:
        raise SideError(side, error) from error


class SideError(GatewrightError):
    """One side can't be measured."""

    def __init__(self, side: Side, error: GatewrightError) -> None:
        super().__init__(f"the {side} can't be measured: {error.message}", remedy=error.remedy)


async def load_round(
    number: int,
    contestants: Sequence[Contestant],
    plan: RoundPlan,
    seen: Callable[[LoadedBlock], None],
) -> None:
    """Warm all up, then load one after the other."""
    for contestant in contestants:
        await load_block(contestant, plan, plan.warm_up_s, seed=-number)
    for contestant in contestants:
        seen(await load_block(contestant, plan, plan.block_s, seed=plan.seed + number))


async def load_block(contestant: Contestant, plan: RoundPlan, seconds: float, seed: int) -> LoadedBlock:
    """Load one server for so many seconds, on connections of their own."""
    client = HttpClient(contestant.origin)
    try:
        with suppress(OSError):  # a server that takes no connection fails its runs
            await client.warm(WARM_CONNECTIONS)
        noise, before = NoiseMeter(), tree_cpu_seconds(contestant.tree_pid)
        arrivals = poisson_arrivals(plan.rate, seconds, seed=seed)
        loop = OpenLoop(client, contestant.journey, arrivals, deadline_s=plan.deadline_s)
        recording = await loop.run(lambda _recording, _now: False)
        after = tree_cpu_seconds(contestant.tree_pid)
    finally:
        client.close()
    cpu_s = None if before is None or after is None else after - before
    return conclude_block(contestant.side, recording, cpu_s, seed, noise.read().cpu_pressure)


def conclude_block(
    side: Side, recording: Recording, cpu_s: float | None, seed: int, cpu_pressure: float | None
) -> LoadedBlock:
    """A recording as a block."""
    runs = len(recording)
    succeeded = recording.count(Outcome.SUCCEEDED, 0, runs)
    lags = LogHistogram(max(0.0, lag) for lag in recording.lags(0, runs))
    return LoadedBlock(
        block=Block(
            side,
            runs,
            runs - succeeded,
            cpu_s,
            # Both sides' lag is the generator's own, and would move the ratio to 1.
            tuple(recording.latencies(0, runs, since_sent=True)),
            lag_s=lags.percentile(0.5) if lags.count else 0.0,
        ),
        seed=seed,
        lag_p99_s=lags.percentile(0.99) if lags.count else 0.0,
        dropped=recording.count(Outcome.DROPPED, 0, runs),
        cpu_pressure=cpu_pressure,
    )
