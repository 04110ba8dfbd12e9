"""Judge SARIF 2.1.0, the results of static analysis: errors fail, warnings warn, silence is no proof."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gatewright.core.escape import clipped
from gatewright.core.verdict import State
from gatewright.evidence.adapters.adapter import Adapter, Complaint, Format, Result, conclude, name_some
from gatewright.evidence.adapters.sarif_model import Configuration, Document, Finding, Level, Run
from gatewright.evidence.report import Counts
from gatewright.evidence.strict import parse_model

__all__ = ["SARIF"]

SHOWN_WORDS = 200
MAXIMUM_PARTS = 8
UNPROVEN = "analysed-something"
SEVERITY: dict[Level, int] = {"none": 0, "note": 1, "warning": 2, "error": 3}
DEFAULT: Level = "warning"


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
    def was_looked_for(self) -> bool:
        """Whether this run looked at what it is about."""
        return not (self.finding.is_gone or self.finding.kind == "notApplicable")

    @property
    def name(self) -> str:
        """Rule, file and line."""
        places = self.finding.locations
        line = places[0].physical.region.line if places else None
        place = f"{self.finding.file}:{line}" if line else self.finding.file
        return f"{self.rule or 'a result'} {place}".rstrip()


def read_sarif(path: str, data: bytes) -> Result:
    """Judge a log by its results.

    What was analysed is counted by the files that the log lists, or, where it lists none, by rules. A log
    that lists no files and nothing that was found is unproven: it looks the same whether everything was
    analysed or nothing, even where it lists the rules that the tool was set up with.
    """
    runs = parse_model(data, Document, name=path).runs
    findings = [judged for index, run in enumerate(runs) for judged in judge_run(index, run)]
    counted = [each for each in findings if each.counts]
    files = frozenset[str]().union(*(run.files for run in runs))
    rules = applied(runs, findings)
    units, broken = count_units(files, rules, [each for each in counted if each.level == "error"])
    is_proven = bool(files) or any(each.was_looked_for for each in findings)
    complaints = list(find_complaints(runs, counted, len(rules), is_proven=is_proven))
    suppressed = sum(each.finding.is_suppressed for each in findings)
    levels: tuple[Level, ...] = ("error", "warning", "note")
    metrics: dict[str, float] = {
        f"findings.{level}": sum(each.level == level for each in counted) for level in levels
    }
    starts = [call.told_at for run in runs for call in run.invocations if call.told_at]
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
        unproven=bool(complaints) and complaints[0].rule == UNPROVEN,
        proof="analysis.rules" if rules else "",
    )


def judge_run(index: int, run: Run) -> Iterator[Judged]:
    """The results of a run, each with the level that the standard gives it (3.27.10)."""
    levels = levels_of(run)
    for number, finding in enumerate(run.results or ()):
        ids = run.tool.ids_of(*finding.references)
        level = finding.level
        if level is None:
            level = level_of(ids, levels) if finding.kind == "fail" else "none"
        if finding.kind in {"open", "review"} and level == "none":
            level = "warning"  # the tool can't tell, so somebody must
        yield Judged(f"/runs/{index}/results/{number}", ids[0] if ids else "", level, finding)


def levels_of(run: Run) -> dict[str, Level]:
    """How severe the results of each rule are where they don't say, as this run was configured.

    Where two rules share an id, or invocations disagree, the most severe counts.
    """
    levels: dict[str, list[Level]] = {}
    changed = {
        rule: [each.level for each in found if each.level] for rule, found in overrides_of(run).items()
    }
    for rule in run.tool.rules:
        told = changed.get(rule.id, [])
        default = rule.configuration.level or DEFAULT
        levels.setdefault(rule.id, []).extend(
            told if len(told) >= len(run.invocations) > 0 else [*told, default]
        )
    levels = {rule: told for rule, told in changed.items() if told} | levels
    return {rule: most_severe(told) for rule, told in levels.items()}


def overrides_of(run: Run) -> dict[str, list[Configuration]]:
    """How each rule was configured for this run, by every invocation that did so."""
    found: dict[str, list[Configuration]] = {}
    for each in (override for invocation in run.invocations for override in invocation.overrides):
        for rule in set(run.tool.ids_of(each.descriptor)):
            found.setdefault(rule, []).append(each.configuration)
    return found


def level_of(ids: Iterable[str], levels: Mapping[str, Level]) -> Level:
    """What the rules of these ids say of their results; an id may go on beyond that of its rule (3.27.5)."""
    found = [levels[known] for known in (known_part(rule, levels) for rule in ids) if known]
    return most_severe(found) if found else DEFAULT


def known_part(rule: str, levels: Mapping[str, Level]) -> str:
    """The longest part of an id, from its beginning, that is the id of a rule; else nothing."""
    for _ in range(MAXIMUM_PARTS):
        if rule in levels:
            return rule
        rule = rule.rpartition("/")[0]
    return ""


def most_severe(levels: Iterable[Level]) -> Level:
    """The most severe of some levels."""
    return max(levels, key=SEVERITY.__getitem__)


def applied(runs: tuple[Run, ...], findings: list[Judged]) -> set[str]:
    """The rules that a log says were applied: not those that were switched off, or had nothing to look at."""
    looked_for = {each.rule for each in findings if each.was_looked_for}
    idle = {each.rule for each in findings if each.finding.kind == "notApplicable"}
    return ({rule for run in runs for rule in enabled(run)} - idle) | looked_for


def enabled(run: Run) -> Iterator[str]:
    """The rules of a run that were switched on."""
    changed = overrides_of(run)
    for rule in run.tool.rules:
        told = [each.enabled for each in changed.get(rule.id, ()) if each.enabled is not None]
        if any(told) if told else rule.configuration.enabled is not False:
            yield rule.id


def count_units(files: frozenset[str], rules: set[str], errors: list[Judged]) -> tuple[int, int]:
    """How many files, or else rules, were analysed, and how many of them have an error."""
    if files:
        broken = {each.finding.file for each in errors}
        return len(files | broken), len(broken)
    broken = {each.rule for each in errors}
    return len(rules | broken), len(broken)


def find_complaints(
    runs: tuple[Run, ...], counted: list[Judged], rules: int, *, is_proven: bool
) -> Iterator[Complaint]:
    """What keeps a log from passing, the worst first."""
    yield from find_findings(counted, "error", State.FAIL)
    for index, run in enumerate(runs):
        yield from find_trouble(index, run)
    if not runs:
        expected = "files that were analysed"
        yield Complaint(State.EMPTY, "runs-present", "no tool was run", expected, "no run", "/runs")
    elif not is_proven:
        yield silence(rules)
    yield from find_findings(counted, "warning", State.WARN)
    for index, run in enumerate(runs):
        yield from find_warnings(index, run)


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


def find_warnings(index: int, run: Run) -> Iterator[Complaint]:
    """What the tool warns of, such as a file that it could not parse."""
    for number, invocation in enumerate(run.invocations):
        if warnings := invocation.notes_of("warning"):
            words = name_some(each.message.text or "a warning that it does not name" for each in warnings)
            tool, pointer = clipped(run.tool.driver.name, 80), f"/runs/{index}/invocations/{number}"
            message, observed = f"{tool} warns: {words}", f"{len(warnings)} warnings"
            yield Complaint(State.WARN, "tool-does-not-warn", message, "no warning", observed, pointer)


def silence(rules: int) -> Complaint:
    """Why a log shows no more than that a tool was started."""
    if rules:
        remedy = 'if they shall do, set a minimum of "analysis.rules"'
        message = (
            f"the log names {rules} rules and no files, so nothing shows that anything was analysed; {remedy}"
        )
    else:
        message = "the log names neither files nor rules, so nothing shows that anything was analysed"
    observed = f"{rules} rules and no files"
    return Complaint(State.EMPTY, UNPROVEN, message, "files that were analysed", observed, "/runs/0")


SARIF = Adapter(Format.SARIF, is_xml=False, signature=frozenset({"runs", "version"}), read=read_sarif)
