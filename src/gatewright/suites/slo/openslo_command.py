"""`gatewright slo openslo FILE...`: what OpenSLO documents promise, and what of it can't be judged."""

import argparse
import sys
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import ExitCode

__all__ = ["Commands", "add_openslo"]

Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it
TEXT = "import OpenSLO v1 documents: what they promise, and what can't be judged by a load test"


def add_openslo(commands: "Commands[argparse.ArgumentParser]") -> None:
    """Add the command to the others about SLOs."""
    parser = commands.add_parser("openslo", help=TEXT, description=TEXT)
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="YAML; documents may refer to each other"
    )
    parser.add_argument(
        "--toml", action="store_true", help="print the objectives for gate.toml instead of a table"
    )
    parser.set_defaults(command=openslo_command)


def openslo_command(options: argparse.Namespace) -> int:
    """Import, print what came out, and complain of the rest."""
    try:
        from gatewright.slo.openslo import import_openslo  # noqa: PLC0415 - its dependencies are an extra
        from gatewright.suites.slo.openslo_file import read_openslo  # noqa: PLC0415 - likewise
        from gatewright.suites.slo.openslo_text import render_import, render_toml  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise ConfigurationError(
            f"slo openslo needs {error.name}, which is not installed",
            remedy="pip install 'gatewright[openslo]'",
        ) from None
    documents, unreadable = read_openslo(options.files)
    imported = import_openslo(documents)
    sys.stdout.write(render_toml(imported.objectives) if options.toml else render_import(imported))
    sys.stdout.flush()
    refusals = (*unreadable, *imported.refusals)
    for note in imported.notes:
        sys.stderr.write(f"note: {note}\n")
    for refusal in refusals:
        sys.stderr.write(f"refused: {refusal}\n")
    if not refusals and not imported.objectives:
        raise ConfigurationError("the documents hold no SLO", remedy="give the files that define SLOs, too")
    return ExitCode.USAGE if refusals else ExitCode.PASS
