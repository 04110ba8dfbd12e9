"""`gatewright slo run NAME --engine locust` and `gatewright slo locust-worker NAME`."""

import argparse
import sys
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.gate.loads import Load
from gatewright.plugins.locust.engine import LocustEngine, workload_of
from gatewright.plugins.locust.launch import Places, run_worker
from gatewright.plugins.locust.messages import Address
from gatewright.plugins.locust.workload import JourneyEntry
from gatewright.suites.slo.command import declared_load, run_declared
from gatewright.suites.slo.declared import Overrides, plan_of
from gatewright.suites.slo.importing import add_to_path

__all__ = ["run_declared_by_locust", "work_for_master"]

DEFAULT_WORKERS = 2
PATIENCE_ELSEWHERE_S = 300.0
"""People start those workers."""


def run_declared_by_locust(parsed: argparse.Namespace, root: Path, policy: Path) -> int:
    """Run a declared load with Locust; returns the exit code of its verdict.

    Args:
        parsed: the command line, with `workers`, `accept_closed_loop` and `master_bind`.
        root: of the project.
        policy: its gate.toml.

    Raises:
        ConfigurationError: there is no such load, or it can't be used.
    """
    load = declared_load(parsed.name, policy)
    elsewhere = parsed.master_bind is not None
    if elsewhere and load.target is None and parsed.target is None:
        raise ConfigurationError(
            "workers on other machines can't reach a server that is started here on loopback",
            remedy="pass --target URL",
        )
    places = Places()
    if elsewhere:
        places = Places(
            Address.parse(parsed.master_bind), local_workers=False, patience_s=PATIENCE_ELSEWHERE_S
        )
    engine = LocustEngine(
        entries_of(load),
        workers=DEFAULT_WORKERS if parsed.workers is None else parsed.workers,
        accepts_closed_loop=parsed.accept_closed_loop,
        may_load=parsed.i_may_load,
        places=places,
    )
    return run_declared(parsed, root, policy, engine=engine)


def work_for_master(parsed: argparse.Namespace, root: Path, policy: Path) -> int:
    """Be a worker for a master elsewhere; returns an exit code.

    Raises:
        ConfigurationError: there is no such load, it can't be used, or its target may not be loaded.
    """
    load = Overrides(target=parsed.target).apply(declared_load(parsed.name, policy))
    if load.target is None:
        raise ConfigurationError(
            "a worker needs a running service", remedy="pass --target URL, as the master has it"
        )
    add_to_path(root, load.python_path)
    master = Address.parse(parsed.master)
    sys.stderr.write(f"working for the master at {master}\n")
    workload = workload_of(plan_of(parsed.name, load), entries_of(load), load.target)
    ca_file = root / load.ca_file if load.ca_file else None
    return run_worker(workload, master, may_load=parsed.i_may_load, ca_file=ca_file)


def entries_of(load: Load) -> tuple[JourneyEntry, ...]:
    """The journeys of a declaration."""
    return tuple(
        JourneyEntry(name=name, factory=each.factory, weight=each.weight)
        for name, each in load.journeys.items()
    )
