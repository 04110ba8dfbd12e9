"""What a race in a test says when it does not pass: the minimal counterexample, whole."""

import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

from gatewright.core.escape import printable
from gatewright.race import Exploration, Finding
from gatewright.race.scenario import Judged
from gatewright.race.swimlane import swim_lanes
from gatewright.suites.race.evidence import ENGINE_SENTENCES, picture_of

__all__ = ["counterexample_text", "doubts_text", "outcome_line", "trouble_text"]

PACKAGE = Path(__file__).resolve().parents[1]


def counterexample_text(
    scenario: Judged, found: Exploration, finding: Finding, tape: str, command: str
) -> str:
    """The failing schedule with the fewest preemptions: what it breaks, who did what, how to see it again.

    Args:
        scenario: what was raced.
        found: what came of it.
        finding: its counterexample.
        tape: the file that keeps the schedule.
        command: runs it again.
    """
    size = _preemptions(finding.tape.preemptions)
    number = finding.iteration.number
    lines = [
        f"{scenario.name}: FAIL with {size} (schedule {number}, {finding.iteration.strategy})",
        "",
        *_violations(scenario, finding.iteration.race.failures),
        "",
        *swim_lanes(picture_of(finding)),
        "",
        f"replayed: failed in the same way {finding.reproduced} of {finding.replays} times",
        *(f"doubt: {doubt}" for doubt in found.doubts),
        f"tape: {tape}",
        f"run it again: {command}",
    ]
    return "\n".join(map(printable, lines))


def doubts_text(found: Exploration) -> str:
    """Why it could not be known whether the race is safe."""
    lines = [f"{found.scenario}: INCONCLUSIVE after {found.schedules} schedules, so the test does not pass"]
    return "\n".join(map(printable, [*lines, *(f"- {doubt}" for doubt in found.doubts)]))


def outcome_line(found: Exploration) -> str:
    """An exploration in one line, for summaries and JUnit properties."""
    covered = "; ".join(found.achieved.values())
    return printable(f"{found.scenario}: {found.verdict}, {found.schedules} schedules ({covered})")


def trouble_text(error: Exception) -> str:
    """What kept the race from being run, and where in the user's own code that came from."""
    cause = error.__cause__
    frames = traceback.extract_tb(cause.__traceback__) if cause is not None else []
    places = [f"{frame.filename}:{frame.lineno}: {frame.line}" for frame in frames if not _is_ours(frame)]
    return "\n".join(map(printable, [str(error), *(f"  {place}" for place in places)]))


def _is_ours(frame: traceback.FrameSummary) -> bool:
    return Path(frame.filename).is_relative_to(PACKAGE) or "asyncio" in Path(frame.filename).parts


def _violations(scenario: Judged, failures: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    sentences = ENGINE_SENTENCES | {mark.name: mark.sentence for mark in scenario.invariants()}
    for name, seen in sorted(failures.items()):
        yield f"{name}: violated: {sentences[name]}"
        yield from (f"  {line}" for sentence in seen for line in sentence.splitlines())


def _preemptions(number: int) -> str:
    return f"{number} preemption{'' if number == 1 else 's'}"
