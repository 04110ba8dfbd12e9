"""A runner whose answers are counted and timed; the log tells when it gets out of reach, and is back."""

import logging
from time import perf_counter

from multyagents_api.observing.metrics import Metrics
from multyagents_api.observing.work import about
from multyagents_api.service.runners import Runner, Submission, SubmissionResult

__all__ = ["ObservedRunner"]

_log = logging.getLogger(__name__)


class ObservedRunner:
    """Another runner, which metrics and the log are told of."""

    def __init__(self, runner: Runner, metrics: Metrics) -> None:
        self._runner = runner
        self._metrics = metrics
        self._in_reach = True

    async def submit(self, submission: Submission) -> SubmissionResult:
        """Hand over one attempt."""
        start = perf_counter()
        try:
            result = await self._runner.submit(submission)
        except OSError as error:
            with about(run_id=submission.run_id, task_id=submission.task_id, attempt=submission.attempt):
                self._missed("submit", start, error)
            raise
        self._answered("submit", "accepted" if result.accepted else "refused", start)
        return result

    async def cancel(self, task_id: int, attempt: int) -> None:
        """Ask to stop an attempt."""
        start = perf_counter()
        try:
            await self._runner.cancel(task_id, attempt)
        except OSError as error:
            with about(task_id=task_id, attempt=attempt):
                self._missed("cancel", start, error)
            raise
        self._answered("cancel", "accepted", start)

    def _answered(self, operation: str, outcome: str, start: float) -> None:
        self._metrics.runner_asked(operation, outcome, perf_counter() - start)
        if not self._in_reach:
            self._in_reach = True
            _log.warning("the runner answers again")

    def _missed(self, operation: str, start: float, error: OSError) -> None:
        """Told once, not for each of the attempts that wait for it."""
        self._metrics.runner_asked(operation, "unreachable", perf_counter() - start)
        if self._in_reach:
            self._in_reach = False
            _log.warning("the runner is out of reach; dispatches wait (%s)", error or type(error).__name__)
