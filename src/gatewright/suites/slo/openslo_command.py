"""What `gatewright slo openslo` does: import, print what came out, and complain of the rest."""

import sys
from collections.abc import Sequence
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import ExitCode
from gatewright.slo.openslo import import_openslo
from gatewright.suites.slo.openslo_file import read_openslo
from gatewright.suites.slo.openslo_text import render_import, render_toml

__all__ = ["run_openslo"]


def run_openslo(files: Sequence[Path], *, toml: bool) -> ExitCode:
    """Print objectives to standard output, notes and refusals to standard error; 0 if nothing was refused.

    Args:
        files: YAML files; their documents may refer to each other.
        toml: print the declarative form instead of a table.

    Raises:
        ConfigurationError: nothing was refused, and nothing is promised.
    """
    documents, unreadable = read_openslo(files)
    imported = import_openslo(documents)
    refusals = (*unreadable, *imported.refusals)
    if not refusals and not imported.objectives:
        raise ConfigurationError("the documents hold no SLO", remedy="give the files that define SLOs, too")
    sys.stdout.write(render_toml(imported.objectives) if toml else render_import(imported))
    sys.stdout.flush()
    lines = (*(f"note: {note}" for note in imported.notes), *(f"refused: {refusal}" for refusal in refusals))
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    return ExitCode.USAGE if refusals else ExitCode.PASS
