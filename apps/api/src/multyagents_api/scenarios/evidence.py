"""Where the evidence of the suites goes, unless a flag says otherwise."""

from pathlib import Path

__all__ = ["checkout", "evidence_folder"]


def checkout() -> Path | None:
    """The checkout that the command runs in or this file belongs to; None where there is none."""
    places = [Path.cwd(), *Path.cwd().parents, *Path(__file__).parents]
    return next((place for place in places if (place / "noxfile.py").is_file()), None)


def evidence_folder(task: str) -> Path:
    """`docs/evidence/<task>` of the checkout, or of the working folder where there is none."""
    return (checkout() or Path.cwd()) / "docs" / "evidence" / task
