"""One thing that the judge found wrong, and what state it puts a check into."""

import shlex
from dataclasses import dataclass

from gatewright.core.escape import printable
from gatewright.core.verdict import State
from gatewright.evidence.report import Reason

__all__ = ["Finding", "Place", "command_to_see"]


@dataclass(frozen=True)
class Finding:
    """A reason together with the state that it causes."""

    state: State
    reason: Reason


@dataclass(frozen=True)
class Place:
    """The check that is judged; makes findings about it that name their artifact from the evidence folder."""

    run_id: str
    check: str

    def artifact(self, path: str) -> str:
        """A file of the check as a path relative to the evidence folder."""
        return f"runs/{self.run_id}/{self.check}/{path}"

    def finding(
        self,
        state: State,
        rule: str,
        message: str,
        *,
        path: str,
        pointer: str = "",
        expected: str,
        observed: str,
        see: str = "",
        command: str = "",
    ) -> Finding:
        """A finding in one of the check's files; it is seen there, and mended by another run, unless told."""
        artifact = self.artifact(path)
        reason = Reason(
            rule=rule,
            message=printable(f"{self.check}: {message}"),
            artifact=printable(artifact),
            pointer=pointer,
            expected=printable(expected),
            observed=printable(observed),
            see=see or command_to_see(artifact, pointer),
            command=command or f"gatewright run {self.check}",
        )
        return Finding(state, reason)

    def adopt(self, state: State, reason: Reason) -> Finding:
        """A reason from a result of the check, told from the evidence folder."""
        artifact = self.artifact(reason.artifact)
        return Finding(
            state,
            reason.model_copy(
                update={
                    "message": f"{self.check}: {reason.message}",
                    "artifact": artifact,
                    "see": reason.see or command_to_see(artifact, reason.pointer),
                    "command": reason.command or f"gatewright run {self.check}",
                }
            ),
        )


def command_to_see(artifact: str, pointer: str = "") -> str:
    """The command that shows a place of the evidence: a JSON value by its pointer, or the end of a log."""
    return "gatewright show " + shlex.quote(f"{artifact}#{pointer}" if pointer else artifact)
