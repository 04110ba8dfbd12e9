"""Summaries of runs: what a client asks again and again while a run goes on."""

from dataclasses import dataclass

from multyagents_api.domain.errors import NotFound
from multyagents_api.domain.summaries import ExecutionSummary, summarize
from multyagents_api.service.ports import Storage
from multyagents_api.service.readiness import blocked_tasks

__all__ = ["Summaries"]


@dataclass(frozen=True, slots=True)
class Summaries:
    """Use cases about summaries."""

    storage: Storage

    async def of_run(self, run_id: int) -> ExecutionSummary:
        """Where a run stands: two to four statements, whatever was tried before."""
        async with self.storage.read() as reader:
            found = await reader.run_with_tasks(run_id)
            if found is None:
                raise NotFound("run", str(run_id))
            run, tasks = found
            times = await reader.dispatch_times(run_id)
            return summarize(run, tasks, times, await blocked_tasks(reader, run, tasks))
