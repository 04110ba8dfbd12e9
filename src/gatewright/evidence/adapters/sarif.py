"""Judge SARIF 2.1.0, the results of static analysis: errors fail, warnings warn, silence is no proof."""

from collections.abc import Iterator
from dataclasses import dataclass

from gatewright.core.escape import clipped
from gatewright.core.verdict import State
from gatewright.evidence.adapters.adapter import Adapter, Complaint, Format, Result, conclude, name_some
from gatewright.evidence.adapters.sarif_model import Document, Finding, Level, Run
from gatewright.evidence.report import Counts
from gatewright.evidence.strict import parse_model

__all__ = ["SARIF"]

SHOWN_WORDS = 200


@dataclass(frozen=True)
class Judged:
    """A result with its place, the rule that it is about, and how severe it is in the end."""

    pointer: str
    rule: str
    level: Level
    finding: Finding

    @property
    def counts(self) -> bool:
        """Whether it still is one: not suppressed, and not merely remembered."""
        return not (self.finding.is_suppressed or self.finding.is_gone)

    @property
    def name(self) -> str:
        """Rule, file and line."""
        places = self.finding.locations
        line = places[0].physical.region.line if places else None
        place = f"{self.finding.file}:{line}" if line else self.finding.file
        return f"{self.rule or 'a result'} {place}".rstrip()


def read_sarif(path: str, data: bytes) -> Result:
    """Judge a log by its results.

    What was analysed is counted by the files that the log lists, or, where it lists none, by rules. A clean
    log that lists neither is unproven: it looks the same whether everything was analysed or nothing.
    """
    runs = parse_model(data, Document, name=path).runs
    findings = [judged for index, run in enumerate(runs) for judged in judge_run(index, run)]
    counted = [each for each in findings if each.counts]
    files, rules = (
        frozenset[str]().union(*(run.files for run in runs)),
        rules_of(runs) | {each.rule for each in findings},
    )
    units, broken = count_units(files, rules, [each for each in counted if each.level == "error"])
    complaints = list(find_complaints(runs, counted, units))
    suppressed = sum(each.finding.is_suppressed for each in findings)
    levels: tuple[Level, ...] = ("error", "warning", "note")
    metrics: dict[str, float] = {
        f"findings.{level}": sum(each.level == level for each in counted) for level in levels
    }
    starts = [call.started_at for run in runs for call in run.invocations if call.started_at]
    return conclude(
        path,
        complaints,
        counts=Counts(collected=units, passed=units - broken, failed=broken, skipped=suppressed),
        metrics=metrics
        | {
            "findings.suppressed": suppressed,
            "analysis.files": len(files),
            "analysis.rules": len(rules),
        },
        started_at=min(starts, default=None),
        unproven=bool(complaints) and complaints[0].rule == "analysed-something",
    )


def judge_run(index: int, run: Run) -> Iterator[Judged]:
    """The results of a run, each with the level that the standard gives it (3.27.10)."""
    levels = levels_of(run)
    for number, finding in enumerate(run.results or ()):
        rule = run.tool.id_of(*finding.references)
        level = finding.level
        if level is None:
            level = level_of(rule, levels) if finding.kind == "fail" else "none"
        if finding.kind in {"open", "review"} and level == "none":
            level = "warning"  # the tool can't tell, so somebody must
        yield Judged(f"/runs/{index}/results/{number}", rule, level, finding)


def levels_of(run: Run) -> dict[str, Level]:
    """How severe the results of each rule are where they don't say, as this run was configured."""
    levels = {rule.id: rule.configuration.level for rule in run.tool.rules}
    overrides = [override for invocation in run.invocations for override in invocation.overrides]
    changed = {run.tool.id_of(each.descriptor): each.configuration.level for each in overrides}
    return levels | {rule: level for rule, level in changed.items() if rule}


def level_of(rule: str, levels: dict[str, Level]) -> Level:
    """What a rule says of its results; an id may be that of a rule and a part of it (3.27.5)."""
    return levels.get(rule) or levels.get(rule.rpartition("/")[0]) or "warning"


def rules_of(runs: tuple[Run, ...]) -> set[str]:
    """The rules that a log says were applied."""
    return {rule.id for run in runs for rule in run.tool.rules}


def count_units(files: frozenset[str], rules: set[str], errors: list[Judged]) -> tuple[int, int]:
    """How many files, or else rules, were analysed, and how many of them have an error."""
    if files:
        broken = {each.finding.file for each in errors}
        return len(files | broken), len(broken)
    broken = {each.rule for each in errors}
    return len(rules | broken), len(broken)


def find_complaints(runs: tuple[Run, ...], counted: list[Judged], units: int) -> Iterator[Complaint]:
    """What keeps a log from passing, the worst first."""
    yield from find_findings(counted, "error", State.FAIL)
    for index, run in enumerate(runs):
        yield from find_trouble(index, run)
    yield from find_silence(runs, units)
    yield from find_findings(counted, "warning", State.WARN)


def find_findings(counted: list[Judged], level: Level, state: State) -> Iterator[Complaint]:
    """The results of one level."""
    found = [each for each in counted if each.level == level]
    if found:
        message = f"{len(found)} findings of level {level}: {name_some(each.name for each in found)}"
        expected, observed = f"no {level}", f"{len(found)} of {len(counted)} findings"
        yield Complaint(state, "no-findings", message, expected, observed, found[0].pointer)


def find_trouble(index: int, run: Run) -> Iterator[Complaint]:
    """Where a tool did not do its work, or does not show it here."""
    tool = clipped(run.tool.driver.name, 80)
    for number, invocation in enumerate(run.invocations):
        if (trouble := invocation.trouble) is not None:
            message = f"{tool} did not run as it should: {clipped(trouble, SHOWN_WORDS)}"
            pointer = f"/runs/{index}/invocations/{number}"
            yield Complaint(
                State.ERROR, "tool-succeeds", message, "a tool that succeeds", "an error", pointer
            )
    if run.elsewhere:
        message, expected = f"{tool} keeps parts of its log in other files", "a log in one file"
        pointer = f"/runs/{index}/externalPropertyFileReferences"
        yield Complaint(State.INCONCLUSIVE, "log-complete", message, expected, "references", pointer)
    if run.results is None:
        message, expected = f"{tool} did not look for results", "a list of results, even an empty one"
        yield Complaint(State.EMPTY, "results-present", message, expected, "none", f"/runs/{index}")


def find_silence(runs: tuple[Run, ...], units: int) -> Iterator[Complaint]:
    """Why a log shows that nothing was analysed."""
    expected = "files that were analysed, or rules"
    if not runs:
        yield Complaint(State.EMPTY, "runs-present", "no tool was run", expected, "no run", "/runs")
    elif not units:
        message = "the log names neither files nor rules, so nothing shows that anything was analysed"
        yield Complaint(State.EMPTY, "analysed-something", message, expected, "neither", "/runs/0")


SARIF = Adapter(Format.SARIF, is_xml=False, signature=frozenset({"runs", "version"}), read=read_sarif)
