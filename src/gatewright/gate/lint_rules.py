"""What a policy says in good form and can hardly mean: each rule a function, of one check or of the whole."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import PurePosixPath

from gatewright.core.escape import clipped
from gatewright.core.redaction import REDACTED, Redactor
from gatewright.evidence.record import EVIDENCE
from gatewright.gate.policy import POLICY, Check, Gate
from gatewright.gate.sessions import Sessions
from gatewright.gate.states import runs_pytest
from gatewright.gate.toml_lines import Path
from gatewright.gate.waivers import LONGEST_DAYS, BrokenWaiver, find_broken_settings, read_waivers

__all__ = [
    "Remark",
    "Severity",
    "Surroundings",
    "check_check",
    "check_gate",
    "check_publishing",
    "check_waivers",
    "error",
    "find_endless_first_runs",
    "secret",
]

PLACEHOLDERS = ("{python}", "{evidence}", "{profile}", "{root}")
"""What `execution.check` fills in."""

PLACEHOLDER = re.compile(r"(?<!\$)\{[A-Za-z_]\w*\}")
SHELL = re.compile(r"(.*/)?(ba|da|z|k)?sh|(.*[/\\])?(cmd|powershell|pwsh)(\.exe)?")
SHELL_WORDS = frozenset({"&&", "||", "|", ";", ">", ">>", "<", "2>", "2>&1", "&"})
SHELL_VARIABLE = re.compile(r"\$(\w+|\{\w+\})")
OWN_PLACES = (EVIDENCE / "runs", PurePosixPath(POLICY))
OWN_NAMES = ("latest.", "history.", ".gate-lock")
"""How files in the evidence folder begin that the gate writes itself."""

SHOWN_WIDTH = 80
OWN_REPORT = "report.json"
"""What suites leave by themselves, see `evidence.record.publish`."""


class Severity(StrEnum):
    """Whether a policy can't be used or meant (error), or most likely isn't meant (warning)."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Remark:
    """One thing that is wrong: where in the document, what, and what to do about it."""

    path: Path
    severity: Severity
    message: str
    remedy: str
    line: int = 0
    """The line itself, where a place in the document would not say it."""


@dataclass(frozen=True)
class Surroundings:
    """What a policy refers to outside of itself.

    Attributes:
        now: the moment at which waivers are judged, aware.
        sessions: what the noxfile defines.
        has_package: whether a package can be found, without importing it.
    """

    now: datetime
    sessions: Sessions
    has_package: Callable[[str], bool]


def error(path: Path, message: str, remedy: str, *, line: int = 0) -> Remark:
    """What can't be meant."""
    return Remark(path, Severity.ERROR, message, remedy, line)


def warning(path: Path, message: str, remedy: str) -> Remark:
    """What is hardly meant."""
    return Remark(path, Severity.WARNING, message, remedy)


def check_check(name: str, check: Check, loads: Sequence[str], around: Surroundings) -> Iterator[Remark]:
    """All rules about one check.

    Args:
        name: the check.
        check: what the policy says of it.
        loads: the names of the loads that the policy declares.
        around: what it refers to outside of the policy.
    """
    path: Path = ("checks", name)
    yield from find_unknown_session((*path, "session"), check, around.sessions)
    yield from find_nox_without_session(path, check)
    yield from find_placeholders_in_results(path, check)
    yield from find_orphaned_results(path, check)
    yield from find_free_pass(path, check)
    yield from find_shared_load(path, check)
    for place, argv in steps_of(path, check):
        yield from find_in_step(place, argv, loads)


def steps_of(path: Path, check: Check) -> Iterator[tuple[Path, Sequence[str]]]:
    """Every command of a check, in either profile, with its place."""
    for field in ("steps", "full_steps"):
        for index, argv in enumerate(getattr(check, field) or ()):
            yield (*path, field, index), argv


def find_unknown_session(path: Path, check: Check, sessions: Sessions) -> Iterator[Remark]:
    """A session that the noxfile does not define: its check would be MISSING in every run."""
    if check.session is None or sessions.has(check.session):
        return
    if sessions.problem:
        yield error(path, sessions.problem, f"define the session {check.session} in noxfile.py")
    elif not sessions.is_certain:
        yield warning(
            path, f"noxfile.py does not name a session {check.session}", "look whether it defines it"
        )
    else:
        message = f"noxfile.py defines no session {check.session}"
        yield error(path, message, meant(check.session, sorted(sessions.names)) or "define it")


def meant(name: str, known: Sequence[str]) -> str:
    """The known name that was probably meant; empty when none is near."""
    nearest = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {nearest[0]}?" if nearest else ""


def find_nox_without_session(path: Path, check: Check) -> Iterator[Remark]:
    """A Nox inside of a check: its environment is not the one that the evidence tells of."""
    for place, argv in steps_of(path, check):
        if check.session is None and any(PurePosixPath(word).name == "nox" for word in argv[:3]):
            message = "the step calls Nox itself, and the evidence knows nothing of its environment"
            yield warning(place, message, 'let the gate start it: session = "NAME"')


def find_placeholders_in_results(path: Path, check: Check) -> Iterator[Remark]:
    """Results named as in a command: they lie in the check's folder anyhow."""
    for field in ("results", "full_results"):
        for index, result in enumerate(getattr(check, field) or ()):
            if PLACEHOLDER.search(result.path):
                message = f"nobody fills in {result.path}: a result is named from the check's folder"
                yield error((*path, field, index), message, f'"{PurePosixPath(result.path).name}"')


def find_orphaned_results(path: Path, check: Check) -> Iterator[Remark]:
    """Results that no step names. Suites leave a `report.json` without being told."""
    for field, profile in (("steps", "quick"), ("full_steps", "full")):
        steps = getattr(check, field)
        if not steps:
            continue
        key = "full_results" if profile == "full" and check.full_results else "results"
        words = [word for argv in steps for word in argv]
        has_suite = any(not runs_pytest(argv) for argv in steps)
        for index, result in enumerate(check.results_of(profile)):
            name = PurePosixPath(result.path).name
            if not any(name in word for word in words) and not (has_suite and name == OWN_REPORT):
                message = f"no command of {field} names {result.path}, so it will be missing"
                remedy = f"let one write it to {{evidence}}/{result.path}"
                yield warning((*path, key, index), message, remedy)


def find_free_pass(path: Path, check: Check) -> Iterator[Remark]:
    """A check that asks for no amount at all: one test, one sample would do."""
    if not (check.min_collected or check.min_samples or check.min_schedules):
        message = "the check would pass on a single test or sample"
        yield warning(
            path, message, "say how much it must measure: min_collected, min_samples or min_schedules"
        )


def find_shared_load(path: Path, check: Check) -> Iterator[Remark]:
    """A load that is measured beside other checks."""
    offers = any("slo" in argv and "run" in argv for argv in check.steps)
    if (offers or check.min_samples) and not check.exclusive:
        message = "the check measures a load, and other checks may run beside it"
        yield warning(path, message, "exclusive = true")


def find_in_step(path: Path, argv: Sequence[str], loads: Sequence[str]) -> Iterator[Remark]:
    """Placeholders that nobody fills in, loads that nobody declares, secrets that everybody will read."""
    for index, word in enumerate(argv):
        for placeholder in sorted(set(PLACEHOLDER.findall(word)) - set(PLACEHOLDERS)):
            message = f"nobody fills in {placeholder}, and the command gets it as it is"
            yield warning(
                (*path, index), message, meant(placeholder, PLACEHOLDERS) or ", ".join(PLACEHOLDERS)
            )
    yield from find_shell_language(path, argv)
    if "slo" in argv and (name := word_after(argv, "run")) and name not in loads:
        message = f"the policy declares no load {name}"
        place = (*path, list(argv).index("run") + 1)
        yield error(place, message, meant(name, loads) or f"declare it: [slo.{name}]")
    for index, (word, shown) in enumerate(zip(argv, Redactor({}).argv(argv), strict=True)):
        if word != shown and REDACTED in shown and not PLACEHOLDER.search(word):
            yield secret((*path, index))


def find_shell_language(path: Path, argv: Sequence[str]) -> Iterator[Remark]:
    """What a shell would understand; steps are started without one."""
    if any(SHELL.fullmatch(word) for word in argv[:-1]):
        return
    if len(argv) == 1 and " " in argv[0].strip():
        words = ", ".join(f'"{word}"' for word in argv[0].split()[:2])
        message = "the whole command is one word: the name of a program with blanks in it"
        yield warning(path, message, f"write every word on its own: [{words}, ...]")
    for index, word in enumerate(argv):
        if word in SHELL_WORDS or SHELL_VARIABLE.search(word):
            message = f"no shell reads the command, so {clipped(word, SHOWN_WIDTH)} is given to it as it is"
            yield warning((*path, index), message, 'write steps of their own, or ["sh", "-c", "..."]')


def word_after(argv: Sequence[str], word: str) -> str:
    """The word that follows another one, unless it is a flag."""
    rest = list(argv)[list(argv).index(word) + 1 :] if word in argv else []
    return rest[0] if rest and not rest[0].startswith("-") else ""


def secret(path: Path, *, line: int = 0) -> Remark:
    """Something that looks like a secret; it is not repeated here."""
    message = "this looks like a secret, and every run keeps a copy of the policy"
    return error(path, message, "let the command read it from its environment", line=line)


def check_gate(gate: Gate, around: Surroundings) -> Iterator[Remark]:
    """Rules about a run as a whole: packages that are named must be there."""
    named: list[tuple[Path, str]] = [
        (("gate", "scenarios", index), package) for index, package in enumerate(gate.scenarios)
    ]
    named += [
        (("gate", field), getattr(gate, field).partition(":")[0])
        for field in ("faults", "measured")
        if getattr(gate, field)
    ]
    for path, module in named:
        if not around.has_package(module):
            message = f"there is no package {clean(module)} in this project or environment"
            yield warning(path, message, "correct its name, or install it where the gate runs")


def find_endless_first_runs(gate: Gate, checks: Mapping[str, Check]) -> Iterator[Remark]:
    """First runs that warn where a warning blocks: none passes, so there will never be earlier ones."""
    for name, check in checks.items():
        for metric, limit in check.limits.items():
            if gate.warn_blocks and check.required and limit.is_relative and limit.first_runs == "warn":
                message = "with warn_blocks first runs that warn don't pass, so none is ever compared with"
                path = ("checks", name, "limits", metric, "first_runs")
                yield warning(path, message, f"warn_blocks = false until {limit.min_runs} runs have passed")


def clean(name: str) -> str:
    """A name as far as it is one."""
    return re.sub(r"[^\w.]", "?", name)[:SHOWN_WIDTH]


@dataclass(frozen=True, order=True)
class Copy:
    """A copy that a check publishes, ordered by its place: what lies below one comes right behind it."""

    parts: tuple[str, ...]
    number: int
    check: str
    source: str
    target: str

    def overlaps(self, other: "Copy") -> bool:
        """Whether this is, or lies in, the place of one that is ordered before it."""
        return self.parts[: len(other.parts)] == other.parts


def check_publishing(checks: Mapping[str, Check]) -> Iterator[Remark]:
    """Copies that overwrite each other, or what the gate itself writes."""
    published = [(name, *each) for name, check in checks.items() for each in check.publish.items()]
    copies = sorted(
        Copy(PurePosixPath(target).parts, number, name, source, target)
        for number, (name, source, target) in enumerate(published)
    )
    around: Copy | None = None
    for copy in copies:
        if is_own(copy.parts):
            message = f"{copy.target} belongs to the gate itself"
            yield error(("checks", copy.check, "publish", copy.source), message, "publish to another place")
        if around is None or not copy.overlaps(around):
            around = copy
            continue
        first, second = sorted((around, copy), key=lambda each: each.number)
        message = f"{second.target} overlaps with {first.target}, where {first.check} publishes"
        yield error(("checks", second.check, "publish", second.source), message, "use two places")


def is_own(parts: tuple[str, ...]) -> bool:
    """Whether the gate writes a file itself."""
    if parts[:-1] == EVIDENCE.parts and parts[-1].startswith(OWN_NAMES):
        return True
    return any(parts[: len(own.parts)] == own.parts[: len(parts)] for own in OWN_PLACES)


def check_waivers(value: object, checks: Sequence[str], now: datetime) -> Iterator[Remark]:
    """Waivers that do nothing, or not yet.

    Args:
        value: what the policy has in the place of waivers.
        checks: the names of its checks.
        now: the moment at which waivers are judged, aware.
    """
    for index, waiver in enumerate(read_waivers(value)):
        path: Path = ("waivers", index)
        if isinstance(waiver, BrokenWaiver):
            each = value[index] if isinstance(value, list) else None
            for setting, message in find_broken_settings(each) or (("", waiver.message),):
                place = (*path, setting) if setting else path
                yield error(place, f"the waiver does nothing: {message}", "mend it, or take it out")
            continue
        days = (waiver.expires - now.astimezone(UTC).date()).days
        if waiver.check not in checks:
            message = f"the policy has no check {waiver.check}"
            yield warning((*path, "check"), message, meant(waiver.check, checks) or "take the waiver out")
        if days < 0:
            yield warning(
                (*path, "expires"), f"the waiver ended on {waiver.expires}", "take it out, or sign it anew"
            )
        elif days > LONGEST_DAYS:
            message = f"the waiver ends in {days} days and does nothing before {LONGEST_DAYS} days are left"
            yield warning((*path, "expires"), message, "let it end earlier")
