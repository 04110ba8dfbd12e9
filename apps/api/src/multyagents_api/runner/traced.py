"""A runner that is asked within spans; added only where traces are wanted."""

from multyagents_api.observing.spans import Tracing
from multyagents_api.service.runners import Runner, Submission, SubmissionResult

__all__ = ["TracedRunner"]


class TracedRunner:
    """Another runner, which is told what trace it is part of where it can be."""

    def __init__(self, runner: Runner, tracing: Tracing) -> None:
        self._runner = runner
        self._tracing = tracing

    async def submit(self, submission: Submission) -> SubmissionResult:
        """Hand over one attempt."""
        facts = {**_facts(submission.task_id, submission.attempt), "multyagents.run_id": submission.run_id}
        with self._tracing.call("runner submit", facts) as span:
            result = await self._runner.submit(submission)
            span.set_attribute("multyagents.accepted", result.accepted)
        return result

    async def cancel(self, task_id: int, attempt: int) -> None:
        """Ask to stop an attempt."""
        with self._tracing.call("runner cancel", _facts(task_id, attempt)):
            await self._runner.cancel(task_id, attempt)


def _facts(task_id: int, attempt: int) -> dict[str, int]:
    return {"multyagents.task_id": task_id, "multyagents.attempt": attempt}
