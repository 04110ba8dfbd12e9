"""How the gate saw the session of a check end, held against evidence that says that all is well."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gatewright.core.verdict import State
from gatewright.evidence.manifest import MANIFEST, Step
from gatewright.evidence.strict import EvidenceError, read_model
from gatewright.gate.finding import Finding, Place, command_to_see

__all__ = ["find_bad_ending"]


def find_bad_ending(place: Place, session: Path) -> Iterator[Finding]:
    """A session that ended badly, where its check left evidence of a good end.

    The commands of a check could write a manifest themselves and then kill whoever was about to write the
    true one; the gate, which started the session, knows how it ended.

    Args:
        place: the check.
        session: the gate's record of its session; a check that was run alone has none.
    """
    try:
        step = read_model(session, Step)
    except EvidenceError as error:
        if error.state is not State.MISSING:
            yield ended(place, session, error.state, error.message, error.state.value)
        return
    if step.timed_out or step.exit_code != 0:
        message = f"the session ended badly ({step.ending}) while the evidence says that all is well"
        yield ended(place, session, State.TIMEOUT if step.timed_out else State.ERROR, message, step.ending)


def ended(place: Place, session: Path, state: State, message: str, observed: str) -> Finding:
    """A finding about the end of a session, in the gate's record of it."""
    record = Place(place.run_id, session.parent.name).artifact(session.name)
    found = place.finding(
        state,
        "session-succeeds",
        message,
        path=MANIFEST,
        expected="exit code 0",
        observed=observed,
        see=command_to_see(record),
    )
    return replace(found, reason=found.reason.model_copy(update={"artifact": record}))
