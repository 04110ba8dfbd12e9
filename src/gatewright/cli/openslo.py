"""`gatewright slo openslo`: what OpenSLO documents promise."""

import argparse
from pathlib import Path

from gatewright.cli.common import Commands, needs_extra

__all__ = ["add_openslo"]

TEXT = "import OpenSLO v1 documents: what they promise, and what of it a load test can't judge"
EPILOG = """\
An indicator is bound to what is measured by annotations (docs/guide-openslo.md):

  metadata:
    annotations:
      gatewright.dev/metric: latency     # or success
      gatewright.dev/journey: buy        # optional: of this journey only
      gatewright.dev/step: pay           # optional: of this step only
      gatewright.dev/unit: ms            # of a threshold metric's values

exit codes:
  0 all of it was imported   2 something was refused, by name
"""


def add_openslo(actions: Commands) -> None:
    """`slo openslo`."""
    openslo = actions.add_parser(
        "openslo",
        help=TEXT,
        description=TEXT,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    openslo.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="YAML; they may refer to each other"
    )
    openslo.add_argument(
        "--toml", action="store_true", help="print the objectives for gate.toml instead of a table"
    )
    openslo.set_defaults(command=openslo_command)


def openslo_command(options: argparse.Namespace) -> int:
    """Import documents."""
    with needs_extra("slo openslo", "openslo"):
        from gatewright.suites.slo.openslo_command import run_openslo  # noqa: PLC0415 - an extra
    return run_openslo(options.files, toml=options.toml)
