"""Did the check run as it should, what did it find, and did it measure enough?"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import zip_longest

from gatewright.core.verdict import State
from gatewright.evidence.manifest import MANIFEST, Manifest, Step
from gatewright.evidence.report import Counts, Reason
from gatewright.evidence.results import Result
from gatewright.gate.finding import Finding, Place, command_to_see
from gatewright.gate.policy import Check
from gatewright.gate.states import agree, state_of_step, worst

__all__ = ["bound", "find_miscounts", "find_outcome", "find_shortfalls", "total"]

TIME_TOLERANCE = timedelta(seconds=2)
"""How far the wall clock may step while a check runs."""


def total(results: Sequence[Result]) -> Counts:
    """What all results count together."""
    counts = Counts()
    for result in results:
        counts += result.counts
    return counts


def find_outcome(
    place: Place, manifest: Manifest, check: Check, results: Sequence[Result]
) -> Iterator[Finding]:
    """What exit codes and results say together, with the reasons of both.

    The reasons of a result that does not pass have a state of their own, not the worst of all: who answers
    for one of them answers for no other.
    """
    results = proven([accepted(check, result) for result in results])
    found = worst(result.state for result in results)
    state = agree(worst(state_of_step(step) for step in manifest.steps), found)
    if state is State.PASS:
        return
    if state is found:
        yield from find_unexplained_steps(place, manifest, results)
    else:
        steps = [index for index, step in enumerate(manifest.steps) if state_of_step(step) is not State.PASS]
        yield from explain_steps(place, manifest, steps, state, found)
    for result in results:
        if result.state is not State.PASS:
            for reason, own in zip_longest(result.reasons or (unexplained(result),), result.states):
                yield place.adopt((own or result.state) if state is found else state, reason)


def proven(results: Sequence[Result]) -> Sequence[Result]:
    """The results that prove something; all, where none does, for nothing unproven passes alone."""
    return [result for result in results if not result.unproven] or results


def accepted(check: Check, result: Result) -> Result:
    """A result that proves nothing, as one that does where the policy says what will do as proof of it."""
    limit = check.limits.get(result.proof)
    if not result.unproven or limit is None or not limit.min or limit.min < 0:
        return result
    rest = result.states[1:]
    state = worst(rest) if rest else State.PASS
    return replace(result, state=state, reasons=result.reasons[1:], states=rest, unproven=False)


def find_unexplained_steps(place: Place, manifest: Manifest, results: Sequence[Result]) -> Iterator[Finding]:
    """Commands that ended badly behind a failure, in a way for which there are too few results."""
    states = [state_of_step(step) for step in manifest.steps]
    found = worst(result.state for result in results)
    for state in dict.fromkeys(states):
        if state is State.PASS:
            continue
        steps = [index for index, each in enumerate(states) if each is state]
        if len(steps) <= sum(result.state is state for result in results):
            steps = [index for index in steps if is_contradicted(manifest.steps[index], results)]
        broken = state if state in {State.TIMEOUT, State.ERROR, State.EMPTY} else State.ERROR
        yield from explain_steps(place, manifest, steps, broken, found)


def is_contradicted(step: Step, results: Sequence[Result]) -> bool:
    """Whether all results that a command names say that nothing is wrong."""
    named = [result for result in results if any(result.artifact in word for word in step.argv)]
    return bool(named) and all(result.state is State.PASS for result in named)


def explain_steps(
    place: Place, manifest: Manifest, steps: Sequence[int], state: State, found: State
) -> Iterator[Finding]:
    """The commands whose ending puts the check into a state."""
    for index in steps:
        step = manifest.steps[index]
        yield place.finding(
            state,
            "steps-succeed",
            f"step {index + 1} ended badly ({step.ending}) while the results say {found.value}",
            path=MANIFEST,
            pointer=f"/steps/{index}",
            expected="exit code 0",
            observed=step.ending,
            see=command_to_see(place.artifact(step.log)),
        )


def unexplained(result: Result) -> Reason:
    """A result that does not pass and does not say why."""
    return Reason(
        rule="result-passes",
        message=f"{result.artifact} says {result.state.value} and gives no reason",
        artifact=result.artifact,
        pointer="/verdict",
        expected="PASS",
        observed=result.state.value,
    )


def find_miscounts(
    place: Place, manifest: Manifest, check: Check, results: Sequence[Result]
) -> Iterator[Finding]:
    """Where the manifest and what it is about contradict each other, or a result is of another time."""
    wanted = len(check.steps_of(manifest.profile))
    if len(manifest.steps) != wanted:
        yield place.finding(
            State.ERROR,
            "steps-complete",
            "not every command was run",
            path=MANIFEST,
            pointer="/steps",
            expected=f"{wanted} commands",
            observed=f"{len(manifest.steps)} commands",
        )
    recount = total(results)
    if manifest.counts != recount:
        yield place.finding(
            State.TAMPERED,
            "counts-agree",
            "the manifest counts otherwise than the results",
            path=MANIFEST,
            pointer="/counts",
            expected=shown(recount),
            observed=shown(manifest.counts),
        )
    for result in results:
        yield from find_other_times(place, manifest, result)


def find_other_times(place: Place, manifest: Manifest, result: Result) -> Iterator[Finding]:
    """Signs that a result was not made while its check ran: what it says, and when its file was changed."""
    began, ended = manifest.started_at - TIME_TOLERANCE, manifest.finished_at + TIME_TOLERANCE
    told = result.started_at
    if told and told < began:
        message, expected = (
            "is older than the check that should have made it",
            f"not before {began.isoformat()}",
        )
        yield of_another_time(place, State.STALE, result.artifact, message, expected=expected, observed=told)
    elif told and told > ended:
        message, expected = "began after the check that should have made it", f"not after {ended.isoformat()}"
        yield of_another_time(
            place, State.INVALID, result.artifact, message, expected=expected, observed=told
        )
    elif result.artifact in manifest.older:
        message, expected = (
            "lay there before the check that should have made it",
            "a file that the check wrote",
        )
        yield of_another_time(place, State.STALE, result.artifact, message, expected=expected)


def of_another_time(
    place: Place, state: State, path: str, message: str, *, expected: str, observed: datetime | None = None
) -> Finding:
    """A finding about the time of a result; without one, its file tells it."""
    return place.finding(
        state,
        "result-of-this-check",
        f"{path} {message}",
        path=path,
        expected=expected,
        observed=observed.isoformat() if observed else "an older file",
    )


def shown(counts: Counts) -> str:
    """Counts in words, without the zeros."""
    named = ", ".join(f"{number} {name}" for name, number in counts.model_dump().items() if number)
    return named or "nothing"


def find_shortfalls(place: Place, check: Check, counts: Counts) -> Iterator[Finding]:
    """Too little measured, or too much skipped or tried twice."""
    for name in ("collected", "schedules", "samples"):
        wanted, found = getattr(check, f"min_{name}"), getattr(counts, name)
        if found < wanted:
            state = State.INCONCLUSIVE if found else State.EMPTY
            expected = f"at least {wanted} {name}"
            yield bound(
                place, state, f"min-{name}", f"too few {name}", expected=expected, observed=str(found)
            )
    for name, state in (("skipped", State.SKIPPED), ("flaky", State.FLAKY)):
        allowed, found = getattr(check, f"max_{name}"), getattr(counts, name)
        if found > allowed:
            expected = f"at most {allowed} {name}"
            yield bound(
                place, state, f"max-{name}", f"too many {name}", expected=expected, observed=str(found)
            )


def bound(
    place: Place,
    state: State,
    rule: str,
    message: str,
    *,
    expected: str,
    observed: str,
    see: str = "",
    command: str = "",
) -> Finding:
    """A finding against a bound of the policy."""
    return place.finding(
        state,
        rule,
        message,
        path=MANIFEST,
        pointer="/counts",
        expected=expected,
        observed=observed,
        see=see,
        command=command,
    )
