"""Where the evidence of the suites goes, unless a flag says otherwise."""

from pathlib import Path

__all__ = ["evidence_folder"]


def evidence_folder(task: str) -> Path:
    """`docs/evidence/<task>` of the checkout that the command runs in or this file belongs to."""
    places = [Path.cwd(), *Path.cwd().parents, *Path(__file__).parents]
    checkout = next((place for place in places if (place / "noxfile.py").is_file()), Path.cwd())
    return checkout / "docs" / "evidence" / task
