"""Runs every command of every check, as a Nox session does: the first that does not exit 0 ends it."""

import json
from pathlib import Path

import nox


@nox.session(venv_backend="none")
def checks(session: nox.Session) -> None:
    """Run the checks."""
    for check in json.loads(Path("checks.json").read_bytes())["checks"]:
        for command in check["commands"]:
            session.run(*command)
