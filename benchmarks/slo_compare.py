"""False alarms and power of `gatewright slo compare`, beside an absolute p95 threshold.

Usage: python benchmarks/slo_compare.py [--same N] [--ten N] [--twenty N] [--neighbours N] [--blocks N] ...

Windows: the same code on both sides (A/A) beside busy neighbours, a candidate that needs 10% more CPU,
one that needs 20% more. The absolute rule judges the same windows: its threshold is the p95 of the base
one window earlier, plus 10%. A window takes 10 to 60 s. Neighbours are bursts of busy CPUs; they end
with this program, however that ends.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

CALIBRATED_S = 0.003
"""CPU of a request, about what a run of the API takes."""
NEIGHBOUR = """
import random, sys, time
chance = random.Random(int(sys.argv[1]))
while True:
    end = time.monotonic() + chance.uniform(0.1, 2)
    while time.monotonic() < end:
        pass
    time.sleep(chance.uniform(0.1, 1))
"""


def serve(port_file, loops):
    """A server whose handler does so many loops of work, told by `port_file`."""
    import httptools  # noqa: PLC0415 - the server's own; the benchmark imports it by way of gatewright

    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

    class Worker(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport
            self.parser = httptools.HttpRequestParser(self)

        def data_received(self, data):
            self.parser.feed_data(data)

        def on_message_complete(self):
            work(loops)
            self.transport.write(answer)

    async def main():
        server = await asyncio.get_running_loop().create_server(Worker, "127.0.0.1", 0)
        new = port_file.with_suffix(".new")
        new.write_text(str(server.sockets[0].getsockname()[1]))
        new.replace(port_file)
        await server.serve_forever()

    asyncio.run(main())


def work(loops):
    total = 0
    for number in range(loops):
        total += number * number
    return total


def calibrate():
    """How many loops take the CPU of a request; the quickest of ten tries."""
    work(10_000)
    costs = []
    for _ in range(10):
        start = time.process_time()
        work(20_000)
        costs.append((time.process_time() - start) / 20_000)
    return int(CALIBRATED_S / min(costs))


if __name__ == "__main__" and sys.argv[1:2] == ["serve"]:
    serve(Path(sys.argv[2]), int(sys.argv[3]))
    sys.exit()

from gatewright.core.interrupts import end_as_by_ctrl_c  # noqa: E402 - the server needs none of it
from gatewright.core.verdict import Verdict  # noqa: E402
from gatewright.execution.process import ChildProcess  # noqa: E402
from gatewright.load import (  # noqa: E402
    Call,
    LogHistogram,
    NoiseMeter,
    RequestTemplate,
    StepFailedError,
)
from gatewright.slo import CompareRules, Side, compare, looks_for  # noqa: E402
from gatewright.suites.slo.measured_service import MeasuredService  # noqa: E402
from gatewright.suites.slo.rounds import RoundPlan, Stage, run_round  # noqa: E402


class OneGet:
    """A run of one request."""

    steps = ("get",)

    def __init__(self, origin):
        self.request = RequestTemplate("GET", "/", origin).fill()

    def run(self):
        if (yield Call(0, self.request)).status != 200:
            raise StepFailedError("refused")


@dataclass(frozen=True)
class Window:
    """One comparison: what was decided after how many blocks, and what the absolute rule saw."""

    verdict: Verdict
    blocks: int
    ratio: float
    base_p95_s: float
    candidate_p95_s: float
    cpu_pressure: float | None
    deciders: tuple[str, ...]


def stage(loops):
    command = ("{python}", str(Path(__file__).resolve()), "serve", "{port_file}", str(loops))
    service = MeasuredService("worker", command, OneGet, ready_path="/")
    return Stage(service, Path(sys.executable), ROOT, os.environ, ROOT)


def measure(loops, slower, rules, plan):
    """Round after round until it is decided, as the suite does it."""
    stages = {Side.BASE: stage(loops), Side.CANDIDATE: stage(round(loops * slower))}
    loaded, noise = [], NoiseMeter()
    with tempfile.TemporaryDirectory(prefix="slo-compare-") as name:
        for number in range(1, rules.looks[-1] // 2 + 1):
            run_round(number, stages, plan, Path(name), loaded.append)
            if len(loaded) in rules.looks:
                decided = compare([each.block for each in loaded], rules)
                if decided.verdict is not Verdict.INCONCLUSIVE or decided.hopeless:
                    break
    base, candidate = (pooled_p95(loaded, side) for side in Side)
    failed = tuple(each.measure.value for each in decided.decisions if each.verdict is Verdict.FAIL)
    ratio = decided.decisions[0].ratio or float("nan")
    return Window(decided.verdict, len(loaded), ratio, base, candidate, noise.read().cpu_pressure, failed)


def pooled_p95(loaded, side):
    blocks = [each.block for each in loaded if each.block.side is side]
    return LogHistogram(latency for block in blocks for latency in block.latencies_s).percentile(0.95)


def series(name, count, *, slower, loops, rules, plan):
    """Windows in a row; the first one only calibrates the absolute rule."""
    windows = []
    for number in range(count + 1 if count else 0):
        own = RoundPlan(plan.rate, plan.block_s, plan.warm_up_s, plan.deadline_s, seed=1000 * number)
        windows.append(measure(loops, slower, rules, own))
        last = windows[-1]
        print(
            f"{name} {number}/{count}: {last.verdict} {last.blocks} blocks, CPU ratio {last.ratio:.3f}, "
            f"pressure {last.cpu_pressure or 0:.2f} {' '.join(last.deciders)}",
            file=sys.stderr,
        )
    return windows


def row(name, windows):
    """The figures of a series in one row of a Markdown table."""
    judged = list(pairwise(windows))
    absolute = sum(now.candidate_p95_s > 1.1 * before.base_p95_s for before, now in judged)
    ours = [now for _, now in judged]
    counts = [sum(each.verdict is verdict for each in ours) for verdict in Verdict]
    early = sum(each.verdict is Verdict.FAIL and each.blocks <= 16 for each in ours)
    pressure = statistics.median(each.cpu_pressure or 0 for each in ours)
    blocks = statistics.median(each.blocks for each in ours)
    cells = [name, len(ours), f"{pressure:.0%}", *counts, early, f"{blocks:g}", absolute]
    return f"| {' | '.join(map(str, cells))} |"


def options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--same", type=int, default=20, help="A/A windows beside neighbours (20)")
    parser.add_argument("--ten", type=int, default=10, help="windows with 10%% more CPU (10)")
    parser.add_argument("--twenty", type=int, default=10, help="windows with 20%% more CPU (10)")
    parser.add_argument("--neighbours", type=int, default=6, help="busy processes beside A/A windows (6)")
    parser.add_argument("--busy", action="store_true", help="neighbours beside the other windows, too")
    parser.add_argument("--blocks", type=int, default=64)
    parser.add_argument("--block-seconds", type=float, default=0.4)
    parser.add_argument("--warm-up-seconds", type=float, default=0.3)
    parser.add_argument("--rate", type=float, default=60)
    return parser.parse_args()


def main(chosen):
    """Measure, and print a table."""
    end_as_by_ctrl_c()
    rules = CompareRules(looks=looks_for(chosen.blocks))
    plan = RoundPlan(chosen.rate, chosen.block_seconds, chosen.warm_up_seconds, deadline_s=5.0, seed=0)
    loops = calibrate()
    wanted = [
        ("A/A", chosen.same, 1.0, chosen.neighbours),
        ("+10% CPU", chosen.ten, 1.1, chosen.neighbours * chosen.busy),
        ("+20% CPU", chosen.twenty, 1.2, chosen.neighbours * chosen.busy),
    ]
    rows = []
    for name, count, slower, neighbours in wanted:
        with ExitStack() as stack:
            for number in range(neighbours if count else 0):
                hog = [sys.executable, "-S", "-c", NEIGHBOUR, str(number)]
                stack.enter_context(ChildProcess(hog))
            windows = series(name, count, slower=slower, loops=loops, rules=rules, plan=plan)
        rows += [row(f"{name}, {neighbours} neighbours", windows)] if count else []
    print("| candidate | windows | CPU pressure | PASS | FAIL | INCONCLUSIVE | by 16 | blocks | by p95 |")
    print("|---|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main(options())
