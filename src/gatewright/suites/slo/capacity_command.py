"""`gatewright slo capacity NAME`: how many runs a second a declared service sustains."""

import argparse
import sys
from pathlib import Path

from gatewright.core.escape import printable_lines
from gatewright.core.verdict import ExitCode
from gatewright.load import Capacity, CapacityRules, ClosedResult, find_capacity, run_on_fast_loop
from gatewright.suites.arguments import number
from gatewright.suites.slo.command import declared_load
from gatewright.suites.slo.declared import Overrides, declared_service
from gatewright.suites.slo.plan import Service
from gatewright.suites.slo.suite import lane_to

__all__ = ["search_capacity"]


def search_capacity(parsed: argparse.Namespace, root: Path, policy: Path) -> int:
    """Search the capacity of a declared service and print each rung; 0 when one was found, else 3.

    Args:
        parsed: the command line.
        root: of the project.
        policy: its gate.toml.

    Raises:
        ConfigurationError: there is no such load, or it can't be used.
        GatewrightError: the service can't be measured.
    """
    rules = CapacityRules(
        most_users=int(number("--most-users", parsed.most_users)),
        seconds=number("--seconds", parsed.seconds),
    )
    load = Overrides(target=parsed.target, may_load=parsed.i_may_load).apply(
        declared_load(parsed.name, policy)
    )
    with declared_service(load, root, parsed.i_may_load) as service:
        capacity = run_on_fast_loop(climb(service, rules))
    sys.stdout.write(printable_lines(summary(capacity)))
    return ExitCode.INCONCLUSIVE if capacity.problems else ExitCode.PASS


async def climb(service: Service, rules: CapacityRules) -> Capacity:
    """Try ever more users of a closed loop, and show each rung."""
    async with lane_to(service) as lane:
        return await find_capacity(lane, service.mix, rules, show=show_rung)


def show_rung(rung: ClosedResult) -> None:
    """One rung, as soon as it was measured."""
    failed = f", {rung.failed} failed" if rung.failed else ""
    sys.stderr.write(f"{rung.users} users: {rung.runs_per_s:.1f} runs/s{failed}\n")
    sys.stderr.flush()


def summary(capacity: Capacity) -> str:
    """What was found, and what it is good for."""
    if capacity.problems:
        return "\n".join(f"INVALID: {problem}" for problem in capacity.problems)
    return (
        f"capacity: {capacity.runs_per_s:.1f} runs/s with {capacity.users} users ({capacity.ending})\n"
        "a closed loop makes no claim about latency: offer about half of it to an open one"
    )
