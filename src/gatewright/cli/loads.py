"""Commands about service level objectives."""

import argparse
from pathlib import Path

from gatewright.cli.common import Commands, needs_extra, project_of
from gatewright.cli.comparisons import add_compare
from gatewright.cli.openslo import add_openslo

__all__ = ["add_slo_commands"]

DESCRIPTION = "Load a service, hold it to its objectives, compare it with an earlier revision."
RUN_EPILOG = """\
The load, its journeys and what is promised stand in gate.toml:

  [slo.shop]
  server = ["{python}", "-m", "shop", "--port-file", "{port_file}"]    # or: target = "http://127.0.0.1:8000"
  rate = 50                       # runs offered per second, whatever became of earlier ones
  seconds = 60                    # at most; a clear case ends earlier
  journeys.buy = { factory = "shop.journeys:Buy", weight = 1 }
  journeys.look = { factory = "shop.journeys:Look", weight = 4 }
  objectives = [
    { metric = "latency", percentile = 95, at_most_ms = 250 },
    { metric = "latency", percentile = 99, at_most_ms = 400, journey = "buy", step = "pay" },
    { metric = "success_ratio", at_least = 0.99 },
    { metric = "throughput", at_least = 40 },
  ]

exit codes:
  0 PASS   1 FAIL   2 usage or configuration   3 INCONCLUSIVE
"""


def add_slo_commands(commands: Commands) -> None:
    """Add `slo` and what it can do to the command line."""
    slo = commands.add_parser("slo", help="load a service and judge it", description=DESCRIPTION)
    actions = slo.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_run(actions)
    add_capacity(actions)
    add_compare(actions)
    add_hdr(actions)
    add_locust_worker(actions)
    add_openslo(actions)


def add_run(actions: Commands) -> None:
    """`slo run`."""
    run = actions.add_parser(
        "run",
        help="run a load that gate.toml declares, and judge it",
        epilog=RUN_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument("name", metavar="NAME", help="of the load: [slo.NAME] in gate.toml")
    run.add_argument("--target", metavar="URL", help="measure this running server")
    run.add_argument("--i-may-load", metavar="HOST", help="allow a target that is not on this machine")
    run.add_argument("--rate", metavar="N", help="runs offered per second")
    run.add_argument("--seconds", metavar="N", help="longest duration, warm-up included")
    run.add_argument("--seed", type=int, help="of arrivals and of draws among journeys")
    run.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="where the evidence goes (default docs/evidence/slo-NAME)",
    )
    run.add_argument("--json", action="store_true", help="print the whole report as JSON")
    run.add_argument("--quiet", action="store_true", help="show no progress")
    add_locust(run)
    run.set_defaults(command=run_command)


def add_locust(run: argparse.ArgumentParser) -> None:
    """What only the Locust engine of `slo run` needs."""
    locust = run.add_argument_group("closed loop of Locust, with as many workers and machines as it takes")
    locust.add_argument(
        "--engine",
        choices=["open-loop", "locust"],
        default="open-loop",
        help="what measures (default: open-loop)",
    )
    locust.add_argument(
        "--workers", type=int, default=2, metavar="N", help="processes that make runs (default: 2)"
    )
    locust.add_argument(
        "--master-bind", metavar="HOST[:PORT]", help="wait there for workers that other machines start"
    )
    locust.add_argument(
        "--accept-closed-loop",
        action="store_true",
        help="judge service times where an open latency was promised, and name them so",
    )


def add_locust_worker(actions: Commands) -> None:
    """`slo locust-worker`."""
    worker = actions.add_parser(
        "locust-worker", help="be a worker for a `slo run --engine locust --master-bind` on another machine"
    )
    worker.add_argument("name", metavar="NAME", help="of the load: [slo.NAME] in gate.toml, the same one")
    worker.add_argument("--master", metavar="HOST[:PORT]", required=True, help="where that one waits")
    worker.add_argument("--target", metavar="URL", help="the running server, as that one names it")
    worker.add_argument("--i-may-load", metavar="HOST", help="allow a target that is not on this machine")
    worker.set_defaults(command=locust_worker_command)


def run_command(options: argparse.Namespace) -> int:
    """Run a declared load."""
    with needs_extra("slo run", "slo"):
        from gatewright.suites.slo.command import run_declared  # noqa: PLC0415 - its dependencies are an extra
    project = project_of(options)
    if options.engine == "locust":
        from gatewright.plugins.locust.command import run_declared_by_locust  # noqa: PLC0415 - likewise

        return run_declared_by_locust(options, project.root, project.policy)
    return run_declared(options, project.root, project.policy)


def locust_worker_command(options: argparse.Namespace) -> int:
    """Work for a master elsewhere."""
    with needs_extra("slo locust-worker", "locust"):
        from gatewright.plugins.locust.command import work_for_master  # noqa: PLC0415 - an extra
    project = project_of(options)
    return work_for_master(options, project.root, project.policy)


def add_capacity(actions: Commands) -> None:
    """`slo capacity`."""
    text = "find how many runs a second a declared service sustains, by ever more users of a closed loop"
    capacity = actions.add_parser("capacity", help=text, description=f"{text}; it judges nothing")
    capacity.add_argument("name", metavar="NAME", help="of the load: [slo.NAME] in gate.toml")
    capacity.add_argument("--target", metavar="URL", help="measure this running server")
    capacity.add_argument("--i-may-load", metavar="HOST", help="allow a target that is not on this machine")
    capacity.add_argument("--seconds", metavar="N", default="5", help="how long each step lasts (default: 5)")
    capacity.add_argument(
        "--most-users", metavar="N", default="256", help="no step has more users (default: 256)"
    )
    capacity.set_defaults(command=capacity_command)


def capacity_command(options: argparse.Namespace) -> int:
    """Search the capacity of a declared service."""
    with needs_extra("slo capacity", "slo"):
        from gatewright.suites.slo.capacity_command import search_capacity  # noqa: PLC0415 - an extra
    project = project_of(options)
    return search_capacity(options, project.root, project.policy)


def add_hdr(actions: Commands) -> None:
    """`slo hdr`."""
    text = "print the latencies of a report as an interval log of HdrHistogram (V2, for its plotters)"
    hdr = actions.add_parser("hdr", help=text, description=text)
    hdr.add_argument("report", type=Path, metavar="REPORT", help="e.g. docs/evidence/task-076/latest.json")
    hdr.set_defaults(command=hdr_command)


def hdr_command(options: argparse.Namespace) -> int:
    """Print a report's histograms."""
    with needs_extra("slo hdr", "slo"):
        from gatewright.suites.slo.hdr_command import print_hdr_log  # noqa: PLC0415 - an extra
    return print_hdr_log(options.report)
