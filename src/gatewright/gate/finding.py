"""One thing that the judge found wrong, and what state it puts a check into."""

from dataclasses import dataclass

from gatewright.core.escape import printable
from gatewright.core.verdict import State
from gatewright.evidence.record import EVIDENCE
from gatewright.evidence.report import Reason

__all__ = ["Finding", "Place"]


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

    def command_to_read(self, path: str) -> str:
        """The command that shows a file of the check."""
        return f"less {EVIDENCE}/{self.artifact(path)}"

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
        command: str = "",
    ) -> Finding:
        """A finding in one of the check's files; what mends it is to run the check again, unless told."""
        reason = Reason(
            rule=rule,
            message=printable(f"{self.check}: {message}"),
            artifact=printable(self.artifact(path)),
            pointer=pointer,
            expected=printable(expected),
            observed=printable(observed),
            command=command or f"gatewright run {self.check}",
        )
        return Finding(state, reason)

    def adopt(self, state: State, reason: Reason) -> Finding:
        """A reason from a result of the check, told from the evidence folder."""
        return Finding(
            state,
            reason.model_copy(
                update={
                    "message": f"{self.check}: {reason.message}",
                    "artifact": self.artifact(reason.artifact),
                    "command": reason.command or f"gatewright run {self.check}",
                }
            ),
        )
