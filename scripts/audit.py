"""Known vulnerabilities of what we install: pip-audit over the locks, never a PASS for what was not asked.

pip-audit says "no known vulnerabilities" also where nobody could tell: an index that does not know a package
skips it, and a mirror without a feed knows of no vulnerability at all. So a package that is known to be
vulnerable is asked for first; where that is not found, or pip-audit fails, every package counts as skipped.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

__all__ = ["CANARY", "audit", "locked_packages", "main"]

ROOT = Path(__file__).resolve().parents[1]
CANARY = "jinja2==2.4.1"
"""A release with vulnerabilities that every feed knows (GHSA-462w-v97r-4m45, CVE-2019-10906)."""

TIMEOUT_S = 300
SOCKET_TIMEOUT_S = 10
SHOWN = 300
FOUND, UNKNOWN = 1, 3

Audit = dict[str, Any]
"""A document as pip-audit writes it."""

Ask = Callable[[Sequence[str]], Audit]
"""Asks for the vulnerabilities of what some arguments name; raises `Unanswered`."""


class Unanswered(Exception):  # noqa: N818 - what happened
    """pip-audit gave no answer; the message says why."""


def ask_pip_audit(arguments: Sequence[str]) -> Audit:
    """What pip-audit finds; its exit code is 1 for vulnerabilities and for a failure alike.

    Raises:
        Unanswered: it failed, and left no document.
    """
    with tempfile.TemporaryDirectory(prefix="multyagents-audit-") as folder:
        output = Path(folder, "audit.json")
        command = [sys.executable, "-m", "pip_audit", *arguments, "--disable-pip", "--format", "json"]
        command += ["--output", str(output), "--progress-spinner", "off", "--timeout", str(SOCKET_TIMEOUT_S)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            raise Unanswered(f"pip-audit took more than {TIMEOUT_S} s") from None
        try:
            document: Audit = json.loads(output.read_bytes())
        except (OSError, ValueError):
            said = done.stderr.strip().splitlines() or ["nothing"]
            raise Unanswered(f"pip-audit failed and said: {said[-1][:SHOWN]}") from None
        return document


def audit(locks: Sequence[Path], ask: Ask = ask_pip_audit) -> Audit:
    """The vulnerabilities of all locked packages, or why each of them is not known."""
    try:
        with tempfile.TemporaryDirectory(prefix="multyagents-audit-") as folder:
            canary = Path(folder, "canary.txt")
            canary.write_text(f"{CANARY}\n")
            known = ask(["--no-deps", "--requirement", str(canary)])
        check_is_known(known)
        named = [word for lock in locks for word in ("--requirement", str(lock))]
        return ask(["--require-hashes", *named])
    except Unanswered as unanswered:
        skipped = [{"name": name, "skip_reason": str(unanswered)} for name in sorted(locked_packages(locks))]
        return {"dependencies": skipped, "fixes": []}


def check_is_known(document: Audit) -> None:
    """Believe nobody who does not know what everybody knows.

    Raises:
        Unanswered: the audit of the canary found nothing.
    """
    if not any(package.get("vulns") for package in document["dependencies"]):
        raise Unanswered(f"the vulnerability service knows nothing of {CANARY}, which is vulnerable")


def locked_packages(locks: Iterable[Path]) -> set[str]:
    """The names of all packages in some locks."""
    pattern = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==", re.MULTILINE)
    return {name for lock in locks for name in pattern.findall(lock.read_text())}


def summary(document: Audit) -> tuple[int, str]:
    """The exit code of an audit, and a line about it."""
    packages = document["dependencies"]
    vulnerable = sorted({package["name"] for package in packages if package.get("vulns")})
    skipped = [package["skip_reason"] for package in packages if "skip_reason" in package]
    if vulnerable:
        return FOUND, f"{len(vulnerable)} packages have known vulnerabilities: {', '.join(vulnerable)}"
    if skipped or not packages:
        why = skipped[0] if skipped else "no lock names any"
        return UNKNOWN, f"nothing is known of {len(skipped)} of {len(packages)} packages: {why}"
    return 0, f"{len(packages)} packages have no known vulnerabilities"


def main(arguments: Sequence[str] | None = None, ask: Ask = ask_pip_audit) -> int:
    """Audit, and write the document: 0 nothing was found, 1 something was, 3 it is not known."""
    parser = argparse.ArgumentParser(prog="scripts/audit.py", description="Audit the locked packages.")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="where the document goes")
    parser.add_argument("locks", type=Path, nargs="*", metavar="LOCK", help="by default requirements/*.txt")
    options = parser.parse_args(arguments)
    document = audit(options.locks or sorted(ROOT.glob("requirements/*.txt")), ask)
    options.output.write_text(json.dumps(document, indent=1) + "\n")
    code, line = summary(document)
    print(f"audit: {line}")
    return code


if __name__ == "__main__":
    sys.exit(main())
