"""The built-in runner: accepts every submission and leaves work and callbacks to whoever drives it."""

from multyagents_api.service.runners import Submission, SubmissionResult

__all__ = ["AcceptingRunner"]


class AcceptingRunner:
    """Accepts everything at once and does nothing."""

    async def submit(self, submission: Submission) -> SubmissionResult:  # noqa: ARG002 - whatever it is, yes
        """Accept."""
        return SubmissionResult(accepted=True)

    async def cancel(self, task_id: int, attempt: int) -> None:
        """Nothing to stop: the driver of the callbacks reads the task's status."""
