"""Write `gate.toml` from the description of a project's checks.

python prepare.py checks.json
"""

import json
import re
import sys
from pathlib import Path

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def write_policy(source: Path) -> None:
    """Write the policy beside a description."""
    text = policy_of(json.loads(source.read_bytes()))
    (source.parent / "gate.toml").write_text(text, encoding="utf-8")


def policy_of(description: dict) -> str:
    """The policy that demands what the description does."""
    lines = ["schema_version = 1"]
    if description["project"]:
        lines.append(f"gate = {toml(description['project'])}")
    for check in description["checks"]:
        # The gate gives every check a folder of its own in each run; there its results go.
        steps = [["{python}", *command[1:]] for command in check["commands"]]
        steps = [["{evidence}" if word == check["folder"] else word for word in command] for command in steps]
        results = [result.removeprefix(f"{check['folder']}/") for result in check["results"]]
        settings = {"steps": steps, "results": results} | check["demands"]
        lines += [
            f"[checks.{check['name']}]",
            *(f"{name} = {toml(value)}" for name, value in settings.items()),
        ]
    for waiver in description["waivers"]:
        lines += ["[[waivers]]", *(f"{name} = {toml(value)}" for name, value in waiver.items())]
    return "\n".join(lines) + "\n"


def toml(value: object) -> str:
    """A value in TOML; a text that is a date becomes one."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {toml(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return value if isinstance(value, str) and DAY.fullmatch(value) else json.dumps(value)


if __name__ == "__main__":
    write_policy(Path(sys.argv[1]))
