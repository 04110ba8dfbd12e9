"""A time budget for runners that may take long, or never answer."""

import asyncio
from dataclasses import dataclass

from multyagents_api.service.runners import Runner, Submission, SubmissionResult

__all__ = ["PunctualRunner"]


@dataclass(frozen=True, slots=True)
class PunctualRunner:
    """Another runner, which counts as not reached (`TimeoutError`) when its budget in seconds is over."""

    runner: Runner
    budget_s: float

    async def submit(self, submission: Submission) -> SubmissionResult:
        """Hand over one attempt in time."""
        async with asyncio.timeout(self.budget_s):
            return await self.runner.submit(submission)

    async def cancel(self, task_id: int, attempt: int) -> None:
        """Ask to stop an attempt in time."""
        async with asyncio.timeout(self.budget_s):
            await self.runner.cancel(task_id, attempt)
