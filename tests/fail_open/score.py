"""Score gates on the fail-open corpus: how many situations that must not pass make them say PASS?

    python tests/fail_open/score.py [ADAPTER.toml ...] [--gate COMMAND [--judge COMMAND] [--verify COMMAND]]

An adapter describes a gate that has more to say than one command; those of three gates lie in `gates/`. A command
runs in the folder of a project whose checks are described in `{checks}` (JSON) and listed in `{commands}` (a shell
line each); exit code 0 means PASS. Prints a table by family; ends with 1 if a gate passed what it must not, or
refused what is clean. Needs Python 3.11 and its standard library.
"""

import argparse
import datetime as dt
import json
import os
import platform
import re
import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from fail_open.corpus import CONTROL, FAMILIES, FOLDER, Case, read_cases  # noqa: E402 - the path is set first
from fail_open.gates import Gate, read_gate  # noqa: E402
from fail_open.trial import Outcome, TrialError, try_cases  # noqa: E402

__all__ = ["Score", "main", "render_markdown", "table"]

BEGIN, END = "<!-- score -->", "<!-- end of score -->"


@dataclass(frozen=True)
class Score:
    """A gate, and what it said of every case."""

    gate: Gate
    outcomes: tuple[Outcome, ...]

    def cells(self, family: str) -> str:
        """How many of the cases offered in a family it got right."""
        return share([outcome for outcome in self.outcomes if outcome.case.family == family])

    @property
    def spoiled(self) -> list[Outcome]:
        """All that must not pass."""
        return [outcome for outcome in self.outcomes if not outcome.case.is_control]

    @property
    def faults(self) -> list[Outcome]:
        """The cases that it fell open on, and the clean ones that it refused."""
        return [
            outcome
            for outcome in self.outcomes
            if outcome.offered and outcome.passed is not outcome.case.is_control
        ]


def share(outcomes: Sequence[Outcome]) -> str:
    """`right/offered`; a dash where nothing was offered."""
    offered = [outcome for outcome in outcomes if outcome.offered]
    right = sum(outcome.passed is outcome.case.is_control for outcome in offered)
    return f"{right}/{len(offered)}" if offered else "-"


def main(arguments: Sequence[str] | None = None) -> int:
    """Score the gates that the arguments name."""
    options = parse(arguments)
    try:
        gates = gates_of(options)
        if options.markdown:
            insert(options.markdown, "")  # before the time is spent
        cases = [case for case in read_cases() if options.only in case.name]
        scores = [score(gate, cases, options) for gate in gates]
    except (TrialError, OSError, ValueError, KeyError) as error:
        message = f"there is no placeholder {error}" if isinstance(error, KeyError) else error
        print(f"score: {message}", file=sys.stderr)
        return 2
    print(table(scores))
    for each in scores:
        for fault in each.faults:
            print(f"{each.gate.name}: {fault.word}: {fault.case.name}: {fault.case.why}")
    if options.json:
        options.json.write_text(json.dumps(document_of(scores), indent=2) + "\n", encoding="utf-8")
    if options.markdown:
        insert(options.markdown, render_markdown(scores, command_line(options)))
    return int(any(each.faults for each in scores))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="score.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("adapters", nargs="*", type=Path, metavar="ADAPTER.toml", help="a gate's description")
    parser.add_argument(
        "--gate", metavar="COMMAND", help="runs the checks of a project and gives the verdict"
    )
    parser.add_argument("--judge", default="", metavar="COMMAND", help="gives it again, and runs nothing")
    parser.add_argument("--verify", default="", metavar="COMMAND", help="is the verdict that stands intact?")
    parser.add_argument("--name", metavar="NAME", help="of the gate in the table; by default its command")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases whose names hold this")
    parser.add_argument(
        "--timeout", type=float, default=20, metavar="S", help="for each answer; no answer is no PASS"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="how many cases are put at once")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every outcome")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="renew the table between its marks")
    return parser.parse_args(arguments)


def gates_of(options: argparse.Namespace) -> list[Gate]:
    """The gates that are to be scored."""
    gates = [read_gate(path) for path in options.adapters]
    if options.gate:
        name = options.name or options.gate
        gates.append(Gate(name, options.gate, judge=options.judge, verify=options.verify))
    if not gates:
        raise ValueError("name a gate: --gate COMMAND, or an adapter such as those in tests/fail_open/gates")
    return gates


def score(gate: Gate, cases: list[Case], options: argparse.Namespace) -> Score:
    """Put all cases to one gate."""
    with tempfile.TemporaryDirectory(prefix="fail-open-") as name:
        folder = Path(name).resolve()
        return Score(gate, try_cases(gate, cases, folder, limit_s=options.timeout, jobs=options.jobs))


def rows_of(scores: Sequence[Score]) -> list[list[str]]:
    """The table: a head, a row for each family, and what they come to."""
    cases = [outcome.case for outcome in scores[0].outcomes]
    names = [family for family in (*FAMILIES, CONTROL) if any(case.family == family for case in cases)]
    rows = [["family", "cases", *(each.gate.name for each in scores)]]
    for family in names[: -1 if CONTROL in names else None]:
        number = sum(case.family == family for case in cases)
        rows.append([family, str(number), *(each.cells(family) for each in scores)])
    spoiled = [case for case in cases if not case.is_control]
    rows.append(["all, held of offered", str(len(spoiled)), *(share(each.spoiled) for each in scores)])
    plain = [[outcome for outcome in each.spoiled if outcome.case.is_plain] for each in scores]
    rows.append(["the same without demands and matters of form", str(len(plain[0])), *map(share, plain)])
    if CONTROL in names:
        clean = [case for case in cases if case.is_control]
        rows.append(["clean, passed of offered", str(len(clean)), *(each.cells(CONTROL) for each in scores)])
    return rows


def table(scores: Sequence[Score]) -> str:
    """The table for a terminal."""
    rows = rows_of(scores)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def document_of(scores: Sequence[Score]) -> dict[str, object]:
    """Every outcome, for machines."""
    return {
        "schema_version": "fail-open-score/1",
        "circumstances": circumstances(),
        "gates": [
            {
                "name": each.gate.name,
                "version": each.gate.describe(),
                "outcomes": [
                    {
                        "case": outcome.case.name,
                        "family": outcome.case.family,
                        "outcome": outcome.word,
                        "exit_code": outcome.exit_code,
                        "seconds": outcome.seconds,
                    }
                    for outcome in each.outcomes
                ],
            }
            for each in scores
        ],
    }


def render_markdown(scores: Sequence[Score], command: str) -> str:
    """The table and what it rests on, and each case that a gate got wrong."""
    head, *rows = rows_of(scores)
    lines = [f"    {command}", "", circumstances(), ""]
    lines += [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + "\n" + "".join(map(describe, scores))


def describe(score: Score) -> str:
    """What a gate is, and each case that it got wrong."""
    version = score.gate.describe()
    text = f"\n**{score.gate.name}**{f' ({version})' if version else ''}: {score.gate.about}\n"
    if not score.faults:
        return f"{text}Nothing fell open, and nothing clean was refused.\n"
    faults = "".join(f"- {fault.word}: `{fault.case.name}`: {fault.case.why}\n" for fault in score.faults)
    return f"{text}\n<details><summary>{len(score.faults)} wrong answers</summary>\n\n{faults}\n</details>\n"


def circumstances() -> str:
    """When and where this was measured."""
    return (
        f"{dt.datetime.now(dt.UTC).date()}, Python {platform.python_version()}, {platform.system()} "
        f"{platform.release().partition('-')[0]}, {os.cpu_count()} cores{processor()}."
    )


def processor() -> str:
    """The name of the processor in parentheses, where the system tells it."""
    try:
        found = re.search(
            r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE
        )
    except OSError:
        return ""
    return f" ({found[1]})" if found else ""


def command_line(options: argparse.Namespace) -> str:
    """The command that renews the table, with paths as they would be typed in this project."""
    words = ["python", "tests/fail_open/score.py", *map(str, options.adapters)]
    for name in ("gate", "judge", "verify", "name", "only", "markdown"):
        if value := getattr(options, name):
            words += [f"--{name}", str(value)]
    return shlex.join(word.replace(f"{FOLDER.parents[1]}/", "") for word in words)


def insert(page: Path, text: str) -> None:
    """Put the text between the marks of a page; with no text, only look whether they are there.

    Raises:
        ValueError: they are not.
    """
    old = page.read_text(encoding="utf-8")
    marked = re.compile(f"{BEGIN}.*{END}", re.DOTALL)
    if not marked.search(old):
        raise ValueError(f"{page} has no place for a score: {BEGIN} and {END}")
    if text:
        page.write_text(marked.sub(lambda _: f"{BEGIN}\n\n{text}\n{END}", old), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
